"""The part of the local stack that imitates SageMaker's API sagemaker-runtime."""
