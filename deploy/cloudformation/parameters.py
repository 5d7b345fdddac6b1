"""The parameters of the templates, each declared once: the root stack passes most on to every feature's."""

from collections.abc import Mapping
from typing import Any

from serving.feature import SMALL_LAMBDA_MB

from .parts import Json, equals, given

LARGE_MB = 10240


def parameter(text: str, default: str | int | None = None, *, kind: str = "String", **limits: Any) -> Json:
    """limits: AllowedValues, AllowedPattern, MinValue and the like."""
    known = {} if default is None else {"Default": default}
    return {"Type": kind, "Description": text, **known, **limits}


def number(text: str, default: int, least: int, most: int) -> Json:
    return parameter(text, default, kind="Number", MinValue=least, MaxValue=most)


def choice(text: str, *values: str) -> Json:
    """The first is the default."""
    return parameter(text, values[0], AllowedValues=list(values))


_BUCKET = r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$"
_FOLDER = r"^([^/].*/)?$"

ASSETS: Mapping[str, Json] = {
    "AssetsBucket": parameter(
        "S3 bucket, in the stack's region, that holds the templates and the functions' code.",
        AllowedPattern=_BUCKET.replace("(", "").replace(")?", ""),
    ),
    "AssetsPrefix": parameter(
        "Folder in that bucket.", "ai-solution-kit", AllowedPattern=r"^[^/]+(/[^/]+)*$"
    ),
}
SHARED: Mapping[str, Json] = {
    **ASSETS,
    "ImagePrefix": parameter("ECR repositories are named PREFIX/feature-name.", "aikit"),
    "ImageTag": parameter(
        "Tag of the images for SageMaker; those for Lambda are tagged TAG-lambda.",
        AllowedPattern=r"^[\w][\w.-]{0,120}$",
    ),
    "InstanceType": parameter(
        "SageMaker: instance type of every endpoint. Empty: what each feature declares (ml.g4dn.xlarge).",
        "",
        AllowedPattern=r"^(ml\.[a-z0-9-]+\.[a-z0-9]+)?$",
    ),
    "InferenceAmiVersion": parameter(
        "SageMaker: image of the instances, which brings the NVIDIA driver; the CUDA wheels need 570 or "
        "newer. Empty for instances without a GPU, or where a region does not have it.",
        "al2023-ami-sagemaker-inference-gpu-4-1",
    ),
    "MinInstances": number("SageMaker: fewest instances of an endpoint.", 1, 1, 100),
    "MaxInstances": number(
        "SageMaker: most instances of an endpoint. An update needs as many again for some minutes.", 2, 1, 100
    ),
    "LambdaMemoryLimit": parameter(
        f"Lambda: most memory of a function, in MB. A new account may refuse more than {SMALL_LAMBDA_MB} "
        f"(MemorySize value failed to satisfy constraint): choose {SMALL_LAMBDA_MB}, which is slower and may "
        "be too little for large images, or ask AWS Support for more.",
        str(LARGE_MB),
        AllowedValues=[str(LARGE_MB), str(SMALL_LAMBDA_MB)],
    ),
    "InputBucket": parameter(
        "S3 bucket whose images may be named as s3:// addresses in requests. Empty: none.",
        "",
        AllowedPattern=_BUCKET,
    ),
    "InputPrefix": parameter(
        "Folder in that bucket, ending in a slash; empty for all of it.", "", AllowedPattern=_FOLDER
    ),
    "DataCaptureBucket": parameter(
        "SageMaker: S3 bucket that keeps requests and replies, images included. Empty: nothing is kept.",
        "",
        AllowedPattern=_BUCKET,
    ),
    "DataCapturePercent": number("SageMaker: the share of requests that is kept there.", 10, 0, 100),
    "LogLevel": choice("Least severe log line the containers write.", "INFO", "DEBUG", "WARNING", "ERROR"),
    "LogRetentionDays": parameter(
        "Days that logs are kept.", 30, kind="Number", AllowedValues=[1, 3, 7, 14, 30, 60, 90, 180, 365]
    ),
    "AlarmTopic": parameter(
        "ARN of the SNS topic that alarms go to. Empty: they show in CloudWatch only.", ""
    ),
}
SHARED_CONDITIONS: Mapping[str, Json] = {"HasAlarmTopic": given("AlarmTopic")}
FEATURE: Mapping[str, Json] = {
    "Architecture": parameter("Where the feature runs.", AllowedValues=["yes-lambda", "yes-sagemaker"]),
    "Registry": parameter("Registry of the images, as ACCOUNT.dkr.ecr.REGION.SUFFIX."),
    "Api": parameter("Id of the REST API that may invoke the function."),
}
FEATURE_CONDITIONS: Mapping[str, Json] = {
    **SHARED_CONDITIONS,
    "OnLambda": equals("Architecture", "yes-lambda"),
    "OnSageMaker": equals("Architecture", "yes-sagemaker"),
    "HasInstanceType": given("InstanceType"),
    "HasAmi": given("InferenceAmiVersion"),
    "HasInput": given("InputBucket"),
    "HasDataCapture": given("DataCaptureBucket"),
    "LambdaIsSmall": equals("LambdaMemoryLimit", str(SMALL_LAMBDA_MB)),
}
GENERAL: Mapping[str, Json] = {
    "APIExplorer": choice(
        "The API explorer: with yes it tries the features, with no it shows their definitions only.",
        "yes",
        "no",
    ),
    "APIGatewayAuthorization": choice(
        "Who may call: AWS_IAM, requests signed by an identity of an account; API_KEY, those with the key of "
        "the usage plan (a key identifies, it does not authenticate); NONE, everybody, at your cost. In the "
        "China regions an anonymous API needs an ICP recordal.",
        "AWS_IAM",
        "API_KEY",
        "NONE",
    ),
    "APIGatewayStageName": parameter(
        "First part of the path of every address.", "prod", AllowedPattern="^[A-Za-z0-9_-]{1,128}$"
    ),
    "ImageRegistry": parameter(
        "Registry of the images, as ACCOUNT.dkr.ecr.REGION.SUFFIX. Empty: this account's, in this region.",
        "",
        AllowedPattern=r"^([0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z.]+)?$",
    ),
    "RequestsPerSecond": number(
        "Throttling: sustained requests per second, all features together.", 50, 1, 10000
    ),
    "RequestBurst": number("Throttling: requests that may come at once.", 100, 1, 5000),
    "RequestsPerMonth": number("API_KEY: quota of the usage plan.", 1_000_000, 1, 2_000_000_000),
    "AccessLogs": choice(
        "Log each call of the API, without bodies. That needs a role in the account's API Gateway settings, "
        "one per region: yes sets it and leaves it there, yes-with-account-role uses what is set.",
        "yes",
        "yes-with-account-role",
        "no",
    ),
}
