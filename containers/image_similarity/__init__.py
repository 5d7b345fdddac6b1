"""The feature image similarity: it turns images into vectors and compares two images."""
