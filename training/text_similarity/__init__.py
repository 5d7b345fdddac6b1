"""Training of the character encoder of text_similarity."""
