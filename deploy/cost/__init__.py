"""The cost of a feature on AWS, computed from measured seconds and listed prices."""
