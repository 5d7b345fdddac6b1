"""Attributes by comparison with sentences, the profile `standard`: SigLIP 2 and its head."""
