"""Licence plates of mainland China: what is drawn, and the networks that are trained on it."""
