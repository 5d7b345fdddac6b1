"""Reads the licence plates of mainland China in photographs."""
