"""Sends one request to a SageMaker endpoint, which may be real-time, serverless or asynchronous."""

import uuid
from urllib.parse import urlsplit

from serving.codec import JSON
from serving.errors import PayloadTooLarge
from serving.http import Json
from serving.service import Reply

from .calls import Aws, AwsError

_MIB = 1 << 20
_ASYNC_S = 3600
_LIMITS_MIB = {"real-time": 6, "serverless": 4, "async": 1024}


def kind_of(config: Json) -> str:
    """Returns `real-time`, `serverless` or `async`. config: the answer of DescribeEndpointConfig."""
    if config.get("AsyncInferenceConfig"):
        return "async"
    serverless = any("ServerlessConfig" in variant for variant in config["ProductionVariants"])
    return "serverless" if serverless else "real-time"


def invoke(aws: Aws, endpoint: str, body: bytes, content_type: str, *, feature: str = "") -> Reply:
    """Sends one body and returns the reply of the container.

    feature: name of the feature to call when several share the endpoint. Raises `PayloadTooLarge` for a body
    that SageMaker would refuse, and `AwsError` when no container answers.
    """
    found = aws.call("sagemaker", "describe_endpoint", EndpointName=endpoint)
    config = aws.call("sagemaker", "describe_endpoint_config", EndpointConfigName=found["EndpointConfigName"])
    kind = kind_of(config)
    limit = _LIMITS_MIB[kind] * _MIB
    if len(body) > limit:
        raise PayloadTooLarge(f"body: {len(body)} bytes, at most {limit} at a {kind} endpoint")
    parameters = {"EndpointName": endpoint, "ContentType": content_type, "Accept": JSON}
    if feature:
        parameters["CustomAttributes"] = f"feature={feature}"
    if kind == "async":
        place = config["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"]
        return _later(aws, parameters, body, place.rpartition("/output")[0])
    return _now(aws, parameters, body)


def _now(aws: Aws, parameters: Json, body: bytes) -> Reply:
    try:
        found = aws.call("sagemaker-runtime", "invoke_endpoint", Body=body, **parameters)
    except AwsError as error:
        if error.reason != "ModelError" or not error.answer.get("OriginalStatusCode"):
            raise
        return Reply(error.answer["OriginalStatusCode"], error.answer["OriginalMessage"].encode())
    if not found:
        return Reply(0, b"null")  # in a dry run
    return Reply(200, found["Body"].read(), found.get("ContentType", JSON))


def _later(aws: Aws, parameters: Json, body: bytes, place: str) -> Reply:
    """Writes the request into the bucket and waits until the reply is there. Both may have up to 1 GB."""
    bucket, prefix = split_s3(place)
    request_id = uuid.uuid4().hex
    request = {"Bucket": bucket, "Key": "/".join(filter(None, [prefix, "input", request_id]))}
    aws.call("s3", "put_object", Body=body, ContentType=parameters["ContentType"], **request)
    try:
        sent = aws.call(
            "sagemaker-runtime",
            "invoke_endpoint_async",
            InputLocation=f"s3://{bucket}/{request['Key']}",
            InferenceId=request_id,
            InvocationTimeoutSeconds=_ASYNC_S,
            **parameters,
        )
        return _outcome(aws, sent) if sent else Reply(0, b"null")
    finally:
        aws.find("s3", "delete_object", **request)


def _outcome(aws: Aws, sent: Json) -> Reply:
    reply = Reply(504, b"")

    def arrived() -> bool:
        nonlocal reply
        for status, name in ((200, "OutputLocation"), (500, "FailureLocation")):
            location = sent.get(name)
            bucket, key = split_s3(location) if location else ("", "")
            if location and (found := aws.find("s3", "get_object", Bucket=bucket, Key=key)):
                reply = Reply(status, found["Body"].read(), found.get("ContentType", JSON))
                return True
        return False

    aws.wait(f"{sent['InferenceId']}: no reply", arrived, limit_s=_ASYNC_S)
    return reply


def split_s3(address: str) -> tuple[str, str]:
    """Returns bucket and key of `s3://bucket/key`. The key has no slash at either end, and may be empty."""
    parts = urlsplit(address)
    return parts.netloc, parts.path.strip("/")
