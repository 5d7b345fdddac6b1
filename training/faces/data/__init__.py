"""The pictures and labels that the face networks learn from."""
