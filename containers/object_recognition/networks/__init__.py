"""The networks of object recognition as torch modules."""
