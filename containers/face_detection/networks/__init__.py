"""The networks of face detection as torch modules."""
