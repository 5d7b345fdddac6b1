"""Human image segmentation: a matte of the people in an image, or the people on a transparent background."""
