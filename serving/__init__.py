"""Serves an AI feature over HTTP, on AWS Lambda or in SageMaker's toolkit, from one declaration of it.

Read `feature.py` first: it declares a feature. `service.py` answers one request. `container/front.py` and
`container/supervisor.py` keep a container running. Importing this package imports neither torch nor boto3.
"""
