"""Authorisation in the local API Gateway: real clients sign their requests, or send an API key."""

import json
import stat
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
import requests
from aws_requests_auth.boto_utils import BotoAWSRequestsAuth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from deploy.local.api_gateway.auth import access_keys, credentials, first_usage
from deploy.local.api_gateway.usage import Plan
from deploy.local.options import Options
from serving.settings import SettingsError
from tests.support.gateways import Answer, Gateway, refused

REGION = "us-east-1"


# the library of the sample warns since Python 3.12
@pytest.mark.filterwarnings("ignore:.*utcnow.*:DeprecationWarning")
def test_the_signed_sample_of_the_guide_runs(
    before: Callable[..., Gateway], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = before(auth="iam")
    ((key, secret),) = access_keys(tmp_path / "keys.json").items()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    auth = BotoAWSRequestsAuth(aws_host=gateway.host, aws_region=REGION, aws_service="execute-api")
    payload = {"url": "https://example.com/饮料.jpg"}
    answer = requests.request("POST", gateway.url, data=json.dumps(payload), auth=auth, timeout=10)
    assert (answer.status_code, json.loads(answer.text)) == (200, {})
    assert credentials(Options(auth="iam", keys=tmp_path / "keys.json")).split("=")[1:] == [
        f"{key} AWS_SECRET_ACCESS_KEY",
        secret,
    ]


def signed(url: str, key: str, secret: str, body: bytes = b"{}", service: str = "execute-api") -> Any:
    """The request as botocore would sign and send it."""
    request = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
    botocore.auth.SigV4Auth(Credentials(key, secret), service, REGION).add_auth(request)
    return request.prepare()


def sent(request: Any, **changed: Any) -> Answer:
    given = {"url": request.url, "headers": dict(request.headers), "data": request.body} | changed
    return requests.post(timeout=10, **given)


class TestSignature:
    @pytest.fixture
    def gateway(self, before: Callable[..., Gateway], tmp_path: Path) -> Gateway:
        (tmp_path / "keys.json").write_text('{"AKIAONE": "secret", "AKIATWO": "other"}')
        return before(auth="iam")

    def test_of_every_key_in_the_file_is_accepted(self, gateway: Gateway) -> None:
        query = f"{gateway.url}?b=2&a=1%202&a=0"
        assert sent(signed(query, "AKIAONE", "secret")).status_code == 200
        assert sent(signed(query, "AKIATWO", "other")).status_code == 200

    def test_by_a_wrong_secret_does_not_match(self, gateway: Gateway) -> None:
        answer = sent(signed(gateway.url, "AKIAONE", "other"))
        assert "does not match" in refused(answer, 403, "forbidden", "InvalidSignatureException")

    def test_covers_body_address_and_service(self, gateway: Gateway) -> None:
        request = signed(gateway.url, "AKIAONE", "secret")
        elsewhere = signed(gateway.url, "AKIAONE", "secret", service="sagemaker")
        for answer in (sent(request, data=b"[]"), sent(request, url=f"{gateway.url}?a=1"), sent(elsewhere)):
            refused(answer, 403, "forbidden", "InvalidSignatureException")

    @pytest.mark.parametrize(
        ("minutes", "fault"), [(-6, "Signature expired"), (6, "Signature not yet current")]
    )
    def test_holds_for_five_minutes(
        self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, minutes: int, fault: str
    ) -> None:
        then = botocore.auth.get_current_datetime() + timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: then)
        answer = sent(signed(gateway.url, "AKIAONE", "secret"))
        assert fault in refused(answer, 403, "forbidden", "InvalidSignatureException")

    def test_is_required(self, gateway: Gateway) -> None:
        refused(gateway.post(json={}), 403, "forbidden", "MissingAuthenticationTokenException")
        answer = gateway.post(json={}, headers={"Authorization": "Bearer abc"})
        refused(answer, 403, "forbidden", "IncompleteSignatureException")
        answer = sent(signed(gateway.url, "AKIANOBODY", "secret"))
        refused(answer, 403, "forbidden", "UnrecognizedClientException")

    def test_is_not_required_for_a_preflight(self, gateway: Gateway) -> None:
        assert gateway.ask("OPTIONS", gateway.url).status_code == 204

    def test_may_be_made_by_curl(self, gateway: Gateway) -> None:
        command = ["curl", "-sS", "-w", "%{http_code}", "--aws-sigv4", f"aws:amz:{REGION}:execute-api"]
        content = ["-H", "Content-Type: application/json", "-d", "{}"]
        assert (
            subprocess.run(
                [*command, "--user", "AKIAONE:secret", *content, gateway.url], check=True, capture_output=True
            ).stdout
            == b"{}200"
        )


def test_a_key_is_created_once_and_stored(before: Callable[..., Gateway], tmp_path: Path) -> None:
    options = Options(auth="key", usage=tmp_path / "usage.sqlite")
    shown = credentials(options)
    assert credentials(options) == shown
    assert stat.S_IMODE(options.usage.stat().st_mode) == 0o600
    name, key = shown.split(": ")
    gateway = before(auth="key")
    assert gateway.post(json={}, headers={name: key}).status_code == 200
    for headers in ({}, {name: "another"}):
        refused(gateway.post(json={}, headers=headers), 403, "forbidden", "ForbiddenException")


@pytest.mark.parametrize(
    ("plan", "error_type", "detail"),
    [
        (Plan(rate=0.001, burst=2, quota=100), "TooManyRequestsException", "too many requests"),
        (Plan(rate=10, burst=100, quota=2), "LimitExceededException", "quota"),
    ],
)
def test_the_limits_of_a_plan_hold_even_after_a_restart(
    before: Callable[..., Gateway], tmp_path: Path, plan: Plan, error_type: str, detail: str
) -> None:
    usage, key = first_usage(tmp_path / "usage.sqlite")
    usage.put("small", plan)
    headers = {"x-api-key": usage.add_key("small")}
    gateway = before(auth="key")
    assert [gateway.post(json={}, headers=headers).status_code for _ in range(3)] == [200, 200, 429]
    answer = before(auth="key").post(json={}, headers=headers)
    assert detail in refused(answer, 429, "too_many_requests", error_type)
    assert gateway.post(json={}, headers={"x-api-key": key}).status_code == 200


@pytest.mark.parametrize("text", ["[]", "{", "{}", '{"AKIA": 1}'])
def test_a_key_file_without_keys_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(SettingsError, match=r"keys\.json"):
        access_keys(tmp_path / "keys.json")
