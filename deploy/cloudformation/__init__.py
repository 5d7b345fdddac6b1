"""The CloudFormation templates, and the document that API Gateway imports."""
