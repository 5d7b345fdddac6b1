"""Measurements, not collected by `make test`; run them with `make bench`."""
