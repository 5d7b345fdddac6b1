"""Builds the OpenAPI 3.1 document of any set of features from their declarations."""

import sys
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec

from serving.http import Json

from . import errors
from .codec import JSON
from .errors import Problem, ServingError
from .feature import Feature
from .images.intake import schema_hook

_FILE = {"type": "string", "format": "binary"}
# `shorten` cuts text and vectors above the first number to the second, and lists to so many items
_LONG_TEXT, _SHORT_TEXT = 120, 24  # characters
_LONG_VECTOR, _SHORT_VECTOR = 16, 6  # numbers
_SHORT_LIST = 2


def document(features: Sequence[Feature]) -> Json:
    """Returns the document: each feature is `POST /<name>`, and `x-aliases` lists its other names."""
    bodies = [kind for feature in features for kind in (feature.request, feature.response)]
    others = [struct for feature in features for struct in _other_structs(feature)]
    refs, components = msgspec.json.schema_components(
        [*bodies, *others, Problem], schema_hook=schema_hook, ref_template="#/components/schemas/{name}"
    )
    paths = {
        f"/{feature.name}": {"post": _operation(feature, request, response, components)}
        for feature, request, response in zip(features, refs[::2], refs[1::2], strict=False)
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Solution Kit",
            "version": "1",
            "description": "One operation per feature. A container that serves one feature "
            "accepts the same bodies at `POST /invocations`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "responses": _failures(), "headers": _HEADERS},
    }


def failures() -> dict[HTTPStatus, list[type[ServingError]]]:
    """Returns the kinds of failure that a caller can get, ordered by status."""
    classes = (kind for kind in vars(errors).values() if isinstance(kind, type))
    kinds = (kind for kind in classes if issubclass(kind, ServingError))
    by_status = groupby(sorted(kinds, key=lambda kind: kind.status), key=lambda kind: kind.status)
    return {status: list(same) for status, same in by_status}


def meaning(kind: type[ServingError]) -> str:
    """Returns one sentence that explains the failure to the caller."""
    if kind is ServingError:
        return "The feature failed; the log contains the reason under the id of the request."
    return " ".join((kind.__doc__ or "").split())


def shorten(value: Any) -> Any:
    """Returns an example that is short enough to read: base64, vectors and lists are cut."""
    match value:
        case dict():
            return {key: shorten(item) for key, item in value.items()}
        case [dict(), *_]:
            return [shorten(item) for item in value[:_SHORT_LIST]]
        case [int() | float(), *_] if len(value) > _LONG_VECTOR:
            return value[:_SHORT_VECTOR]
        case [[int() | float(), *_] as vector, *_] if len(vector) > _LONG_VECTOR:
            return [shorten(item) for item in value[:_SHORT_LIST]]
        case str() if len(value) > _LONG_TEXT:
            return f"{value[:_SHORT_TEXT]}..."
    return value


def _other_structs(feature: Feature) -> Iterable[type[msgspec.Struct]]:
    """Yields the other structs in the modules of the declaration and of the request.

    A schema written by hand may refer to any of them. Some schemas are written by hand because msgspec has
    no type for some unions, such as a list of untagged structs of two kinds.
    """
    modules = (feature.module, feature.request.__module__)
    for kind in (kind for module in modules for kind in vars(sys.modules[module]).values()):
        if (
            isinstance(kind, type)
            and issubclass(kind, msgspec.Struct)
            and kind not in feature.request.__mro__
        ):
            yield kind


def _operation(feature: Feature, request: Json, response: Json, components: Json) -> Json:
    example = shorten(feature.example)
    schema = components[request["$ref"].rpartition("/")[2]]
    accepted = {JSON: {"schema": request, **_examples(example, "request")}}
    if feature.takes_image:
        accepted["image/*"] = {"schema": _FILE}
    accepted["multipart/form-data"] = {"schema": _form(schema)}
    success = {
        "description": "The response.",
        "headers": _header_refs("X-Request-Id", "Server-Timing"),
        "content": {
            JSON: {"schema": response, **_examples(example, "response")},
            **{f"image/{name}": {"schema": _FILE} for name in feature.formats},
        },
    }
    failed = {
        str(int(status)): {"$ref": f"#/components/responses/{kinds[0].__name__}"}
        for status, kinds in failures().items()
    }
    return {
        "operationId": feature.name,
        "summary": feature.title,
        "description": feature.summary,
        "requestBody": {"required": True, "content": accepted},
        "responses": {"200": success, **failed},
        "x-feature-id": feature.feature_id,
        "x-title-zh": feature.title_zh,
        "x-aliases": list(feature.names[1:]),
        "x-profiles": {
            name: {"summary": profile.summary, "verified": profile.verified}
            for name, profile in feature.profiles.items()
        },
    }


def _examples(example: Json, part: str) -> Json:
    """Returns one `example`, or several `examples`, which OpenAPI names differently."""
    if "others" not in example:
        return {"example": example[part]}
    every = {"first": example, **example["others"]}
    return {"examples": {name: {"value": one[part]} for name, one in every.items()}}


def _form(schema: Json) -> Json:
    """Returns the schema of the request as a form, in which images are files."""
    properties = {
        name: {**_FILE, "description": "An image file."} if is_image(field) else field
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def is_image(schema: Json) -> bool:
    """Tells whether a field, required or not, is base64."""
    return any("contentEncoding" in kind for kind in (schema, *schema.get("anyOf", ())))


def _failures() -> Json:
    return {
        kinds[0].__name__: {
            "description": " ".join(f"`{kind.code}`: {meaning(kind)}" for kind in kinds),
            "headers": _header_refs("X-Request-Id", *["Retry-After"] * bool(kinds[0].retry_after_s)),
            "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
        }
        for kinds in failures().values()
    }


def _header_refs(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_HEADERS = {
    "X-Request-Id": {
        "description": "The caller's own id, or one made for the request. The log contains the same id.",
        "schema": {"type": "string"},
    },
    "Server-Timing": {
        "description": "Milliseconds spent in each stage: decode, queue, predict, encode.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds to wait before a retry.",
        "schema": {"type": "integer"},
    },
}
