"""The feature image super-resolution: it enlarges images and restores likely detail."""
