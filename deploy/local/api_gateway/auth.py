"""Authorisation of callers: none, signatures with a secret of the key file, or API keys of a usage plan."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from starlette.requests import Request

from deploy.local.options import Options
from serving.http import Json
from serving.settings import SettingsError

from .usage import Plan, Usage

Authorise = Callable[[Request, bytes], Json]

_PLAN = "default"


def authoriser(options: Options) -> Authorise:
    """Returns the function that authorises a request.

    It returns the caller's part of `requestContext.identity`, or raises `Refused`.
    """
    match options.auth:
        case "iam":
            from .signatures import SignedCallers

            return SignedCallers(access_keys(options.keys))
        case "key":
            return KeyedCallers(first_usage(options.usage)[0])
        case "none":
            return lambda _, __: {}


class KeyedCallers:
    """Authorises callers by the API key in `x-api-key`."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def __call__(self, request: Request, _: bytes) -> Json:
        key = request.headers.get("x-api-key", "")
        self._usage.take(key)
        return {"apiKey": key, "apiKeyId": key[:10]}


def credentials(options: Options) -> str:
    """Returns the credentials that `aikit up` prints; a first start creates them. Raises `SettingsError`."""
    match options.auth:
        case "iam":
            key, secret = next(iter(access_keys(options.keys).items()))
            return f"AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}"
        case "key":
            return f"x-api-key: {first_usage(options.usage)[1]}"
        case "none":
            return ""


def access_keys(path: Path) -> dict[str, str]:
    """Returns the secrets by access key id. Creates a missing file with one pair. Raises `SettingsError`."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {f"AKIALOCAL{secrets.token_hex(5).upper()}": secrets.token_urlsafe(30)}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file, indent=2)
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"keys: {path}: {error}") from error
    if not keys:
        raise SettingsError(f"keys: {path}: contains no access key")
    return keys


def first_usage(path: Path) -> tuple[Usage, str]:
    """Returns the usage plans and the oldest key. If there is no key, it creates one in the default plan."""
    usage = Usage(path)
    keys = usage.keys()
    if not keys:
        usage.put(_PLAN, _deployed_plan())
        keys = [usage.add_key(_PLAN)]
    return usage, keys[0]


def _deployed_plan() -> Plan:
    """Returns the usage plan that the CloudFormation template has by default."""
    from deploy.cloudformation.parameters import GENERAL

    rate, burst, quota = (
        GENERAL[name]["Default"] for name in ("RequestsPerSecond", "RequestBurst", "RequestsPerMonth")
    )
    return Plan(rate, burst, quota)
