"""What a feature costs on AWS, from measured seconds and listed prices."""
