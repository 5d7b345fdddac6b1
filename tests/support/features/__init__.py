"""Features that exist for the tests only."""
