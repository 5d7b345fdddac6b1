"""The documents that are derived from the declarations."""
