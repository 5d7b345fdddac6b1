"""The headers of sagemaker-runtime's three operations, with the limits that only the server checks."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from .errors import out_of_bounds
from .limits import Seconds

_PREFIX = "x-amzn-sagemaker-"
_ASCII = r"[\x00-\x7f]*"
_PRINTABLE = r"[!-~][ -~]*"
_NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9])*"


class Header(NamedTuple):
    """A member of a request, in a header of this name.

    most: largest number of characters.
    passed: the header's name in the request to the container; empty if the container does not receive it.
    """

    member: str
    name: str
    most: int
    pattern: str
    passed: str = ""


def _same(member: str, name: str, most: int, pattern: str) -> Header:
    """Returns a header that the container receives under the same name."""
    return Header(member, name, most, pattern, name)


CUSTOM_ATTRIBUTES = f"{_PREFIX}custom-attributes"
INFERENCE_ID = f"{_PREFIX}inference-id"
INPUT_LOCATION = f"{_PREFIX}inputlocation"
OUTPUT_EXTENSION = f"{_PREFIX}s3outputpathextension"
FILENAME = f"{_PREFIX}filename"
TTL = f"{_PREFIX}requestttlseconds"
TIMEOUT = f"{_PREFIX}invocationtimeoutseconds"
TARGET_VARIANT = f"{_PREFIX}target-variant"
SESSIONS = (f"{_PREFIX}new-session-id", f"{_PREFIX}closed-session-id")

_EVERY = (
    _same("customAttributes", CUSTOM_ATTRIBUTES, 1024, _ASCII),
    _same("inferenceId", INFERENCE_ID, 64, _PRINTABLE),
)
_TARGETED = (
    _same("contentType", "content-type", 1024, _ASCII),
    Header("targetVariant", TARGET_VARIANT, 63, _NAME),
    _same("targetContainerHostname", f"{_PREFIX}target-container-hostname", 63, _NAME),
    _same("inferenceComponentName", f"{_PREFIX}inference-component", 63, _NAME),
    _same("prefixAwareId", f"{_PREFIX}prefix-aware-id", 64, _PRINTABLE),
    _same("sessionId", f"{_PREFIX}session-id", 256, rf"NEW_SESSION|{_NAME}"),
    *_EVERY,
)
_OWN_ACCEPT = Header("accept", f"{_PREFIX}accept", 1024, _ASCII, "accept")

INVOKE = (
    _same("accept", "accept", 1024, _ASCII),
    _same("targetModel", f"{_PREFIX}target-model", 1024, _PRINTABLE),
    _same("enableExplanations", f"{_PREFIX}enable-explanations", 64, ".+"),
    *_TARGETED,
)
STREAM = (_OWN_ACCEPT, *_TARGETED)
ASYNC = (
    _OWN_ACCEPT,
    Header("contentType", f"{_PREFIX}content-type", 1024, _ASCII, "content-type"),
    Header("inputLocation", INPUT_LOCATION, 1024, r"(file|s3)://([^/]*)/?(.*)"),
    Header("s3OutputPathExtension", OUTPUT_EXTENSION, 512, r"(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+"),
    Header("filename", FILENAME, 32, r"(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9_.-]*"),
    *_EVERY,
)


def passed(rules: tuple[Header, ...], given: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers for the container, by name in lower case. Raises `WireError` for a wrong header."""
    for rule in rules:
        value = given.get(rule.name)
        if value is None:
            continue
        if len(value) > rule.most:
            limit = f"Member must have length less than or equal to {rule.most}"
            raise out_of_bounds(rule.member, value, limit)
        if not re.fullmatch(rule.pattern, value):
            pattern = f"Member must satisfy regular expression pattern: {rule.pattern}"
            raise out_of_bounds(rule.member, value, pattern)
    return {rule.passed: given[rule.name] for rule in rules if rule.passed and rule.name in given}


def seconds(given: Mapping[str, str], name: str, bounds: Seconds) -> int:
    """Returns the number of seconds in a header, or the default without it. Raises `WireError`."""
    value = given.get(name, str(bounds.default))
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not bounds.least <= int(value) <= bounds.most:
        allowed = f"Member must be an integer between {bounds.least} and {bounds.most}"
        raise out_of_bounds(name.removeprefix(_PREFIX), value, allowed)
    return int(value)
