"""A small network for image_super_resolution: how it was trained, and why it is not served. See README.md."""
