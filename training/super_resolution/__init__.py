"""The training of a small network for image_super_resolution; README.md says why it is not served."""
