"""Reads request bodies and writes response bodies: JSON, a form with a file, or an image alone.

A caller who sends `Accept: image/png` gets the image under `result` of a reply as the whole body.
"""

import io
import re
from contextlib import suppress
from typing import Any

import msgspec
from python_multipart import parse_form
from python_multipart.exceptions import FormParserError

from .errors import InvalidRequest, NotAcceptable, UnsupportedMedia
from .feature import Feature
from .images.intake import ImageBytes, dec_hook

JSON = "application/json"
_RAW = ("application/octet-stream", "application/x-image")


class Codec:
    """Reads and writes the bodies of one feature."""

    def __init__(self, feature: Feature) -> None:
        self._request = feature.request
        self._json = msgspec.json.Decoder(feature.request, dec_hook=dec_hook)
        self._takes_image = feature.takes_image
        self._formats = feature.formats

    def accepted(self, accept: str) -> str:
        """Returns the media type to reply in: JSON or `image/…`, whichever the header prefers.

        An empty header accepts every type. JSON comes first when the header prefers several types equally.
        Raises `NotAcceptable`.
        """
        kinds = [JSON, *(f"image/{name}" for name in self._formats)]
        qualities = _qualities(accept)
        best = max(kinds, key=lambda kind: _quality(kind, qualities))
        if not _quality(best, qualities):
            raise NotAcceptable(
                f"accept: {accept!r} is not available; this feature returns {', '.join(kinds)}"
            )
        return best

    def decode(self, body: bytes, content_type: str, accept: str = JSON) -> Any:
        """Returns the request in `body`. Raises `InvalidRequest` and `UnsupportedMedia`.

        accept: the media type of the reply, which sets the request's `format` when it is an image.
        A body without a content type is read as JSON, because boto3 sends none unless its caller gives one.
        """
        request = self._decoded(body, content_type)
        if accept == JSON:
            return request
        return msgspec.structs.replace(request, format=accept.removeprefix("image/"))

    def _decoded(self, body: bytes, content_type: str) -> Any:
        kind = content_type.partition(";")[0].strip().lower() or JSON
        if not body:
            raise InvalidRequest(f"body: empty, expected {kind}")
        try:
            if kind == JSON:
                return self._from_json(body)
            if self._takes_image and (kind.startswith("image/") or kind in _RAW):
                return self._request(img=ImageBytes(body))
            if kind == "multipart/form-data":
                form = _form(body, content_type)
                return msgspec.convert(form, self._request, strict=False, dec_hook=dec_hook)
        except (msgspec.DecodeError, FormParserError, UnicodeDecodeError) as error:
            raise InvalidRequest(_locate(error)) from error
        known = [JSON, *(["image/*"] if self._takes_image else []), "multipart/form-data"]
        raise UnsupportedMedia(f"content-type: {kind!r} is not supported; send {', '.join(known)}")

    def _from_json(self, body: bytes) -> Any:
        """Returns the request in a JSON body, also in `{"body": request}`. Raises `msgspec.DecodeError`."""
        try:
            return self._json.decode(body)
        except msgspec.ValidationError:
            if (inner := _unwrapped(body)) is None:
                raise
            return self._json.decode(inner)

    def encode(self, response: Any, accept: str = JSON) -> tuple[bytes, str]:
        """Returns the body and the content type of a reply in the media type `accept`."""
        if accept == JSON:
            return msgspec.json.encode(response), JSON
        return response.result, accept


def _qualities(accept: str) -> dict[str, float]:
    """Returns the quality, 0 to 1, of each media range in an `Accept` header."""
    qualities = {}
    for kind, _, options in (part.partition(";") for part in accept.lower().split(",") if part.strip()):
        quality = re.search(r"(?:^|;)\s*q\s*=\s*([\d.]+)", options)
        with suppress(ValueError):
            qualities[kind.strip()] = float(quality[1]) if quality else 1.0
    return qualities or {"*/*": 1.0}


def _quality(kind: str, qualities: dict[str, float]) -> float:
    """Returns the quality of the narrowest media range that contains the type; 0 when none does."""
    ranges = (kind, f"{kind.partition('/')[0]}/*", "*/*")
    return next((qualities[each] for each in ranges if each in qualities), 0.0)


class _Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    body: dict[str, msgspec.Raw] | str


def _unwrapped(body: bytes) -> bytes | None:
    """Returns the request in `{"body": request}`, a form that some documents show; None for another body.

    The request inside may also be a string of JSON.
    """
    try:
        inner = msgspec.json.decode(body, type=_Wrapped).body
    except msgspec.ValidationError:
        return None
    return inner.encode() if isinstance(inner, str) else msgspec.json.encode(inner)


def _form(body: bytes, content_type: str) -> dict[str, Any]:
    """Returns the fields of a multipart form. A file is read as an image, whatever its name is."""
    fields: dict[str, Any] = {}

    def on_field(field: Any) -> None:
        fields[field.field_name.decode()] = (field.value or b"").decode()

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        fields[file.field_name.decode()] = ImageBytes(file.file_object.read())

    parse_form({"Content-Type": content_type.encode()}, io.BytesIO(body), on_field, on_file)
    return fields


def _locate(error: Exception) -> str:
    """Returns msgspec's message with the field first.

    "Expected `str`, got `int` - at `$.url`" becomes "url: expected `str`, got `int`".
    """
    message, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".") or "body"
    return f"{field}: {message[:1].lower()}{message[1:]}"
