"""Pictures as vectors, and how alike two of them are."""
