"""The local stack: one process that speaks API Gateway and sagemaker-runtime, and serves an API explorer."""
