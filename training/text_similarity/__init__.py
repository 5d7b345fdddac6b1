"""The training of text_similarity's character encoder."""
