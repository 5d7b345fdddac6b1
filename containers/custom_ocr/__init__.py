"""Named fields of documents that look like a template, wherever they lie in the photograph."""
