"""The function between API Gateway and a SageMaker endpoint: standard library and boto3 only."""
