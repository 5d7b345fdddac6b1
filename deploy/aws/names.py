"""Names of resources: the same for the same stack and feature, and never longer than AWS takes."""

import hashlib
import json
import re

from .calls import Json

_HASH = 8


def resource_name(*parts: str, limit: int = 63) -> str:
    """The parts joined by hyphens; letters, digits and single hyphens only, starting and ending in neither.

    What is over the limit ends in a hash of the whole instead of its rest.
    """
    whole = "-".join(parts)
    name = re.sub(r"[^a-zA-Z0-9]+", "-", whole).strip("-")
    if len(name) <= limit:
        return name
    return f"{name[: limit - _HASH - 1].rstrip('-')}-{_digest(whole)}"


def versioned_name(base: str, content: Json) -> str:
    """`base` and a hash of the content: what is to be different gets a different name."""
    return resource_name(base, _digest(json.dumps(content, sort_keys=True)))


def is_version_of(base: str, name: str) -> bool:
    """Whether `versioned_name` gave that name for that base. base: at most 54 characters."""
    return re.fullmatch(re.escape(base) + rf"-[0-9a-f]{{{_HASH}}}", name) is not None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
