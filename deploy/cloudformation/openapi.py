"""The OpenAPI document as API Gateway imports it: version 3.0, draft-4 models, an integration per method.

The document is the same whichever features are chosen: a stage variable named by the feature's id holds the
name of the function that answers. So choosing another feature needs no new deployment of the API, which
CloudFormation would not make by itself, and a feature that is not deployed says so instead of answering 403.
"""

from collections.abc import Sequence
from typing import Any

from serving.feature import Feature
from serving.http import CORS, PREFLIGHT
from serving.openapi import document

from .functions import GATEWAY_S
from .parts import Json, ref, sub, when

EXPLORER = "${Explorer}"
BINARY = [  # wildcards are not documented for this list, save for all types
    "application/octet-stream",
    "image/bmp",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/webp",
    "multipart/form-data",
]
FUNCTION_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
_KEPT = ("type", "required", "additionalProperties", "enum", "minimum", "maximum", "minLength", "maxLength")
_SECURITY = when("IsSigned", [{"signature": []}], when("IsKeyed", [{"key": []}], []))
_SCHEMES = {
    "signature": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
}
_DENIED = "the request is not signed, or there is no such path; the API explorer lists the paths"
_REFUSALS = {  # what API Gateway answers itself: status, code, and detail where its own says too little
    "ACCESS_DENIED": (403, "forbidden", ""),
    "API_CONFIGURATION_ERROR": (500, "internal_error", ""),
    "BAD_REQUEST_BODY": (400, "invalid_request", "body: $context.error.validationErrorString"),
    "BAD_REQUEST_PARAMETERS": (400, "invalid_request", ""),
    "EXPIRED_TOKEN": (403, "forbidden", ""),
    "INTEGRATION_FAILURE": (504, "deadline_exceeded", "the feature did not answer"),
    "INTEGRATION_TIMEOUT": (504, "deadline_exceeded", f"no answer within {GATEWAY_S} s"),
    "INVALID_API_KEY": (403, "forbidden", "x-api-key: missing or unknown"),
    "INVALID_SIGNATURE": (403, "forbidden", "Authorization: the signature does not match the request"),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden", _DENIED),
    "QUOTA_EXCEEDED": (429, "too_many_requests", "x-api-key: its quota is used up"),
    "REQUEST_TOO_LARGE": (413, "payload_too_large", "body: at most 10 MB through API Gateway"),
    "RESOURCE_NOT_FOUND": (404, "not_found", "there is no such path"),
    "THROTTLED": (429, "too_many_requests", "too many requests at once"),
    "UNAUTHORIZED": (401, "unauthorized", ""),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media", ""),
    "WAF_FILTERED": (403, "forbidden", ""),
}


def body(features: Sequence[Feature]) -> Json:
    """Paths for every name of every feature, and the pages of the explorer."""
    paths: Json = {"/explorer": {"get": _page()}, "/openapi.json": {"get": _page()}}
    for feature in features:
        for name in feature.names:
            paths[f"/{name}"] = {"post": _call(feature), "options": _preflight()}
        if (feature.folder / "tools").is_dir():
            paths[f"/{feature.name}/tools/{{tool}}"] = {"get": _page("tool")}
    return {
        "openapi": "3.0.1",
        "info": {"title": ref("AWS::StackName"), "version": "1"},
        "paths": paths,
        "components": {
            "schemas": {_model_name(feature): model(feature) for feature in features},
            "securitySchemes": _SCHEMES,
        },
        "x-amazon-apigateway-binary-media-types": BINARY,
        "x-amazon-apigateway-request-validators": {
            "body": {"validateRequestBody": True, "validateRequestParameters": False}
        },
        "x-amazon-apigateway-gateway-responses": _gateway_responses(),
    }


def model(feature: Feature) -> Json:
    """What API Gateway holds a JSON body against: no stricter than the container, which has the last word."""
    whole = document([feature])
    bodies = whole["paths"][f"/{feature.name}"]["post"]["requestBody"]["content"]
    loosened: Json = _loosened(bodies["application/json"]["schema"], whole["components"]["schemas"])
    return loosened


def _loosened(schema: Any, components: Json) -> Any:
    """The schema in the words that draft 4 and its successors share; `null` has none in OpenAPI 3.0."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    choices = [_loosened(choice, components) for choice in schema.get("anyOf", ())]
    if schema.get("type") == "null" or {} in choices:
        return {}
    kept = {key: schema[key] for key in _KEPT if schema.get(key, []) != []}
    if choices:
        kept["anyOf"] = choices
    if schema.get("type") == "array":
        kept["items"] = _loosened(schema.get("items") or {}, components)
    if "properties" in schema:
        fields = schema["properties"].items()
        kept["properties"] = {name: _loosened(field, components) for name, field in fields}
    return kept


def _model_name(feature: Feature) -> str:
    return f"{feature.feature_id}Request"


def _call(feature: Feature) -> Json:
    schema = {"$ref": f"#/components/schemas/{_model_name(feature)}"}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": {"200": {"description": "The answer."}},
        "security": _SECURITY,
        "x-amazon-apigateway-request-validator": "body",
        "x-amazon-apigateway-integration": _function(f"${{!stageVariables.{feature.feature_id}}}"),
    }


def _page(*parameters: str) -> Json:
    """A page without secrets, for anybody: what it calls is authorised."""
    given = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
    ]
    return {
        **({"parameters": given} if given else {}),
        "responses": {"200": {"description": "The page."}},
        "security": [],
        "x-amazon-apigateway-integration": _function(EXPLORER),
    }


def _function(name: str) -> Json:
    uri = (
        f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{FUNCTION_ARN}"
    )
    return {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": sub(f"{uri}{name}/invocations"),
        "passthroughBehavior": "when_no_match",
        "timeoutInMillis": GATEWAY_S * 1000,
    }


def _preflight() -> Json:
    """What a browser asks before it calls; it sends no credentials with the question."""
    headers = {name: {"schema": {"type": "string"}} for name in PREFLIGHT}
    values = {f"method.response.header.{name}": f"'{value}'" for name, value in PREFLIGHT.items()}
    return {
        "responses": {"204": {"description": "Allowed.", "headers": headers}},
        "security": [],
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "contentHandling": "CONVERT_TO_TEXT",
            "passthroughBehavior": "when_no_match",
            "requestTemplates": {"application/json": '{"statusCode": 204}'},
            "responses": {"default": {"statusCode": "204", "responseParameters": values}},
        },
    }


def _gateway_responses() -> Json:
    headers = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in CORS.items()}
    default = {"responseParameters": headers}
    return {
        "DEFAULT_4XX": default,
        "DEFAULT_5XX": default,
        **{
            kind: {
                "statusCode": str(status),
                "responseParameters": headers,
                "responseTemplates": {"application/json": _problem(status, code, detail)},
            }
            for kind, (status, code, detail) in _REFUSALS.items()
        },
    }


def _problem(status: int, code: str, detail: str) -> str:
    """The body of every failure; API Gateway quotes its own message itself."""
    said = f'"{detail}"' if detail else "$context.error.messageString"
    return f'{{"status":{status},"code":"{code}","detail":{said},"request_id":"$context.requestId"}}'
