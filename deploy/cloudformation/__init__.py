"""The CloudFormation templates, and the OpenAPI document that API Gateway imports."""
