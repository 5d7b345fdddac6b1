"""Names of resources. They depend only on their parts, and are never longer than AWS allows."""

import hashlib
import json
import re

from serving.http import Json

_HASH = 8


def resource_name(*parts: str, limit: int = 63) -> str:
    """Returns the parts joined by hyphens, with only letters, digits and single hyphens inside.

    A name that would be longer than `limit` is cut, and ends with a hash of the whole name.
    """
    whole = "-".join(parts)
    name = re.sub(r"[^a-zA-Z0-9]+", "-", whole).strip("-")
    if len(name) <= limit:
        return name
    return f"{name[: limit - _HASH - 1].rstrip('-')}-{_digest(whole)}"


def versioned_name(base: str, content: Json) -> str:
    """Returns `base` with a hash of the content, so that different contents have different names."""
    return resource_name(base, _digest(json.dumps(content, sort_keys=True)))


def is_version_of(base: str, name: str) -> bool:
    """True when `versioned_name` returned that name for that base. base: at most 54 characters."""
    return re.fullmatch(re.escape(base) + rf"-[0-9a-f]{{{_HASH}}}", name) is not None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH]
