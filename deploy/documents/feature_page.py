"""Fills the template feature_page.md, which gives the derived part of a feature's README.md."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template
from typing import Any

from deploy.cost.text import million
from deploy.tables import rows, table
from serving.feature import Feature, Profile
from serving.http import Json
from serving.openapi import document, failures, is_image, meaning, shorten

from .clients import by_address, literals

_TEMPLATE = Path(__file__).with_name("feature_page.md")
_LINE = 118  # characters in a line of an example
_UNCLEAR = (
    "\nUnclear: the licence of the files allows commercial use, but the terms of the training data may not.\n"
    "[THIRD_PARTY.md](../../THIRD_PARTY.md) names the data of each file."
)
_ILLUSTRATION = "\n\nThis reply is an illustration, because this project has not run these weights."


def reference(feature: Feature) -> str:
    """Returns the derived part of the feature's README.md, as Markdown."""
    whole = document([feature])
    components = whole["components"]["schemas"]
    operation = whole["paths"][f"/{feature.name}"]["post"]
    accepts = operation["requestBody"]["content"]
    response = operation["responses"]["200"]["content"]["application/json"]
    request = _resolved(accepts["application/json"]["schema"], components)
    example = feature.example["request"]
    addressed = by_address(example, request)
    takes_image, has_images = "image/*" in accepts, any(map(is_image, request["properties"].values()))
    values = {
        "title": feature.title,
        "title_zh": feature.title_zh,
        "summary": feature.summary,
        "name": feature.name,
        "names": ", ".join(f"`{name}`" for name in feature.names),
        "licenses_table": rows(_licenses_rows(feature)),
        "unclear": _UNCLEAR
        if any(profile.commercial_use == "unclear" for profile in feature.profiles.values())
        else "",
        "call": _call(feature, takes_image, literals(addressed)["request_json"]),
        "request_about": " ".join(request.get("description", "").split()),
        "bodies": "\n".join(f"* {line}" for line in _bodies(takes_image, has_images)),
        "request_table": rows(_request_rows(request)),
        "request_by_content": pretty(shorten(example)),
        "reply": _reply(response["schema"], components),
        "response": pretty(shorten(feature.example["response"])),
        "illustration": "" if feature.profiles[feature.default_profile].verified else _ILLUSTRATION,
        "others": _others(feature.example.get("others", {})),
        "accept": _accept(feature),
        "errors_table": rows(errors_rows()),
        "weights_table": rows(_weights_rows(feature)),
        "instance_type": feature.resources.instance_type,
        "lambda_memory_mb": str(feature.resources.lambda_memory_mb),
        "lambda_gb": f"{feature.resources.lambda_memory_mb / 1024:g}",
        "million_calls": million(feature),
        "request_by_address": pretty(addressed),
        **literals(addressed),
    }
    template = _TEMPLATE.read_text("utf-8")
    for mark, kept in {"img": takes_image, "address": has_images}.items():
        dropped = rf"<!-- /?{mark} -->\n" if kept else rf"(?s)<!-- {mark} -->.*?<!-- /{mark} -->\n"
        template = re.sub(dropped, "", template)
    return Template(template).substitute(values)


def _call(feature: Feature, takes_image: bool, request: str) -> str:
    """Returns a shell command that sends one request to a running container."""
    command = f".venv/bin/aikit call {feature.name} --url http://localhost:8080"
    return f"{command} --img photo.jpg" if takes_image else f"echo '{request}' | {command} --json -"


def errors_rows() -> Iterator[Sequence[str]]:
    """Yields status, code and meaning of each error that a container may return."""
    for status, kinds in failures().items():
        for kind in kinds:
            yield str(int(status)), f"`{kind.code}`", meaning(kind)


def _bodies(takes_image: bool, has_images: bool) -> Iterator[str]:
    yield "`application/json`: the parameters below;"
    if takes_image:
        yield "`image/*` or `application/octet-stream`: the image itself, with no other parameter;"
    yield (
        "`multipart/form-data`: the parameters as fields of a form"
        + ", with images as files" * has_images
        + "."
    )


def _accept(feature: Feature) -> str:
    kinds = " or ".join(f"`image/{name}`" for name in feature.formats)
    return f"\n\nWith {kinds} in the header `Accept`, the reply is only that image." if kinds else ""


