"""Serve one AI feature over HTTP, AWS Lambda or SageMaker's toolkit from a single declaration of it.

Start with `feature.py` (what a feature is), then `service.py` (how one request is answered), then `front.py`
and `supervisor.py` (how a container stays up). Importing this package imports neither torch nor boto3.
"""
