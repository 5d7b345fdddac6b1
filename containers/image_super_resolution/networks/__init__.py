"""The networks of image super-resolution as torch modules."""
