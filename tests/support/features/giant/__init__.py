"""The probe once more, for which no machine has enough memory."""
