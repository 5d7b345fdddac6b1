"""Frames between the front process and a model process, over a Unix socket pair.

A frame is its length, 4 bytes in big-endian order, followed by MessagePack.
"""

import asyncio
import socket
from typing import Self

import msgspec

from serving.service import Reply

_LENGTH_BYTES = 4
_BUFFER_BYTES = 1 << 20


class Call(msgspec.Struct, frozen=True, tag=True):
    """A request, to be answered within `deadline_s` seconds."""

    id: int
    request_id: str
    content_type: str
    accept: str
    deadline_s: float
    body: bytes


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """A notice that nobody waits for the answer to this call any more."""

    id: int


class Answer(msgspec.Struct, frozen=True, tag=True):
    """The reply that answers a call."""

    id: int
    reply: Reply


class Beat(msgspec.Struct, frozen=True, tag=True):
    """The state of a model process, which the process sends at regular intervals.

    busy_s: seconds since its model began the present batch. capacity: requests that may wait in the process.
    """

    ready: bool
    busy_s: float
    queue_length: int
    capacity: int


Frame = Call | Cancel | Answer | Beat

_decoder = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()


class Channel:
    """One end of the socket pair, which sends and receives frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Self:
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
        end.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=end, limit=_BUFFER_BYTES))

    async def send(self, frame: Frame) -> None:
        """Sends a frame. Raises `ConnectionError` when the other end is closed."""
        self.post(frame)
        await self._writer.drain()

    def post(self, frame: Frame) -> None:
        """Sends a frame without waiting for the other end, which may have stopped reading."""
        data = _encoder.encode(frame)
        self._writer.writelines((len(data).to_bytes(_LENGTH_BYTES, "big"), data))

    async def receive(self) -> Frame | None:
        """Returns the next frame, or None when the other end is closed."""
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            frame: Frame = _decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return frame

    def close(self) -> None:
        self._writer.close()
