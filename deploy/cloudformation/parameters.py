"""The parameters of the templates, each declared once. The root stack passes most to the nested stacks."""

from collections.abc import Mapping
from typing import Any

from serving.feature import SMALL_LAMBDA_MB
from serving.http import Json

from .parts import equals, given

LARGE_MB = 10240


def parameter(text: str, default: str | int | None = None, *, kind: str = "String", **limits: Any) -> Json:
    """Returns the declaration of a parameter. limits: AllowedValues, AllowedPattern, MinValue and so on."""
    known = {} if default is None else {"Default": default}
    return {"Type": kind, "Description": text, **known, **limits}


def number(text: str, default: int, least: int, most: int) -> Json:
    return parameter(text, default, kind="Number", MinValue=least, MaxValue=most)


def choice(text: str, *values: str) -> Json:
    """Returns a parameter with these allowed values; the first is the default."""
    return parameter(text, values[0], AllowedValues=list(values))


_BUCKET = r"^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$"
_FOLDER = r"^([^/].*/)?$"

ASSETS: Mapping[str, Json] = {
    "AssetsBucket": parameter(
        "S3 bucket that holds the templates and the code of the functions. It must be in the region of the "
        "stack.",
        AllowedPattern=_BUCKET.replace("(", "").replace(")?", ""),
    ),
    "AssetsPrefix": parameter(
        "Folder of the templates and the code in AssetsBucket.",
        "ai-solution-kit",
        AllowedPattern=r"^[^/]+(/[^/]+)*$",
    ),
}
SHARED: Mapping[str, Json] = {
    **ASSETS,
    "ImagePrefix": parameter("Prefix of the ECR repositories, which are named PREFIX/feature-name.", "aikit"),
    "ImageTag": parameter(
        "Tag of the images for SageMaker. The images for Lambda have the tag TAG-lambda.",
        AllowedPattern=r"^[\w][\w.-]{0,120}$",
    ),
    "InstanceType": parameter(
        "SageMaker: the instance type of every endpoint. Empty: the type that each feature declares "
        "(ml.g4dn.xlarge).",
        "",
        AllowedPattern=r"^(ml\.[a-z0-9-]+\.[a-z0-9]+)?$",
    ),
    "InferenceAmiVersion": parameter(
        "SageMaker: the AMI version of the instances, which contains the NVIDIA driver. The CUDA wheels need "
        "driver 570 or newer. Leave it empty for instances without a GPU, or in a region that does not offer "
        "this version.",
        "al2023-ami-sagemaker-inference-gpu-4-1",
    ),
    "MinInstances": number("SageMaker: the smallest number of instances of an endpoint.", 1, 1, 100),
    "MaxInstances": number(
        "SageMaker: the largest number of instances of an endpoint. An update needs the same number of "
        "additional instances for some minutes.",
        2,
        1,
        100,
    ),
    "LambdaMemoryLimit": parameter(
        "Lambda: the largest memory of a function, in MB. In a new account, Lambda may refuse more than "
        f"{SMALL_LAMBDA_MB} MB (MemorySize value failed to satisfy constraint). Then choose "
        f"{SMALL_LAMBDA_MB}, or ask AWS Support for a higher limit. Functions are slower then, and the "
        "memory may be too small for large images.",
        str(LARGE_MB),
        AllowedValues=[str(LARGE_MB), str(SMALL_LAMBDA_MB)],
    ),
    "InputBucket": parameter(
        "S3 bucket with the images that requests may name by s3:// addresses. Empty: requests cannot name "
        "images in S3.",
        "",
        AllowedPattern=_BUCKET,
    ),
    "InputPrefix": parameter(
        "Folder in InputBucket, with a slash at the end. Empty: the whole bucket.", "", AllowedPattern=_FOLDER
    ),
    "DataCaptureBucket": parameter(
        "SageMaker: S3 bucket that stores requests and replies, including the images. Empty: nothing is "
        "stored.",
        "",
        AllowedPattern=_BUCKET,
    ),
    "DataCapturePercent": number(
        "SageMaker: the percentage of the requests that DataCaptureBucket stores.", 10, 0, 100
    ),
    "LogLevel": choice(
        "Lowest level of the log lines that the containers write.", "INFO", "DEBUG", "WARNING", "ERROR"
    ),
    "LogRetentionDays": parameter(
        "Number of days that logs are stored.",
        30,
        kind="Number",
        AllowedValues=[1, 3, 7, 14, 30, 60, 90, 180, 365],
    ),
    "AlarmTopic": parameter(
        "ARN of the SNS topic that receives the alarms. Empty: the alarms appear in CloudWatch only.", ""
    ),
}
SHARED_CONDITIONS: Mapping[str, Json] = {"HasAlarmTopic": given("AlarmTopic")}
FEATURE: Mapping[str, Json] = {
    "Architecture": parameter(
        "Service that runs the feature.", AllowedValues=["yes-lambda", "yes-sagemaker"]
    ),
    "Registry": parameter("Registry of the images, in the form ACCOUNT.dkr.ecr.REGION.SUFFIX."),
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
        "The page of the API explorer. yes: it can call the features. no: it only shows their definitions.",
        "yes",
        "no",
    ),
    "APIGatewayAuthorization": choice(
        "Requests that the API accepts. AWS_IAM: requests that an identity of an AWS account has signed. "
        "API_KEY: requests with the API key of the usage plan; the key identifies callers, but does not "
        "authenticate them. NONE: requests of everybody, at your cost. In the China regions, an API without "
        "authentication needs an ICP recordal.",
        "AWS_IAM",
        "API_KEY",
        "NONE",
    ),
    "APIGatewayStageName": parameter(
        "Stage of the API, the first part of the path in every URL.",
        "prod",
        AllowedPattern="^[A-Za-z0-9_-]{1,128}$",
    ),
    "ImageRegistry": parameter(
        "Registry of the images, in the form ACCOUNT.dkr.ecr.REGION.SUFFIX. Empty: the registry of this "
        "account in this region.",
        "",
        AllowedPattern=r"^([0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.[a-z.]+)?$",
    ),
    "RequestsPerSecond": number(
        "Throttling: the steady rate of requests per second, for all features together.", 50, 1, 10000
    ),
    "RequestBurst": number("Throttling: the number of requests that may arrive at once.", 100, 1, 5000),
    "RequestsPerMonth": number(
        "API_KEY: the quota of the usage plan, in requests per month.", 1_000_000, 1, 2_000_000_000
    ),
    "AccessLogs": choice(
        "Log each call of the API, without bodies. This needs a role in the account settings of API Gateway, "
        "which exist once per region. yes: the stack sets this role, which stays when the stack is deleted. "
        "yes-with-account-role: the stack uses the role that is set already.",
        "yes",
        "yes-with-account-role",
        "no",
    ),
}
