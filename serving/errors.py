"""Failures that are reported to the caller. Each class has one HTTP status and one stable code.

ServingError 500 internal_error
├── InvalidRequest 400 invalid_request
├── NotFound 404 not_found
├── NotAcceptable 406 not_acceptable
├── PayloadTooLarge 413 payload_too_large
├── UnsupportedMedia 415 unsupported_media
├── UnprocessableInput 422 unprocessable_input
├── TooManyRequests 429 too_many_requests
├── Overloaded 503 overloaded
│   └── Unavailable 503 unavailable
└── DeadlineExceeded 504 deadline_exceeded
"""

from http import HTTPStatus
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta


class Problem(msgspec.Struct, frozen=True):
    """The body of every failed response."""

    status: Annotated[int, Meta(ge=400, le=599, description="HTTP status of the response.")]
    code: Annotated[str, Meta(description="Stable name of the kind of failure.")]
    detail: Annotated[str, Meta(description="The field, the fault and the limit, in English.")]
    request_id: Annotated[str, Meta(description="The caller's `X-Request-Id`, or one made for the request.")]


class ServingError(Exception):
    """Base of every error that is reported to the caller, who sees its message: it must name no internals."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    retry_after_s: ClassVar[int | None] = None


class InvalidRequest(ServingError):
    """The body is not JSON, or it does not match the schema."""

    status, code = HTTPStatus.BAD_REQUEST, "invalid_request"


class NotFound(ServingError):
    """The request names something that does not exist."""

    status, code = HTTPStatus.NOT_FOUND, "not_found"


class NotAcceptable(ServingError):
    """The feature can produce none of the media types in `Accept`."""

    status, code = HTTPStatus.NOT_ACCEPTABLE, "not_acceptable"


class PayloadTooLarge(ServingError):
    """The body, an image in it, or the response is larger than its limit in bytes."""

    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large"


class UnsupportedMedia(ServingError):
    """The feature does not read this content type."""

    status, code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media"


class UnprocessableInput(ServingError):
    """The request is well-formed, but its content cannot be used."""

    status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable_input"


class TooManyRequests(ServingError):
    """The caller has exceeded its own quota."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests"
    retry_after_s = 1


class Overloaded(ServingError):
    """The queue is full; a later retry can succeed."""

    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "overloaded"
    retry_after_s = 1


class Unavailable(Overloaded):
    """The model is loading or was just replaced, the container is stopping, or a store cannot be reached."""

    code = "unavailable"


class DeadlineExceeded(ServingError):
    """The request was not finished within its time limit."""

    status, code = HTTPStatus.GATEWAY_TIMEOUT, "deadline_exceeded"
