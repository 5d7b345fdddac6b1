"""The function between API Gateway and a SageMaker endpoint. It needs the standard library and boto3 only."""
