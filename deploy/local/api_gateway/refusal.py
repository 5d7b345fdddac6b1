"""What API Gateway answers itself, in the words of the definition that deploys."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from serving.codec import JSON

Json = dict[str, Any]

_SAID = {  # the error type in the header, and the message where the definition has no words of its own
    "ACCESS_DENIED": ("AccessDeniedException", "Access denied"),
    "API_CONFIGURATION_ERROR": ("InternalServerErrorException", "Internal server error"),
    "DEFAULT_5XX": ("InternalServerErrorException", "Internal server error"),
    "EXPIRED_TOKEN": ("InvalidSignatureException", "Signature expired"),
    "INTEGRATION_TIMEOUT": ("InternalServerErrorException", "Endpoint request timed out"),
    "INVALID_API_KEY": ("ForbiddenException", "Forbidden"),
    "INVALID_SIGNATURE": ("InvalidSignatureException", "The request signature does not match"),
    "MISSING_AUTHENTICATION_TOKEN": ("MissingAuthenticationTokenException", "Missing Authentication Token"),
    "QUOTA_EXCEEDED": ("LimitExceededException", "Limit Exceeded"),
    "REQUEST_TOO_LARGE": ("RequestTooLargeException", "Request Too Long"),
    "THROTTLED": ("TooManyRequestsException", "Too Many Requests"),
}
_PLAIN = '{"message":$context.error.messageString}'  # of a kind that the definition has no template for
_BAD_GATEWAY = "502"  # the status of the one such kind


class Refused(Exception):
    """Of a kind of `supported-gateway-response-types`. message, error_type: where they are not the usual."""

    def __init__(self, kind: str, message: str = "", error_type: str = "") -> None:
        usual_type, usual = _SAID[kind]
        super().__init__(message or usual)
        self.kind, self.error_type = kind, error_type or usual_type


def refusal(refused: Refused, definition: Mapping[str, Json], request_id: str) -> Response:
    """definition: `x-amazon-apigateway-gateway-responses` of the document that API Gateway imports."""
    defined = definition[refused.kind]
    template: str = defined.get("responseTemplates", {}).get(JSON, _PLAIN)
    body = template.replace("$context.requestId", request_id)
    headers = {
        name.removeprefix("gatewayresponse.header."): value.strip("'")
        for name, value in defined["responseParameters"].items()
    }
    return Response(
        body.replace("$context.error.messageString", json.dumps(str(refused))),
        int(defined.get("statusCode", _BAD_GATEWAY)),
        headers | {"x-amzn-RequestId": request_id, "x-amzn-ErrorType": refused.error_type},
        media_type=JSON,
    )
