"""The entry point `serving.aws_lambda.handler`, by which Lambda starts a feature; see `adapters/`."""

from .adapters.aws_lambda import __getattr__  # noqa: F401  (the first access to `handler` loads the feature)
