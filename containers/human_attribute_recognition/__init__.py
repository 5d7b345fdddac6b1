"""What people in photographs look like, wear and do: sixteen attributes per person."""
