"""The local stack: one process that imitates API Gateway and sagemaker-runtime and has an explorer."""
