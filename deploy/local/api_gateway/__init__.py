"""API Gateway's face of the local stack."""
