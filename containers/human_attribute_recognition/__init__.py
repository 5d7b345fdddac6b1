"""Human attribute recognition: sixteen attributes of every person in an image, such as clothing and age."""
