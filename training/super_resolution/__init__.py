"""The training of the small network that image_super_resolution serves as `lite`."""
