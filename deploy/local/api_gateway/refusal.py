"""The replies of API Gateway itself, with the texts of the deployed API's definition."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from serving.codec import JSON
from serving.http import Json

_USUAL = {  # by kind: the error type in the header, and the message if the definition has none
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
_PLAIN = '{"message":$context.error.messageString}'  # template of a kind for which the definition has none
_BAD_GATEWAY = "502"  # status of DEFAULT_5XX, the only such kind


class Refused(Exception):
    """A request that API Gateway refuses itself.

    kind: one of AWS's gateway response types. message, error_type: empty for the usual ones of this kind.
    """

    def __init__(self, kind: str, message: str = "", error_type: str = "") -> None:
        usual_type, usual_message = _USUAL[kind]
        super().__init__(message or usual_message)
        self.kind, self.error_type = kind, error_type or usual_type


def refusal(refused: Refused, definition: Mapping[str, Json], request_id: str) -> Response:
    """Returns the response to a refused request.

    definition: `x-amazon-apigateway-gateway-responses` of the document that API Gateway imports.
    """
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
