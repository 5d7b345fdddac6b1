"""The feature text similarity: it turns texts into vectors and compares two texts.

It is made for Chinese and accepts any language.
"""
