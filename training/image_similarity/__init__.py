"""A descriptor of near-duplicates, trained without labels."""
