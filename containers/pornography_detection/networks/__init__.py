"""The networks of pornography detection as torch modules."""
