"""The containers of the local stack."""
