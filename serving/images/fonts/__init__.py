"""The font that drawings are labelled in."""
