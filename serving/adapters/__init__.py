"""Adapters between a transport and `Service.invoke`."""
