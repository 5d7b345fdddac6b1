"""Faces in photographs: boxes, 106 landmarks, gender and age."""
