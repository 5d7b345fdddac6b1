"""Networks that a file describes as a graph: readers of two formats, and a torch module."""
