"""The part of the local stack that imitates API Gateway."""
