"""AWS_IAM: checks of request signatures (version 4), with the secrets of a local file."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Self

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request

from deploy.local.options import ACCOUNT
from serving.http import Json

from .refusal import Refused

_SERVICE = "execute-api"
_SKEW_S = 300  # largest difference between the time of a signature and now
_TIME = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[\w-]+)/(?P<service>[\w-]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[\w;.-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)


class _Signed(NamedTuple):
    """The parts of an `Authorization` header."""

    key: str
    day: str
    region: str
    service: str
    headers: str
    signature: str

    @classmethod
    def read(cls, header: str) -> Self:
        """Parses a header. Raises `Refused`."""
        if not header:
            raise Refused("MISSING_AUTHENTICATION_TOKEN")
        if found := _AUTHORIZATION.fullmatch(header.strip()):
            return cls(**found.groupdict())
        raise Refused(
            "ACCESS_DENIED",
            "Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=… is expected",
            "IncompleteSignatureException",
        )


class SignedCallers:
    """Authorises callers by the signature of a request. secrets: by access key id."""

    def __init__(self, secrets: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        self._secrets, self._now = secrets, now

    def __call__(self, request: Request, body: bytes) -> Json:
        """Returns the caller's part of `requestContext.identity`. Raises `Refused`."""
        signed = _Signed.read(request.headers.get("authorization", ""))
        secret = self._secrets.get(signed.key)
        if secret is None:
            raise Refused(
                "ACCESS_DENIED",
                "The security token included in the request is invalid.",
                "UnrecognizedClientException",
            )
        self._check_scope(signed, request.headers.get("x-amz-date", ""))
        if not _matches(signed, secret, request, body):
            raise Refused("INVALID_SIGNATURE")
        user = f"arn:aws:iam::{ACCOUNT}:user/{signed.key}"
        return {"accessKey": signed.key, "caller": signed.key, "user": signed.key, "userArn": user}

    def _check_scope(self, signed: _Signed, date: str) -> None:
        try:
            sent = datetime.strptime(date, _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            message = "x-amz-date: missing, or not in the form 20260131T235959Z"
            raise Refused("ACCESS_DENIED", message, "IncompleteSignatureException") from error
        age_s = self._now() - sent.timestamp()
        if abs(age_s) > _SKEW_S:
            fault = "Signature expired" if age_s > 0 else "Signature not yet current"
            now = datetime.fromtimestamp(self._now(), UTC).strftime(_TIME)
            raise Refused("EXPIRED_TOKEN", f"{fault}: {date}, now is {now}, at most {_SKEW_S} s apart")
        if signed.service != _SERVICE or signed.day != date[:8] or "host" not in signed.headers.split(";"):
            raise Refused("INVALID_SIGNATURE")


def _matches(signed: _Signed, secret: str, request: Request, body: bytes) -> bool:
    """True when a signature of the same request with this secret is the same."""
    digest = hashlib.sha256(body).hexdigest()
    if request.headers.get("x-amz-content-sha256", digest) != digest:
        return False
    query = f"?{request.url.query}" if request.url.query else ""
    path = request.scope["raw_path"].decode("latin-1")
    again = AWSRequest(request.method, f"http://{request.headers.get('host', '')}{path}{query}", data=body)
    names = signed.headers.split(";")
    for name, value in request.headers.items():
        if name in names:
            again.headers[name] = value
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(signed.key, secret), signed.service, signed.region)
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    return hmac.compare_digest(expected, signed.signature)
