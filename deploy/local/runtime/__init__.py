"""The face of SageMaker's runtime API of the local stack."""
