"""Bodies to requests and responses to bodies: JSON, a form with a file, or the bare image.

A reply that holds an image under `result` may be asked for as that image alone, by `Accept: image/png`.
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
        """What to answer in: JSON, or `image/…`, whichever the header likes best. Raises `NotAcceptable`.

        An empty header welcomes anything; of what is liked equally, JSON comes first.
        """
        kinds = [JSON, *(f"image/{name}" for name in self._formats)]
        welcome = _welcome(accept)
        best = max(kinds, key=lambda kind: _liked(kind, welcome))
        if not _liked(best, welcome):
            raise NotAcceptable(
                f"accept: {accept!r} cannot be produced; this feature answers in {', '.join(kinds)}"
            )
        return best

    def decode(self, body: bytes, content_type: str, accept: str = JSON) -> Any:
        """The request in `body`, for a reply in `accept`. Raises `InvalidRequest` and `UnsupportedMedia`.

        No content type means JSON, as boto3 sends none where its caller gives none.
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
        raise UnsupportedMedia(f"content-type: {kind!r} is not read here; send {', '.join(known)}")

    def _from_json(self, body: bytes) -> Any:
        """Raises `msgspec.DecodeError`."""
        try:
            return self._json.decode(body)
        except msgspec.ValidationError:
            if (inner := _unwrapped(body)) is None:
                raise
            return self._json.decode(inner)

    def encode(self, response: Any, accept: str = JSON) -> tuple[bytes, str]:
        """Body and content type of a reply in `accept`."""
        if accept == JSON:
            return msgspec.json.encode(response), JSON
        return response.result, accept


def _welcome(accept: str) -> dict[str, float]:
    """How much each range of an `Accept` header is liked, 0 to 1."""
    welcome = {}
    for kind, _, options in (part.partition(";") for part in accept.lower().split(",") if part.strip()):
        quality = re.search(r"(?:^|;)\s*q\s*=\s*([\d.]+)", options)
        with suppress(ValueError):
            welcome[kind.strip()] = float(quality[1]) if quality else 1.0
    return welcome or {"*/*": 1.0}


def _liked(kind: str, welcome: dict[str, float]) -> float:
    """By the narrowest range that holds the kind."""
    ranges = (kind, f"{kind.partition('/')[0]}/*", "*/*")
    return next((welcome[each] for each in ranges if each in welcome), 0.0)


class _Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    body: dict[str, msgspec.Raw] | str


def _unwrapped(body: bytes) -> bytes | None:
    """The request in `{"body": request}`, as some documents show it; it may be a string of JSON."""
    try:
        inner = msgspec.json.decode(body, type=_Wrapped).body
    except msgspec.ValidationError:
        return None
    return inner.encode() if isinstance(inner, str) else msgspec.json.encode(inner)


def _form(body: bytes, content_type: str) -> dict[str, Any]:
    """Fields of a multipart form; a file is an image, whatever its name says."""
    fields: dict[str, Any] = {}

    def on_field(field: Any) -> None:
        fields[field.field_name.decode()] = (field.value or b"").decode()

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        fields[file.field_name.decode()] = ImageBytes(file.file_object.read())

    parse_form({"Content-Type": content_type.encode()}, io.BytesIO(body), on_field, on_file)
    return fields


def _locate(error: Exception) -> str:
    """The message with the field first: "Expected `str`, got `int` - at `$.url`" to "url: expected …"."""
    message, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".") or "body"
    return f"{field}: {message[:1].lower()}{message[1:]}"
