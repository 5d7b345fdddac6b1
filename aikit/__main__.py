"""Runs `aikit` when Python is called as `python -m aikit`."""

from .main import main

main()
