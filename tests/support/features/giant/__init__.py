"""The probe with more memory than any machine has."""
