"""The API explorer: one page that tries the features, and the documents it needs."""
