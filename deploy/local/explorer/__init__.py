"""The API explorer of the local stack."""
