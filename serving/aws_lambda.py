"""The name by which Lambda starts a feature, `serving.aws_lambda.handler`; the code is in `adapters/`."""

from .adapters.aws_lambda import __getattr__  # noqa: F401  (`handler` loads the feature when it is asked for)
