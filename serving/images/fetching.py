"""Fetches the bytes at an address from a caller: only public hosts and allowed buckets, within limits.

It prevents server-side request forgery (SSRF): callers cannot reach the hosts and networks of the container.
"""

import functools
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from serving.errors import PayloadTooLarge, UnprocessableInput

_REDIRECTS = (301, 302, 303, 307, 308)
_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
# services inside a cloud that have public numbers: metadata of Azure and of Oracle, relays of 6to4
_INTERNAL = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))
_S3_FAULTS = {403: "access to the object is denied", 404: "no such object"}


class _Fault(Exception):
    """An address cannot be read; the message is for the caller."""


class _TooLarge(_Fault):
    pass


def is_public(address: str) -> bool:
    """Tells whether an IP address belongs to the internet, not to this host, a local network or a cloud.

    An IPv6 address that contains an IPv4 one (mapped, 6to4, NAT64) is judged by the IPv4 address.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        nat64 = IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        inner = ip.ipv4_mapped or ip.sixtofour or nat64
        if inner is None:
            return ip in _UNICAST and ip.is_global
        ip = inner
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _INTERNAL)


def resolve_host(host: str) -> list[str]:
    """Returns every IP address of a host name, or of an address in any notation. Raises `OSError`."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@functools.cache
