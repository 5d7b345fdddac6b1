"""Networks about faces and people, which learn from public networks on portraits."""
