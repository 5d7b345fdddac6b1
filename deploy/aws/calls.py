"""The one place that calls AWS: the session, the region, the clients, and failures as one line."""

import json
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from serving.errors import ServingError
from serving.http import Json

Say = Callable[[str], object]

_READS = ("describe_", "get_", "list_", "head_", "simulate_", "batch_get_", "filter_")
_NOT_RETRIED = ("sagemaker-runtime",)  # a retry would run the model again, and cost again
_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


class AwsError(ServingError):
    """A call failed, because AWS refused it or did not answer.

    reason: error code of AWS, empty without an answer. answer: the error response that botocore parsed.
    """

    def __init__(self, message: str, *, reason: str = "", answer: Json | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.answer = answer or {}

    @property
    def is_missing(self) -> bool:
        """True when the resource of the call does not exist.

        SageMaker and CloudFormation have no error code for this, so their messages decide.
        """
        words = ("could not find", "does not exist", "not found")
        invalid = self.reason in ("ValidationException", "ValidationError")
        return (
            self.reason in ("404", "NoSuchEntity", "NoSuchBucket", "NoSuchKey", "NoSuchTagSet")
            or self.reason.endswith(("NotFoundException", "NotFound"))
            or (invalid and any(word in str(self).lower() for word in words))
        )

    @property
    def is_denied(self) -> bool:
        """True when the caller lacks the permission for this call."""
        return self.reason in ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Aws:
    """One account and region.

    region: empty means the region of the session. session: a boto3 session; None means one from the
    environment. dry_run: receives a description of each call that would change something. That call is not
    made, and its answer is `{}`. None makes every call. poll_s: seconds between two queries while waiting.
    sleep: function that waits this long.
    """

    def __init__(
        self,
        region: str = "",
        *,
        session: Any = None,
        dry_run: Say | None = None,
        sleep: Callable[[float], object] = time.sleep,
        poll_s: float = 5.0,
    ) -> None:
        try:
            import boto3
        except ImportError as error:
            raise AwsError("boto3: not installed; run `pip install boto3`") from error

        self._session = session or _guarded(boto3.session.Session)
        self.region = region or self._session.region_name or ""
        if not self.region:
            raise AwsError("region: not set; pass --region or set AWS_DEFAULT_REGION")
        self._dry_run, self._sleep, self._poll_s = dry_run, sleep, poll_s
        self._clients: dict[str, Any] = {}

    @property
    def dry_run(self) -> bool:
        """True when calls that would change something are only described."""
        return self._dry_run is not None

    @cached_property
    def identity(self) -> Json:
        """Returns `Account` and `Arn` of the caller. Raises `AwsError` without credentials."""
        return self.call("sts", "get_caller_identity")

    @property
    def account(self) -> str:
        """Returns the number of the caller's account, twelve digits."""
        return str(self.identity["Account"])

    @cached_property
    def partition(self) -> str:
        """Returns the partition of the region, such as `aws` or `aws-cn`."""
        return str(_guarded(lambda: self._session.get_partition_for_region(self.region)))

    @property
    def suffix(self) -> str:
        """Returns the end of the partition's host names."""
        return _SUFFIXES.get(self.partition, "amazonaws.com")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Returns the ARN of a resource of this account.

        region: None means the region of this object; empty for services without regions, such as iam.
        """
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"

    def regions(self, service: str) -> list[str]:
        """Returns the regions of the partition that offer a service, according to the installed botocore."""
        return list(self._session.get_available_regions(service, self.partition))

    def client(self, service: str) -> Any:
        """Returns the client of a service; each service has one."""
        from botocore.config import Config

        if service not in self._clients:
            retries = {"mode": "standard", "total_max_attempts": 1 if service in _NOT_RETRIED else 8}
            config = Config(retries=retries, connect_timeout=10, read_timeout=70, user_agent_extra="aikit")
            make = self._session.client
            self._clients[service] = _guarded(lambda: make(service, region_name=self.region, config=config))
        return self._clients[service]

    def call(self, service: str, operation: str, /, **parameters: Any) -> Json:
        """Calls `boto3.client(service).operation(**parameters)` and returns its answer. Raises `AwsError`."""
        if self._dry_run is not None and not operation.startswith(_READS):
            self._dry_run(f"would call {service} {operation} {json.dumps(parameters, default=_size)}")
            return {}
        found: Json = _guarded(lambda: getattr(self.client(service), operation)(**parameters))
        return found

    def pages(self, service: str, operation: str, key: str, /, **parameters: Any) -> Iterator[Any]:
        """Yields every item under `key`, from all pages of a listing operation. Raises `AwsError`."""
        pages = iter(self.client(service).get_paginator(operation).paginate(**parameters))
        while (page := _guarded(lambda: next(pages, None))) is not None:
            yield from page.get(key, ())

    def find(self, service: str, operation: str, /, **parameters: Any) -> Json | None:
        """Returns the same as `call`, or None when the resource does not exist."""
        try:
            return self.call(service, operation, **parameters)
        except AwsError as error:
            if not error.is_missing:
                raise
            return None

    def pause(self) -> None:
        """Waits poll_s seconds."""
        self._sleep(self._poll_s)

    def wait(self, what: str, until: Callable[[], bool], *, limit_s: float) -> None:
        """Waits until `until` returns True; in a dry run returns at once.

        what: beginning of the error message. Raises `AwsError` after limit_s seconds.
        """
        if self.dry_run:
            return
        for _ in range(max(1, round(limit_s / self._poll_s))):
            if until():
                return
            self.pause()
        raise AwsError(f"{what} within {limit_s:g} s; it may still happen, so run the command again")

    def call_with_role(self, role: str, act: Callable[[], Json], *, limit_s: float = 60.0) -> Json:
        """Makes a call that passes the role to SageMaker, and returns its answer.

        SageMaker refuses a new role for some seconds, so the call is repeated for up to limit_s seconds.
        """
        found: Json = {}

        def accepted() -> bool:
            nonlocal found
            try:
                found = act()
            except AwsError as error:
                if "assume" not in str(error).lower():
                    raise
                return False
            return True

        if self.dry_run:
            return act()
        self.wait(f"{role}: SageMaker cannot assume the role", accepted, limit_s=limit_s)
        return found

    def sign(self, url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        """Returns the headers of a POST to API Gateway with an AWS_IAM signature (Signature Version 4)."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = _guarded(self._session.get_credentials)
        if credentials is None:
            raise AwsError("credentials: none found; set AWS_PROFILE or run `aws configure`")
        request = AWSRequest("POST", url, data=body, headers=headers)
        SigV4Auth(credentials, "execute-api", self.region).add_auth(request)
        return dict(request.headers.items())


def _guarded(act: Callable[[], Any]) -> Any:
    """Returns the result of `act`. Errors of botocore become `AwsError`."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    from botocore.parsers import ResponseParserError

    try:
        return act()
    except ClientError as error:
        fault = error.response.get("Error", {})
        message = f"{error.operation_name}: {fault.get('Message') or fault.get('Code', 'refused')}"
        raise AwsError(_line(message), reason=str(fault.get("Code", "")), answer=error.response) from error
    except NoCredentialsError as error:
        raise AwsError("credentials: none found; set AWS_PROFILE or run `aws configure`") from error
    except BotoCoreError as error:
        raise AwsError(str(error)) from error
    except ResponseParserError as error:  # the answer came from something on the way to AWS, such as a proxy
        raise AwsError(_line(f"the answer did not come from AWS: {error}")) from error


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _size(value: object) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
