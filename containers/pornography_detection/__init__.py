"""The feature pornography detection: it rates how explicit an image is."""