def _public_authorities() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches http, https and s3 addresses.

    timeout_s: limit of connecting, and of the time between two reads. total_s: limit of the whole fetch,
    including redirects. allow_private: also connects to addresses that are not public.
    s3_allow: `s3://bucket` or `s3://bucket/prefix` entries; only these parts of S3 are read.
    resolve: turns a host into IP addresses, or raises `OSError`. network: opens the connections.
    tls: the trusted authorities, by default the public ones.
    """

    timeout_s: float = 10.0
    total_s: float = 20.0
    max_bytes: int = 20 * 2**20
    allow_private: bool = False
    s3_allow: tuple[str, ...] = ()
    max_redirects: int = 3
    resolve: Callable[[str], Sequence[str]] = resolve_host
    network: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)
    tls: ssl.SSLContext | None = None

    def get(self, address: str, field: str = "url") -> bytes:
        """Returns the bytes at an address. Raises `PayloadTooLarge` and `UnprocessableInput`."""
        deadline = time.monotonic() + self.total_s
        read = self._read_s3 if address[:5].lower() == "s3://" else self._read_http
        try:
            return read(address, deadline)
        except _TooLarge as error:
            raise PayloadTooLarge(f"{field}: more than {self.max_bytes} bytes") from error
        except _Fault as error:
            raise UnprocessableInput(f"{field}: {error}") from error
        except httpcore.TimeoutException as error:
            fault = f"no answer within {self.timeout_s:g} s"
            if time.monotonic() >= deadline:
                fault = f"not complete within {self.total_s:g} s"
            raise UnprocessableInput(f"{field}: {fault}") from error
        except httpcore.NetworkError as error:
            tls = any(isinstance(cause, ssl.SSLError) for cause in error.args)
            fault = "no trusted TLS connection to the server" if tls else "connection failed"
            raise UnprocessableInput(f"{field}: {fault}") from error
        except httpcore.ProtocolError as error:
            raise UnprocessableInput(f"{field}: the server does not answer in valid HTTP") from error

    def _read_http(self, address: str, deadline: float) -> bytes:
        for _ in range(self.max_redirects + 1):
            reply = self._request(_parse(address), deadline)
            if isinstance(reply, bytes):
                return reply
            try:
                address = urljoin(address, reply)
            except ValueError as error:
                raise _Fault("the server redirects to an invalid address") from error
        raise _Fault(f"more than {self.max_redirects} redirects")

    def _request(self, url: httpcore.URL, deadline: float) -> bytes | str:
        """Returns the body, or the address that a redirect names."""
        host = url.host.decode()
        name = f"[{host}]" if ":" in host else host
        headers = [
            ("Host", name if url.port is None else f"{name}:{url.port}"),
            ("Accept", "image/jpeg, image/png, image/webp, image/bmp, */*;q=0.1"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "ai-solution-kit"),
        ]
        pool = httpcore.ConnectionPool(
            ssl_context=self.tls or _public_authorities(), network_backend=_Guard(self, deadline)
        )
        with pool, pool.stream("GET", url, headers=headers) as reply:
            fields = {key.lower(): value.decode(errors="replace") for key, value in reply.headers}
            if reply.status in _REDIRECTS:
                return fields.get(b"location", "")
            if reply.status != 200:
                raise _Fault(f"the server answered {reply.status}")
            if fields.get(b"content-encoding", "identity") != "identity":
                raise _Fault("the server sent a compressed body")
            length = int(fields.get(b"content-length", 0))
            return self._collect(reply.iter_stream(), length, deadline)

    def _collect(self, chunks: Iterable[bytes], declared: int, deadline: float) -> bytes:
        if declared > self.max_bytes:
            raise _TooLarge
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > self.max_bytes:
                raise _TooLarge
            if time.monotonic() >= deadline:
                raise _Fault(f"not complete within {self.total_s:g} s")
        return bytes(body)

    def _read_s3(self, address: str, deadline: float) -> bytes:
        bucket, _, key = address[5:].partition("/")
        if not _is_listed(bucket, key, self.s3_allow):
            raise _Fault("the address is not allowed")
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._s3.get_object(Bucket=bucket, Key=key)
            with closing(found["Body"]) as body:
                return self._collect(body.iter_chunks(2**16), found["ContentLength"], deadline)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise _Fault(_S3_FAULTS.get(status, "S3 refuses the object")) from error
        except BotoCoreError as error:
            raise _Fault("S3 cannot be read from here") from error

    @functools.cached_property
    def _s3(self) -> Any:
        import boto3
        from botocore.config import Config

        retries = {"max_attempts": 2, "mode": "standard"}
        limits = Config(connect_timeout=self.timeout_s, read_timeout=self.timeout_s, retries=retries)
        return boto3.session.Session().client("s3", config=limits)


def _is_listed(bucket: str, key: str, entries: Iterable[str]) -> bool:
    """Tells whether an entry names the bucket and, when it has a prefix, the key or a folder above it."""
    if not bucket or not key or {".", ".."} & set(key.split("/")):
        return False
    for entry in entries:
        listed, _, prefix = entry.removeprefix("s3://").rstrip("/").partition("/")
        if bucket == listed and (not prefix or f"{key}/".startswith(f"{prefix}/")):
            return True
    return False


def _parse(address: str) -> httpcore.URL:
    try:
        url = urlsplit(address)
        port, host = url.port, (url.hostname or "").encode("idna")
    except ValueError as error:
        raise _Fault("not a valid address") from error
    if url.scheme not in ("http", "https"):
        raise _Fault("the scheme must be http, https or s3")
    if "@" in url.netloc:
        raise _Fault("credentials in the address are not accepted")
    if not host or port == 0:
        raise _Fault("not a valid address")
    target = quote(url.path or "/", safe="/%:@!$&'()*+,;=~")
    if url.query:
        target += "?" + quote(url.query, safe="/%:@!$&'()*+,;=~?[]")
    return httpcore.URL(scheme=url.scheme, host=host, port=port, target=target)


class _Guard(httpcore.NetworkBackend):
    """Connects only to addresses that it has checked, and limits every step to the time left."""

    def __init__(self, fetcher: Fetcher, deadline: float) -> None:
        self._fetcher, self._deadline = fetcher, deadline

    def time_left(self) -> float:
        """Returns the seconds that the next step may take. Raises `httpcore.ReadTimeout` at 0."""
        left = min(self._fetcher.timeout_s, self._deadline - time.monotonic())
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = self._fetcher.resolve(host)
        except (OSError, UnicodeError) as error:
            raise _Fault("the host name does not resolve") from error
        if not self._fetcher.allow_private and not all(map(is_public, addresses)):
            raise _Fault("the address is not allowed")
        failure: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                stream = self._fetcher.network.connect_tcp(address, port, self.time_left())
                return _TimedStream(stream, self.time_left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A connection that limits every step to the time left, whatever timeout httpcore passes."""

    def __init__(self, stream: httpcore.NetworkStream, time_left: Callable[[], float]) -> None:
        self._stream, self._time_left = stream, time_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._time_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._time_left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._time_left())
        return _TimedStream(stream, self._time_left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
