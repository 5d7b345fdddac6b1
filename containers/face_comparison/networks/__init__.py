"""The networks of face comparison as torch modules."""
