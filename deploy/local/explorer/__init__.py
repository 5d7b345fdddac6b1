"""The API Explorer of the local stack."""
