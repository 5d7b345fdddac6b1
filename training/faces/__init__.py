"""Networks about faces and people, taught by public ones on portraits."""
