"""Who may call: everybody, who signs with a secret of the key file, or who sends a key of a usage plan."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from starlette.requests import Request

from deploy.local.options import Options
from serving.settings import SettingsError

from .refusal import Json
from .usage import Plan, Usage

Authorise = Callable[[Request, bytes], Json]

_PLAN = "default"


def authoriser(options: Options) -> Authorise:
    """Gives the caller's part of `requestContext.identity`, or raises `Refused`."""
    match options.auth:
        case "iam":
            from .signatures import SignedCallers

            return SignedCallers(access_keys(options.keys))
        case "key":
            return KeyedCallers(first_usage(options.usage)[0])
        case "none":
            return lambda _, __: {}


class KeyedCallers:
    """Knows whose `x-api-key` it is."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def __call__(self, request: Request, _: bytes) -> Json:
        key = request.headers.get("x-api-key", "")
        self._usage.take(key)
        return {"apiKey": key, "apiKeyId": key[:10]}


def credentials(options: Options) -> str:
    """What `aikit up` tells its user to call with; made at the first start. Raises `SettingsError`."""
    match options.auth:
        case "iam":
            key, secret = next(iter(access_keys(options.keys).items()))
            return f"AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}"
        case "key":
            return f"x-api-key: {first_usage(options.usage)[1]}"
        case "none":
            return ""


def access_keys(path: Path) -> dict[str, str]:
    """Secrets by access key id; where there is no file, one with one pair is made. Raises `SettingsError`."""
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
        raise SettingsError(f"keys: {path}: holds no access key")
    return keys


def first_usage(path: Path) -> tuple[Usage, str]:
    """The plans and the oldest key; where there is none, one is made under the plan that deploys."""
    usage = Usage(path)
    keys = usage.keys()
    if not keys:
        usage.put(_PLAN, _deployed_plan())
        keys = [usage.add_key(_PLAN)]
    return usage, keys[0]


def _deployed_plan() -> Plan:
    from deploy.cloudformation.parameters import GENERAL  # late: serving does not depend on deploy

    rate, burst, quota = (
        GENERAL[name]["Default"] for name in ("RequestsPerSecond", "RequestBurst", "RequestsPerMonth")
    )
    return Plan(rate, burst, quota)
