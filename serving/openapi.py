"""The OpenAPI 3.1 document of any set of features, derived from their declarations."""

import sys
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec

from . import errors
from .codec import JSON
from .errors import Problem, ServingError
from .feature import Feature
from .images.intake import schema_hook

Json = dict[str, Any]

_FILE = {"type": "string", "format": "binary"}
_LONG_TEXT, _KEPT_TEXT = 120, 24  # characters
_KEPT_ITEMS = 2
_LONG_VECTOR, _KEPT_NUMBERS = 16, 6


def document(features: Sequence[Feature]) -> Json:
    """Every feature as `POST /<name>`, its own name; the aliases are listed in `x-aliases`."""
    bodies = [kind for feature in features for kind in (feature.request, feature.response)]
    beside = [struct for feature in features for struct in _structs_beside(feature)]
    refs, components = msgspec.json.schema_components(
        [*bodies, *beside, Problem], schema_hook=schema_hook, ref_template="#/components/schemas/{name}"
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
            "description": "One operation per feature. A container, which serves one feature, "
            "answers the same bodies at `POST /invocations`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": components, "responses": _failures(), "headers": _HEADERS},
    }


def failures() -> dict[HTTPStatus, list[type[ServingError]]]:
    """The kinds of failure a caller can meet, by rising status."""
    classes = (kind for kind in vars(errors).values() if isinstance(kind, type))
    kinds = (kind for kind in classes if issubclass(kind, ServingError))
    by_status = groupby(sorted(kinds, key=lambda kind: kind.status), key=lambda kind: kind.status)
    return {status: list(same) for status, same in by_status}


def meaning(kind: type[ServingError]) -> str:
    """One sentence for the caller."""
    if kind is ServingError:
        return "The feature failed; the log has the reason under the request's id."
    return " ".join((kind.__doc__ or "").split())


def shorten(value: Any) -> Any:
    """An example fit to be read: base64 and vectors are cut, two objects or vectors stand for a list."""
    match value:
        case dict():
            return {key: shorten(item) for key, item in value.items()}
        case [dict(), *_]:
            return [shorten(item) for item in value[:_KEPT_ITEMS]]
        case [int() | float(), *_] if len(value) > _LONG_VECTOR:
            return value[:_KEPT_NUMBERS]
        case [[int() | float(), *_] as vector, *_] if len(vector) > _LONG_VECTOR:
            return [shorten(item) for item in value[:_KEPT_ITEMS]]
        case str() if len(value) > _LONG_TEXT:
            return f"{value[:_KEPT_TEXT]}..."
    return value


def _structs_beside(feature: Feature) -> Iterable[type[msgspec.Struct]]:
    """The structs beside the declaration and beside the request: a hand-written `$ref` may name any of them.

    JSON has unions that msgspec has no type for, such as a list of untagged structs of two kinds.
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
    takes = {JSON: {"schema": request, **_examples(example, "request")}}
    if feature.takes_image:
        takes["image/*"] = {"schema": _FILE}
    takes["multipart/form-data"] = {"schema": _form(schema)}
    answer = {
        "description": "The answer.",
        "headers": _header_refs("X-Request-Id", "Server-Timing"),
        "content": {
            JSON: {"schema": response, **_examples(example, "response")},
            **{f"image/{name}": {"schema": _FILE} for name in feature.formats},
        },
    }
    refused = {
        str(int(status)): {"$ref": f"#/components/responses/{kinds[0].__name__}"}
        for status, kinds in failures().items()
    }
    return {
        "operationId": feature.name,
        "summary": feature.title,
        "description": feature.summary,
        "requestBody": {"required": True, "content": takes},
        "responses": {"200": answer, **refused},
        "x-feature-id": feature.feature_id,
        "x-title-zh": feature.title_zh,
        "x-aliases": list(feature.names[1:]),
        "x-profiles": {
            name: {"summary": profile.summary, "verified": profile.verified}
            for name, profile in feature.profiles.items()
        },
    }


def _examples(example: Json, part: str) -> Json:
    """OpenAPI has `example` for one and `examples` for several."""
    if "others" not in example:
        return {"example": example[part]}
    every = {"first": example, **example["others"]}
    return {"examples": {name: {"value": one[part]} for name, one in every.items()}}


def _form(schema: Json) -> Json:
    """The request as a form, where images are files."""
    properties = {
        name: {**_FILE, "description": "An image file."} if is_image(field) else field
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def is_image(schema: Json) -> bool:
    """Whether a field, required or not, is base64."""
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
        "description": "The caller's own, or one made for the request; the log has it too.",
        "schema": {"type": "string"},
    },
    "Server-Timing": {
        "description": "Milliseconds in each stage: decode, queue, predict, encode.",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which trying again can succeed.",
        "schema": {"type": "integer"},
    },
}
