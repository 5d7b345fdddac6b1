"""How the project's own networks were trained; not part of the images."""
