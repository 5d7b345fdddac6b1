"""A descriptor of near-duplicates that is trained without labels."""
