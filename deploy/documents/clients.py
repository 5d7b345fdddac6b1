"""Requests for other programs: the code samples of the feature pages, and the Postman collection."""

import json
from collections.abc import Iterator, Sequence

from serving.feature import Feature
from serving.http import Json
from serving.openapi import document, is_image

_ADDRESS = "https://example.com/photo.jpg"
_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_VARIABLES = {"base_url": "http://localhost:8080/invocations"} | dict.fromkeys(
    ("api_key", "aws_region", "access_key", "secret_key", "session_token"), ""
)
_SIGNATURE = {
    "service": "execute-api",
    "region": "{{aws_region}}",
    "accessKey": "{{access_key}}",
    "secretKey": "{{secret_key}}",
    "sessionToken": "{{session_token}}",
}
_ABOUT = """\
Requests to every feature, with JSON and with files. Set the variable `base_url` to
http://localhost:8080/invocations for a container on this machine, or to
https://[API_ID].execute-api.[AWS_REGION].amazonaws.com/[STAGE] for Amazon API Gateway.
For AWS_IAM authorization, also set `aws_region` and the keys; otherwise choose "No Auth" under
Authorization. Set `api_key` if the API requires a key. Choose files under Body."""


def by_address(request: Json, schema: Json) -> Json:
    """Returns the request with an address in place of each image. schema: JSON schema of the request."""
    images = {name for name in request if is_image(schema["properties"][name])}
    return {
        name.replace("img", "url", 1) if name in images else name: _ADDRESS if name in images else value
        for name, value in request.items()
    }


def literals(request: Json) -> dict[str, str]:
    """Returns the request on one line, as JSON, as a quoted JSON string, and as a Python literal."""
    line = json.dumps(request, ensure_ascii=False)
    return {
        "request_json": line,
        "request_quoted": json.dumps(line, ensure_ascii=False),
        "request_python": repr(request),
    }


def postman(features: Sequence[Feature]) -> Json:
    """Returns a collection of format 2.1, with one folder per feature.

    A folder has one request per example, and for a feature that takes images one with files.
    """
    whole = document(features)
    return {
        "info": {"name": "AI Solution Kit", "description": _ABOUT, "schema": _SCHEMA},
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in _VARIABLES.items()],
        "auth": {
            "type": "awsv4",
            "awsv4": [{"key": key, "value": value, "type": "string"} for key, value in _SIGNATURE.items()],
        },
        "item": [
            {"name": feature.name, "description": feature.summary, "item": list(_requests(feature, whole))}
            for feature in features
        ],
    }


def _requests(feature: Feature, whole: Json) -> Iterator[Json]:
    accepts = whole["paths"][f"/{feature.name}"]["post"]["requestBody"]["content"]
    schema = whole["components"]["schemas"][accepts["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    others = {name: one["request"] for name, one in feature.example.get("others", {}).items()}
    for name, request in {"example": feature.example["request"], **others}.items():
        raw = json.dumps(by_address(request, schema), ensure_ascii=False, indent=2)
        body = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
        yield _request(feature, name, body, {"Content-Type": "application/json"})
    form = [_part(name, value, schema) for name, value in feature.example["request"].items()]
    if any(part["type"] == "file" for part in form):
        yield _request(feature, "files", {"mode": "formdata", "formdata": form}, {})


def _part(name: str, value: object, schema: Json) -> Json:
    if is_image(schema["properties"][name]):
        return {"key": name, "type": "file", "src": []}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return {"key": name, "type": "text", "value": text}


def _request(feature: Feature, name: str, body: Json, headers: dict[str, str]) -> Json:
    url = {"raw": f"{{{{base_url}}}}/{feature.name}", "host": ["{{base_url}}"], "path": [feature.name]}
    header = [{"key": key, "value": value} for key, value in {**headers, "x-api-key": "{{api_key}}"}.items()]
    return {"name": name, "request": {"method": "POST", "header": header, "body": body, "url": url}}
