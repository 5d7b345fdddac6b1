"""Lambda functions: features that run on Lambda, the proxies of endpoints, and the API explorer."""

from collections.abc import Mapping, Sequence
from typing import Any

from serving.feature import SMALL_LAMBDA_MB, Feature
from serving.http import Json

from .assets import Asset
from .parts import alarm, allow, arn, get, log_group, ref, resource, role, sub, when

RUNTIME = "python3.13"
PROXY_MB = 512  # more than the proxy and the explorer need: Lambda gives CPU in proportion to memory
GATEWAY_S = 29  # API Gateway gives up after this time
_DEADLINE_S = 28
_LOAD_S = 120  # a first call may load the model; loading goes on after API Gateway has given up


def image_function(
    feature: Feature, image: Json, environment: Json, statements: Sequence[Json]
) -> dict[str, Json]:
    """Returns `Function`, which runs the feature, with its role, logs and alarms.

    statements: the policy statements of the function, in addition to those for logging.
    """
    memory = feature.resources.lambda_memory_mb
    properties = {
        "PackageType": "Image",
        "Code": {"ImageUri": image},
        "ImageConfig": {
            "EntryPoint": ["python", "-m", "awslambdaric"],
            "Command": ["serving.aws_lambda.handler"],
        },
        "MemorySize": when("LambdaIsSmall", min(memory, SMALL_LAMBDA_MB), memory),
        "Timeout": _LOAD_S,
        "Environment": {"Variables": {**environment, "AIKIT_DEADLINE_S": str(_DEADLINE_S)}},
    }
    return _function("Function", feature.title, properties, statements)


def zip_function(
    name: str,
    description: str,
    asset: Asset,
    environment: Mapping[str, Any],
    statements: Sequence[Json] = (),
) -> dict[str, Json]:
    """Returns a function with its role, logs and alarms. asset: its code, a zip file in AssetsBucket."""
    properties = {
        "Runtime": RUNTIME,
        "Handler": asset.handler,
        "Code": {"S3Bucket": ref("AssetsBucket"), "S3Key": sub(f"${{AssetsPrefix}}/{asset.file}")},
        "MemorySize": PROXY_MB,
        "Timeout": GATEWAY_S,
        "Environment": {"Variables": dict(environment)},
    }
    return _function(name, description, properties, statements)


def _function(name: str, description: str, properties: Json, statements: Sequence[Json]) -> dict[str, Json]:
    logging = allow(["logs:CreateLogStream", "logs:PutLogEvents"], get(f"{name}Logs", "Arn"))
    own = {
        "Description": description,
        "Role": get(f"{name}Role", "Arn"),
        "LoggingConfig": {"LogGroup": ref(f"{name}Logs")},
    }
    dimensions = {"FunctionName": ref(name)}
    return {
        name: resource("Lambda::Function", {**properties, **own}),
        f"{name}Role": role("lambda", [logging, *statements]),
        f"{name}Logs": log_group(),
        f"{name}Errors": alarm(
            "AWS/Lambda Errors", f"{description}: more than 5 % of the calls fail.", dimensions, above=0.05
        ),
        f"{name}Throttles": alarm(
            "AWS/Lambda Throttles",
            f"{description}: the concurrency limit of the account is reached.",
            dimensions,
            above=0,
        ),
    }


def invocable(function: str, api: str, calls: str = "*") -> Json:
    """Returns the permission that lets API Gateway invoke a function.

    api: the parameter or resource that holds the API's id; calls: method and path.
    """
    properties = {
        "FunctionName": ref(function),
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": arn("execute-api", f"${{{api}}}/*/{calls}"),
    }
    return resource("Lambda::Permission", properties)
