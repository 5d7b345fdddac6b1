"""The documents and snapshots that are derived from the declarations."""