def _request_rows(schema: Json) -> Iterator[Sequence[str]]:
    fields = schema["properties"]
    partners = {name: name.replace("img", "url", 1) for name in fields if is_image(fields[name])}
    partners |= {url: image for image, url in partners.items() if url in fields}
    for name, field in fields.items():
        need = "yes" if name in schema.get("required", ()) else "no"
        if need == "no" and partners.get(name) in fields:
            need = f"this or `{partners[name]}`"
        text = field.get("description", "")
        if field.get("default") is not None:
            text += f" Default: `{json.dumps(field['default'])}`."
        yield f"`{name}`", _type(field), need, text


def _reply(schema: Json, components: Json) -> str:
    """Returns a description of each type of reply, with a table of its fields, as Markdown."""
    resolved = _resolved(schema, components)
    kinds = [resolved] if "type" in resolved else [_resolved(kind, components) for kind in resolved["anyOf"]]
    one = len(kinds) == 1
    parts = [] if one else ["The status is 200. The JSON depends on the request."]
    for kind in kinds:
        text = kind.get("description", "")
        parts.append(
            f"The status is 200, and the body is a JSON {kind['type']}. {text}".strip() if one else text
        )
        parts.append(table(["Name", "Type", "Description"], _fields(kind, components)))
    return "\n\n".join(parts)


def _others(examples: Json) -> str:
    """Returns the examples after the first one, as Markdown; empty when there are none."""
    return "\n\nOther requests and their replies:\n\n" * bool(examples) + "\n\n".join(
        f"`{name}`:\n\n```json\n{pretty(shorten(one['request']))}\n```\n\n"
        f"```json\n{pretty(shorten(one['response']))}\n```"
        for name, one in examples.items()
    )


def _fields(schema: Json, components: Json, prefix: str = "") -> Iterator[Sequence[str]]:
    """Yields name, type and description of each field. The fields of an object inside it follow it."""
    schema = _resolved(schema, components)
    for choice in schema.get("anyOf", ()):
        yield from _fields(choice, components, prefix)
    if schema.get("items"):
        yield from _fields(schema["items"], components, prefix)
    for name, field in schema.get("properties", {}).items():
        resolved = _resolved(field, components)
        yield f"`{prefix}{name}`", _type(resolved), resolved.get("description", "")
        yield from _fields(field, components, f"{prefix}{name}.")


def _resolved(schema: Json, components: Json) -> Json:
    """Returns the schema that a reference points to. Keywords next to the reference take precedence."""
    if "$ref" not in schema:
        return schema
    return {**components[schema["$ref"].rpartition("/")[2]], **schema}


def _type(schema: Json) -> str:
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(kind) for kind in schema["anyOf"] if kind.get("type") != "null")
    if "prefixItems" in schema:
        return f"array of {len(schema['prefixItems'])}"
    if "contentEncoding" in schema:
        return f"string ({schema['contentEncoding']})"
    return str(schema.get("type", "object"))


def _name(feature: Feature, profile: str) -> str:
    return f"`{profile}`{' (default)' * (profile == feature.default_profile)}"


def _licenses_rows(feature: Feature) -> Iterator[Sequence[str]]:
    for name, profile in feature.profiles.items():
        yield _name(feature, name), ", ".join(profile.licenses), profile.commercial_use


def _weights_rows(feature: Feature) -> Iterator[Sequence[str]]:
    for name, profile in feature.profiles.items():
        yield (
            _name(feature, name),
            profile.summary,
            ", ".join(f"`{file.name}`" for file in profile.files) or "none",
            ", ".join(profile.licenses),
            _size(profile),
            "yes" if profile.verified else "no",
        )


def _size(profile: Profile) -> str:
    sizes = [file.size for file in profile.files if file.size is not None]
    return f"{sum(sizes) / 1e6:.1f} MB" if len(sizes) == len(profile.files) else "known after download"


def pretty(value: Any, indent: str = "") -> str:
    """Returns JSON in which only values that are too long for one line are broken into lines."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + len(line) <= _LINE:
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {pretty(item, deeper)}" for key, item in value.items()]
    else:
        parts = [pretty(item, deeper) for item in value]
    inside = f",\n{deeper}".join(parts)
    return f"{line[0]}\n{deeper}{inside}\n{indent}{line[-1]}"
