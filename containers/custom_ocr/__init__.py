"""Reads the named fields of documents that match a template, at any position in the photograph."""
