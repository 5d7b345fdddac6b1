"""Passes a request of API Gateway to a SageMaker endpoint, and returns the container's own status."""

import base64
import binascii
import json
import logging
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from serving.http import CORS, LAMBDA_REPLY_BYTES, PREFLIGHT

log = logging.getLogger(__name__)

LIMIT = 6 * 2**20  # bytes of a request to SageMaker
CONNECT_S, READ_S = 2, 25  # together with a cold start, less than the 29 s that API Gateway waits
_LATE = (504, "deadline_exceeded", "the endpoint did not answer in time")
_FAILURES = {  # status, code, detail, Retry-After in seconds
    "ModelNotReadyException": (503, "unavailable", "the endpoint is loading the model", 10),
    "ServiceUnavailable": (503, "unavailable", "SageMaker is unavailable", 2),
    "ThrottlingException": (429, "too_many_requests", "SageMaker accepts no more requests at the moment", 1),
}
JSON = "application/json"
Answer = dict[str, Any]


class Failure(Exception):
    """A failure that the caller receives, in the same shape as the failures of the containers."""

    def __init__(self, status: int, code: str, detail: str, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.retry_after_s = status, code, retry_after_s

    def answer(self, request_id: str) -> Answer:
        problem = {"status": self.status, "code": self.code, "detail": str(self), "request_id": request_id}
        return answer(self.status, request_id, json.dumps(problem).encode(), retry_after_s=self.retry_after_s)


def answer(status: int, request_id: str, body: bytes, kind: str = JSON, retry_after_s: int = 0) -> Answer:
    """Returns a reply in the shape that API Gateway accepts; it turns any other shape into a 502.

    kind: the content type. A body that is not text is sent in base64.
    """
    text = kind.startswith((JSON, "text/"))
    headers = {**CORS, "Content-Type": kind, "X-Request-Id": request_id}
    return {
        "statusCode": status,
        "headers": headers | ({"Retry-After": str(retry_after_s)} if retry_after_s else {}),
        "body": body.decode(errors="replace") if text else base64.b64encode(body).decode(),
        "isBase64Encoded": not text,
    }


def client(connect_s: float = CONNECT_S, read_s: float = READ_S) -> Any:
    """Returns a client of sagemaker-runtime that never retries.

    Retries are left to the caller, which knows if it still needs the reply.
    """
    limits = Config(connect_timeout=connect_s, read_timeout=read_s, retries={"total_max_attempts": 1})
    return boto3.client("sagemaker-runtime", config=limits)


class Proxy:
    """The function: it answers proxy events of API Gateway with the replies and failures of an endpoint."""

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime, self._endpoint = runtime, endpoint

    def __call__(self, event: dict[str, Any], context: Any) -> Answer:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        gateway_id = (event.get("requestContext") or {}).get("requestId")
        request_id = gateway_id or headers.get("x-request-id") or context.aws_request_id
        if event.get("httpMethod") == "OPTIONS":
            return {"statusCode": 204, "headers": PREFLIGHT, "body": "", "isBase64Encoded": False}
        try:
            result = self._invoke(_body(event), headers, request_id)
            if (size := len(json.dumps(result))) > LAMBDA_REPLY_BYTES:
                raise Failure(413, "payload_too_large", f"reply: {size} bytes, at most {LAMBDA_REPLY_BYTES}")
            return result
        except Failure as failure:
            return failure.answer(request_id)

    def _invoke(self, body: bytes, headers: dict[str, str], request_id: str) -> Answer:
        passed = {"ContentType": "content-type", "Accept": "accept"}
        given = {name: headers[key] for name, key in passed.items() if headers.get(key)}
        name = {"EndpointName": self._endpoint, "InferenceId": request_id[:64]}  # the container logs the id
        try:
            reply = self._runtime.invoke_endpoint(**name, **given, Body=body)
            return answer(200, request_id, reply["Body"].read(), reply["ContentType"])
        except ReadTimeoutError as error:
            raise Failure(*_LATE) from error
        except BotoCoreError as error:
            log.exception("%s: SageMaker cannot be reached", request_id)
            raise Failure(503, "unavailable", "SageMaker cannot be reached", 2) from error
        except ClientError as error:
            if error.response["Error"]["Code"] == "ModelError":
                return _unwrapped(error.response, request_id)
            log.exception("%s: SageMaker refused", request_id)
            raise _translated(error) from error


def _body(event: dict[str, Any]) -> bytes:
    text, encoded = event.get("body") or "", event.get("isBase64Encoded")
    try:
        body = binascii.a2b_base64(text, strict_mode=True) if encoded else text.encode(errors="surrogatepass")
    except ValueError as error:
        detail = f"body: isBase64Encoded is set, but {str(error).lower()}"
        raise Failure(400, "invalid_request", detail) from error
    if len(body) > LIMIT:
        raise Failure(413, "payload_too_large", f"body: {len(body)} bytes, at most {LIMIT} through SageMaker")
    return body


def _unwrapped(error: dict[str, Any], request_id: str) -> Answer:
    """Returns the container's own reply, which SageMaker wraps in an error when its status is not 2xx."""
    status, body = error.get("OriginalStatusCode", 0), error.get("OriginalMessage", "")
    if not 400 <= status <= 599:  # 0: the container did not answer in time
        raise Failure(*_LATE)
    retry_after_s = int(status in (429, 503))  # SageMaker drops the container's own header
    if body.startswith("{"):
        return answer(status, request_id, body.encode(), retry_after_s=retry_after_s)
    log.error("%s: the container answered %d: %.1000s", request_id, status, body)
    raise Failure(status, "internal_error", "the container failed; the log has the reason", retry_after_s)


def _translated(error: ClientError) -> Failure:
    """Returns the failure for an error of SageMaker itself."""
    code = error.response["Error"]["Code"]
    if code == "ValidationError" and "not found" in str(error):
        return Failure(503, "unavailable", "the endpoint does not exist, or is being created", 60)
    return Failure(*_FAILURES.get(code, (502, "bad_gateway", f"SageMaker refused the request: {code}", 0)))
