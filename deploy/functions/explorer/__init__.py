"""The API explorer: one page that calls the features, and the documents that it needs."""
