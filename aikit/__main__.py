"""`python -m serving` is `aikit`."""

from .cli import main

main()
