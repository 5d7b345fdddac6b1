"""Adapters, each of which connects one transport with `Service.invoke`."""
