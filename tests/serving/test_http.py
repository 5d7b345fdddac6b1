"""Bodies within a limit, the content policy of pages, and free ports."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from serving.http import BodyTooLarge, free_port, page_policy, read_body

LIMIT = 10


def read(messages: Iterator[dict[str, Any]], announced: int | None = None) -> bytes:
    """Returns the body of a request that consists of these messages. announced: its Content-Length."""

    async def receive() -> dict[str, Any]:
        return next(messages)

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    request = Request({"type": "http", "headers": headers}, receive)
    return asyncio.run(read_body(request, LIMIT))


def chunks(*sizes: int) -> Iterator[dict[str, Any]]:
    for index, size in enumerate(sizes, 1):
        yield {"type": "http.request", "body": bytes(size), "more_body": index < len(sizes)}


def test_a_body_that_announces_too_many_bytes_is_refused_unread() -> None:
    messages = chunks(LIMIT + 1)
    with pytest.raises(BodyTooLarge) as caught:
        read(messages, announced=LIMIT + 1)
    assert caught.value.size == LIMIT + 1
    assert len(list(messages)) == 1


@pytest.mark.parametrize("announced", [None, 1], ids=["unannounced", "announced as smaller"])
def test_a_body_is_refused_at_the_chunk_that_exceeds_the_limit(announced: int | None) -> None:
    messages = chunks(LIMIT, 1, LIMIT)
    with pytest.raises(BodyTooLarge) as caught:
        read(messages, announced)
    assert caught.value.size is None
    assert len(list(messages)) == 1


@pytest.mark.parametrize("announced", [None, LIMIT])
@pytest.mark.parametrize("sizes", [(LIMIT,), (LIMIT - 1, 1), (LIMIT, 0)])
def test_a_body_of_exactly_the_limit_is_read(sizes: tuple[int, ...], announced: int | None) -> None:
    assert read(chunks(*sizes), announced) == bytes(LIMIT)


def test_an_empty_body_is_read() -> None:
    assert read(chunks(0)) == b""


def test_a_caller_that_hangs_up_is_reported() -> None:
    with pytest.raises(ClientDisconnect):
        read(iter([{"type": "http.disconnect"}]), announced=LIMIT)


def directives(policy: dict[str, str]) -> dict[str, str]:
    (header,) = policy.items()
    assert header[0] == "Content-Security-Policy"
    parts = (part.partition(" ") for part in header[1].split("; "))
    return {name: sources for name, _, sources in parts}


def test_a_page_may_use_its_own_files_and_nothing_else() -> None:
    policy = directives(page_policy())
    assert policy.pop("img-src") == "blob: data:"
    assert {name for name, sources in policy.items() if sources == "'self'"} == {
        "script-src", "style-src", "connect-src",
    }  # fmt: skip
    assert {name for name, sources in policy.items() if sources == "'none'"} == {
        "default-src", "base-uri", "form-action", "frame-ancestors",
    }  # fmt: skip


def test_a_page_may_use_the_given_sources() -> None:
    policy = directives(page_policy(connect="https:", img="*"))
    assert (policy["connect-src"], policy["img-src"]) == ("https:", "*")
    assert policy["script-src"] == "'self'"


def test_a_server_can_listen_on_a_free_port() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port
