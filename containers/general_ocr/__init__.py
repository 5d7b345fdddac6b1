"""Reads text in photographs and documents, mainly simplified Chinese and English."""
