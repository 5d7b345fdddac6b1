"""The binary messages of `application/vnd.amazon.eventstream`, as a response stream carries them.

A message consists of its length, the length of its headers, the CRC-32 of these eight bytes, the headers, the
payload, and the CRC-32 of everything before. All integers are unsigned and big-endian.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from zlib import crc32

MEDIA_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7  # type code of a header's value
_FRAME = 16  # bytes of a message in addition to headers and payload


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Returns a message. headers: names have at most 255 bytes, values at most 32767."""
    fields = b"".join(_field(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack(">II", _FRAME + len(fields) + len(payload), len(fields))
    content = b"".join((prelude, struct.pack(">I", crc32(prelude)), fields, payload))
    return content + struct.pack(">I", crc32(content))


def parts(body: bytes, size: int) -> Iterator[bytes]:
    """Yields `PayloadPart` events, each with at most `size` bytes of the body."""
    headers = {
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    for start in range(0, len(body), size):
        yield message(headers, body[start : start + size])


def stream_error(code: str, text: str) -> bytes:
    """Returns the `ModelStreamError` that ends a stream.

    code: ModelInvocationTimeExceeded or StreamBroken.
    """
    headers = {
        ":exception-type": "ModelStreamError",
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps({"Message": text, "ErrorCode": code}).encode())


def _field(name: bytes, value: bytes) -> bytes:
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", _STRING, len(value)) + value
