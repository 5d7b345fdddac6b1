"""How explicit an image is: normal, sexy or porn."""
