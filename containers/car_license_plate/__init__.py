"""Licence plates of mainland China in photographs."""
