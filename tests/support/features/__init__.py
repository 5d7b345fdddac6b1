"""Features that only the tests use."""
