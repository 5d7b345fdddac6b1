"""`python -m aikit` is `aikit`."""

from .main import main

main()
