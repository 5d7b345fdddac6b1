"""The errors of sagemaker-runtime, in the shapes that boto3 reads."""

from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from deploy.local.options import ACCOUNT, REGION


class WireError(Exception):
    """An error that the service's API model defines.

    kind: its name. members: its members in addition to `Message`.
    """

    def __init__(self, status: int, kind: str, message: str, **members: object) -> None:
        super().__init__(message)
        self.status, self.kind, self.members = status, kind, members

    def response(self) -> Response:
        content = {"Message": str(self), **self.members}
        return JSONResponse(content, self.status, {"x-amzn-ErrorType": self.kind})


def invalid(message: str) -> WireError:
    return WireError(HTTPStatus.BAD_REQUEST, "ValidationError", message)


def denied(message: str) -> WireError:
    return WireError(HTTPStatus.FORBIDDEN, "AccessDeniedException", message)


def out_of_bounds(member: str, value: str | None, constraint: str) -> WireError:
    """Returns the error for a member of the request that breaks a constraint.

    value: None to leave the value out of the message.
    """
    shown = "Value" if value is None else f"Value '{value}'"
    return invalid(
        f"1 validation error detected: {shown} at '{member}' failed to satisfy constraint: {constraint}"
    )


def unavailable(message: str) -> WireError:
    return WireError(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", message)


def model_error(endpoint: str, status: int, body: str, most: int) -> WireError:
    """Returns the error for a container's reply that is not a success.

    status: the container's, or 0 for a timeout. most: largest number of characters of each text.
    """
    side = "client" if 400 <= status < 500 else "server"
    what = f'{side} error ({status}) from primary with message "{body}"'
    return _model_error(endpoint, status, what, body, most)


def reply_too_large(endpoint: str, size: int, limit: int, most: int) -> WireError:
    what = "server error (500) from primary and could not load the entire response body"
    return _model_error(endpoint, 500, what, f"reply: {size} bytes, at most {limit}", most)


def _model_error(endpoint: str, status: int, what: str, original: str, most: int) -> WireError:
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    where = f". See the log of {group} in account {ACCOUNT} for more information."
    return WireError(
        HTTPStatus.FAILED_DEPENDENCY,
        "ModelError",
        f"Received {what}"[: most - len(where)] + where,
        OriginalStatusCode=status,
        OriginalMessage=original[:most],
        LogStreamArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    )
