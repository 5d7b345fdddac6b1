"""Face comparison: a vector for each face, or the similarity of two faces."""
