"""The OpenAPI document as API Gateway imports it: version 3.0, draft-4 models, an integration per method.

The document does not depend on the chosen features. A stage variable, named by a feature's id, holds the
name of the function that answers. So another choice needs no new deployment of the API, which CloudFormation
would not make by itself. For a feature that is not deployed, the reply says so, instead of status 403.
"""

from collections.abc import Sequence
from typing import Any

from serving.feature import Feature
from serving.http import CORS, PREFLIGHT, Json
from serving.openapi import document

from .functions import GATEWAY_S
from .parts import ref, sub, when

EXPLORER = "${Explorer}"
BINARY = [  # for this list, AWS documents no wildcard except */*
    "application/octet-stream",
    "image/bmp",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/webp",
    "multipart/form-data",
]
FUNCTION_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"
_SHARED_KEYWORDS = (
    "type",
    "required",
    "additionalProperties",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
)
_SECURITY = when("IsSigned", [{"signature": []}], when("IsKeyed", [{"key": []}], []))
SCHEMES = {
    "signature": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
}
"""The security schemes of the API: a signature, or an API key."""
_DENIED = "the request is not signed, or there is no such path; the API explorer lists the paths"
_REFUSALS = {  # replies of API Gateway itself: status, code, and a detail if its own message says too little
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
    """Returns the document, with a path for each name of each feature and for each page of the explorer."""
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
            "securitySchemes": SCHEMES,
        },
        "x-amazon-apigateway-binary-media-types": BINARY,
        "x-amazon-apigateway-request-validators": {
            "body": {"validateRequestBody": True, "validateRequestParameters": False}
        },
        "x-amazon-apigateway-gateway-responses": _gateway_responses(),
    }


def model(feature: Feature) -> Json:
    """Returns the schema that API Gateway validates a JSON body against.

    It is no stricter than the container, which validates the body again.
    """
    whole = document([feature])
    bodies = whole["paths"][f"/{feature.name}"]["post"]["requestBody"]["content"]
    schema: Json = _loosened(bodies["application/json"]["schema"], whole["components"]["schemas"])
    return schema


def _loosened(schema: Any, components: Json) -> Any:
    """Returns the schema in the keywords that draft 4 shares with later drafts.

    OpenAPI 3.0 cannot express `null`, so a schema that allows it becomes one that allows everything.
    """
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    choices = [_loosened(choice, components) for choice in schema.get("anyOf", ())]
    if schema.get("type") == "null" or {} in choices:
        return {}
    loosened = {key: schema[key] for key in _SHARED_KEYWORDS if schema.get(key, []) != []}
    if choices:
        loosened["anyOf"] = choices
    if schema.get("type") == "array":
        loosened["items"] = _loosened(schema.get("items") or {}, components)
    if "properties" in schema:
        fields = schema["properties"].items()
        loosened["properties"] = {name: _loosened(field, components) for name, field in fields}
    return loosened


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
    """Returns a page that everybody may open: it holds no secrets, and its own calls are authorised."""
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
    """Returns the answer to a browser's preflight request, which carries no credentials."""
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
    """Returns the template of a failure's body. API Gateway puts its own message in for messageString."""
    # $context.error.messageString comes with its quotes
    message = f'"{detail}"' if detail else "$context.error.messageString"
    return f'{{"status":{status},"code":"{code}","detail":{message},"request_id":"$context.requestId"}}'
