"""One folder per feature."""
