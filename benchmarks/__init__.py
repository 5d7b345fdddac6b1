"""Measurements, which `make test` does not collect; `make bench` runs them."""
