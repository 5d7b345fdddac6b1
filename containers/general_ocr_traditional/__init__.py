"""Reads traditional Chinese text in photographs and documents."""
