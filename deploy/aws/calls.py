"""AWS as this project calls it: one session and region, clients made in one place, failures in one line."""

import json
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from serving.errors import ServingError

Json = dict[str, Any]
Say = Callable[[str], object]

_READS = ("describe_", "get_", "list_", "head_", "simulate_", "batch_get_", "filter_")
_NOT_RETRIED = ("sagemaker-runtime",)  # a second try would compute, and cost, a second time
_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


class AwsError(ServingError):
    """A call that AWS refused, or that never reached it.

    reason: AWS's own code, empty without an answer. answer: the refusal as botocore parsed it.
    """

    def __init__(self, message: str, *, reason: str = "", answer: Json | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.answer = answer or {}

    @property
    def is_missing(self) -> bool:
        """Whether what the call names does not exist; SageMaker and CloudFormation say so in words only."""
        words = ("could not find", "does not exist", "not found")
        absent = self.reason in ("ValidationException", "ValidationError")
        return (
            self.reason in ("404", "NoSuchEntity", "NoSuchBucket", "NoSuchKey", "NoSuchTagSet")
            or self.reason.endswith(("NotFoundException", "NotFound"))
            or (absent and any(word in str(self).lower() for word in words))
        )

    @property
    def is_denied(self) -> bool:
        """Whether the caller may not make this call."""
        return self.reason in ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


class Aws:
    """One account and region.

    region: the session's where empty. session: a boto3 one, the environment's where None. dry_run: is told
    each call that would change something, which is then not made and answers `{}`; None: everything is made.
    sleep, poll_s: how waiting is done, and how often what is waited for is asked.
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
            raise AwsError("boto3: is not installed; run `pip install boto3`") from error

        self._session = session or _guarded(boto3.session.Session)
        self.region = region or self._session.region_name or ""
        if not self.region:
            raise AwsError("region: none is set; pass --region or set AWS_DEFAULT_REGION")
        self._dry_run, self._sleep, self._poll_s = dry_run, sleep, poll_s
        self._clients: dict[str, Any] = {}

    @property
    def dry_run(self) -> bool:
        """Whether calls that change something are only told."""
        return self._dry_run is not None

    @cached_property
    def identity(self) -> Json:
        """`Account` and `Arn` of the caller. Raises `AwsError` without credentials."""
        return self.call("sts", "get_caller_identity")

    @property
    def account(self) -> str:
        """The caller's, twelve digits."""
        return str(self.identity["Account"])

    @cached_property
    def partition(self) -> str:
        """Such as `aws` or `aws-cn`."""
        return str(_guarded(lambda: self._session.get_partition_for_region(self.region)))

    @property
    def suffix(self) -> str:
        """What the host names of the partition end in."""
        return _SUFFIXES.get(self.partition, "amazonaws.com")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Of something of this account; region: empty for services that have none, such as iam."""
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"

    def regions(self, service: str) -> list[str]:
        """Where the partition offers a service, as far as the installed botocore knows."""
        return list(self._session.get_available_regions(service, self.partition))

    def client(self, service: str) -> Any:
        """The one client of a service."""
        from botocore.config import Config

        if service not in self._clients:
            retries = {"mode": "standard", "total_max_attempts": 1 if service in _NOT_RETRIED else 8}
            config = Config(retries=retries, connect_timeout=10, read_timeout=70, user_agent_extra="aikit")
            make = self._session.client
            self._clients[service] = _guarded(lambda: make(service, region_name=self.region, config=config))
        return self._clients[service]

    def call(self, service: str, operation: str, /, **parameters: Any) -> Json:
        """The answer to `boto3.client(service).operation(**parameters)`. Raises `AwsError`."""
        if self._dry_run is not None and not operation.startswith(_READS):
            self._dry_run(f"would call {service} {operation} {json.dumps(parameters, default=_size)}")
            return {}
        found: Json = _guarded(lambda: getattr(self.client(service), operation)(**parameters))
        return found

    def pages(self, service: str, operation: str, key: str, /, **parameters: Any) -> Iterator[Any]:
        """Every item under `key` of all pages of an operation that lists. Raises `AwsError`."""
        pages = iter(self.client(service).get_paginator(operation).paginate(**parameters))
        while (page := _guarded(lambda: next(pages, None))) is not None:
            yield from page.get(key, ())

    def find(self, service: str, operation: str, /, **parameters: Any) -> Json | None:
        """As `call`, or None where there is no such thing."""
        try:
            return self.call(service, operation, **parameters)
        except AwsError as error:
            if not error.is_missing:
                raise
            return None

    def pause(self) -> None:
        """Let poll_s pass."""
        self._sleep(self._poll_s)

    def wait(self, what: str, until: Callable[[], bool], *, limit_s: float) -> None:
        """Returns once `until` says so; at once in a dry run. Raises `AwsError` after limit_s."""
        if self.dry_run:
            return
        for _ in range(max(1, round(limit_s / self._poll_s))):
            if until():
                return
            self.pause()
        raise AwsError(f"{what}: not within {limit_s:g} s; it may still come, so run the command again")

    def assumable(self, role: str, act: Callable[[], Json], *, limit_s: float = 60.0) -> Json:
        """The answer of a call that hands a role over, which a role made just now takes some seconds for."""
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
        self.wait(f"{role}: SageMaker may not assume the role", accepted, limit_s=limit_s)
        return found

    def sign(self, url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        """Headers of a POST to API Gateway with an AWS_IAM signature (Signature Version 4)."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = _guarded(self._session.get_credentials)
        if credentials is None:
            raise AwsError("credentials: none found; set AWS_PROFILE or run `aws configure`")
        request = AWSRequest("POST", url, data=body, headers=headers)
        SigV4Auth(credentials, "execute-api", self.region).add_auth(request)
        return dict(request.headers.items())


def _guarded(act: Callable[[], Any]) -> Any:
    """What `act` returns; botocore's errors become `AwsError`."""
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
    except ResponseParserError as error:  # something between us and AWS answered, such as a proxy
        raise AwsError(_line(f"what answered is not AWS: {error}")) from error


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _size(value: object) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
