"""Calls to AWS: one session, and one module for each kind of resource."""
