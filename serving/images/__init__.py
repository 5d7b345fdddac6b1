"""Images in requests and replies."""
