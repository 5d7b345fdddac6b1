"""Licence plates of mainland China: drawn plates, and the networks that are trained on them."""
