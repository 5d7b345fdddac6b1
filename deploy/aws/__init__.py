"""Calls to AWS: `calls.py` makes them, and one module for each type of resource uses it."""
