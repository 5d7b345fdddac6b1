"""The networks of image similarity as torch modules."""
