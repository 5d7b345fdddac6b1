"""The content of a web address is read only when the address is public, and within size and time."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.images.fetching import Fetcher, is_public
from tests.support.website import BODY, Site, site


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with site() as port:
        yield port


@pytest.fixture
def here(port: int) -> Callable[[str], str]:
    return lambda path: f"http://127.0.0.1:{port}/{path}"


LOCAL = Fetcher(allow_private=True, timeout_s=0.3, total_s=0.5, max_bytes=100_000)


class Internet(httpcore.SyncBackend):
    """A network in which every address leads to one local server. It records the addresses of connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.contacted: list[str] = []

    def connect_tcp(self, host: str, *args: Any, **options: Any) -> httpcore.NetworkStream:
        self.contacted.append(host)
        return super().connect_tcp("127.0.0.1", self.port, timeout=5)


def names(**addresses: list[str]) -> Callable[[str], list[str]]:
    return lambda host: addresses[host.partition(".")[0]]


# addresses that are read


def test_a_body_is_read(here: Callable[[str], str]) -> None:
    assert LOCAL.get(here("image")) == BODY


def test_the_request_has_a_user_agent_and_nothing_else_about_the_process(here: Callable[[str], str]) -> None:
    LOCAL.get(here("image"))
    assert set(Site.seen[-1]) == {"Host", "Accept", "Accept-Encoding", "User-Agent"}
    assert Site.seen[-1]["User-Agent"] == "ai-solution-kit"


def test_a_proxy_in_the_environment_is_not_used(
    here: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert LOCAL.get(here("image")) == BODY


@pytest.mark.parametrize(
    ("written", "sent"),
    [("a b/é", "/path/a%20b/%C3%A9"), ("a%20b;v=1?q=ä&r=%26#part", "/path/a%20b;v=1?q=%C3%A4&r=%26")],
)
def test_a_path_is_sent_as_written(here: Callable[[str], str], written: str, sent: str) -> None:
    assert LOCAL.get(here(f"path/{written}")).decode() == sent


@pytest.mark.parametrize("hops", [1, 3])
def test_redirects_are_followed(here: Callable[[str], str], hops: int) -> None:
    assert LOCAL.get(here(f"hops/{hops}")) == BODY


# addresses that are refused


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("status/404", "the server answered 404"),
        ("status/500", "the server answered 500"),
        ("status/204", "the server answered 204"),
        ("hops/4", "more than 3 redirects"),
        ("nowhere", "more than 3 redirects"),
        ("to/ftp://127.0.0.1/a", "the scheme must be http, https or s3"),
        ("to/s3://bucket/key", "the scheme must be http, https or s3"),
        ("to/file:///etc/passwd", "the scheme must be http, https or s3"),
        ("astray", "the server redirects to an invalid address"),
        ("zipped", "the server sent a compressed body"),
        ("silence", "no answer within 0.3 s"),
        ("drip", "not complete within 0.5 s"),
        ("slowheader", "not complete within 0.5 s"),
        ("cut", "the server does not answer in valid HTTP"),
        ("rubbish", "the server does not answer in valid HTTP"),
    ],
)
def test_the_error_names_the_fault_of_the_server(here: Callable[[str], str], path: str, fault: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnprocessableInput) as caught:
        LOCAL.get(here(path), field="url_1")
    assert str(caught.value) == f"url_1: {fault}"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("path", ["huge", "endless"])
def test_a_body_over_the_limit_is_cut_off(here: Callable[[str], str], path: str) -> None:
    with pytest.raises(PayloadTooLarge, match=r"^url: more than 100000 bytes$"):
        Fetcher(allow_private=True, max_bytes=100_000).get(here(path))


def test_a_body_at_the_limit_is_read(here: Callable[[str], str]) -> None:
    assert Fetcher(allow_private=True, max_bytes=len(BODY)).get(here("image")) == BODY
    with pytest.raises(PayloadTooLarge):
        Fetcher(allow_private=True, max_bytes=len(BODY) - 1).get(here("image"))


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("ftp://example.org/a.png", "the scheme must be http, https or s3"),
        ("a.png", "the scheme must be http, https or s3"),
        ("http:///a.png", "not a valid address"),
        ("http://example.org:0/", "not a valid address"),
        ("http://example.org:99999/", "not a valid address"),
        ("http://[::1/", "not a valid address"),
        (f"http://{'a' * 64}.org/", "not a valid address"),
        ("http://user:word@example.org/", "credentials in the address are not accepted"),
        ("http://example.org@10.0.0.1/", "credentials in the address are not accepted"),
    ],
)
def test_a_bad_address_is_refused_before_its_host_is_resolved(address: str, fault: str) -> None:
    with pytest.raises(UnprocessableInput) as caught:
        Fetcher(resolve=names()).get(address)
    assert str(caught.value) == f"url: {fault}"


def test_a_host_that_does_not_resolve_is_refused() -> None:
    def unknown(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, f"{host} is unknown")

    with pytest.raises(UnprocessableInput, match=r"^url: the host name does not resolve$"):
        Fetcher(resolve=unknown).get("http://example.org/")


def test_the_error_for_a_closed_port_is_a_failed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(UnprocessableInput, match=r"^url: connection failed$"):
        LOCAL.get(f"http://127.0.0.1:{port}/")


# private addresses


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "[::]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]"),
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]"),
        *("168.63.129.16", "100.100.100.200", "192.0.0.192", "224.0.0.1", "255.255.255.255", "１２７.0.0.1"),
    ],
)
def test_an_address_that_is_not_public_is_refused_in_every_notation(host: str) -> None:
    network = Internet(1)
    with pytest.raises(UnprocessableInput, match=r"^url: the address is not allowed$"):
        Fetcher(network=network).get(f"http://{host}/latest/meta-data")
    assert network.contacted == []


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["", "a.org", "ff02::1", "2001:db8::1", "2001::1", "fec0::1", "240.0.0.1"]
)
def test_other_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_host_with_one_private_address_is_refused(port: int) -> None:
    network = Internet(port)
    fetcher = Fetcher(resolve=names(mixed=["8.8.8.8", "10.0.0.1"]), network=network)
    with pytest.raises(UnprocessableInput, match="not allowed"):
        fetcher.get("http://mixed.example/image")
    assert network.contacted == []


def test_a_redirect_from_a_public_to_a_private_address_is_refused(port: int) -> None:
    network = Internet(port)
    fetcher = Fetcher(resolve=names(public=["8.8.8.8"], private=["10.0.0.1"]), network=network)
    assert fetcher.get("http://public.example/image") == BODY
    with pytest.raises(UnprocessableInput, match=r"^url: the address is not allowed$"):
        fetcher.get("http://public.example/to/http://private.example/image")
    assert network.contacted == ["8.8.8.8", "8.8.8.8"]


def test_the_connection_goes_to_the_address_that_was_checked(port: int) -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    network = Internet(port)
    fetcher = Fetcher(resolve=lambda _: next(answers), network=network)
    assert fetcher.get("http://rebinding.example/image") == BODY
    assert network.contacted == ["8.8.8.8"]
    with pytest.raises(UnprocessableInput, match="not allowed"):
        fetcher.get("http://rebinding.example/image")
    assert network.contacted == ["8.8.8.8"]


def test_a_host_that_changes_its_address_is_resolved_once_on_real_sockets(port: int) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    fetcher = Fetcher(resolve=lambda _: next(answers), allow_private=True)
    assert fetcher.get(f"http://rebinding.example:{port}/where") == b"127.0.0.1"
    assert Site.seen[-1]["Host"] == f"rebinding.example:{port}"
    assert list(answers) == [["127.0.0.2"]]


def test_the_next_address_is_tried_when_one_does_not_accept_connections(port: int) -> None:
    fetcher = Fetcher(resolve=names(two=["127.0.0.3", "127.0.0.1"]), allow_private=True)
    assert fetcher.get(f"http://two.example:{port}/where") == b"127.0.0.1"


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File with the self-signed certificate and the key of images.example."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "images.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("images.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = tmp_path_factory.mktemp("tls") / "images.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    return file


def test_the_certificate_is_checked_against_the_host_name_not_the_address(certificate: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    trusted = ssl.create_default_context(cafile=str(certificate))
    fetcher = Fetcher(resolve=lambda _: ["127.0.0.1"], allow_private=True, tls=trusted)
    with site(tls=server) as port:
        assert fetcher.get(f"https://images.example:{port}/image") == BODY
        public = Fetcher(resolve=fetcher.resolve, allow_private=True)
        for client, host in ((fetcher, "other.example"), (public, "images.example")):
            with pytest.raises(UnprocessableInput, match=r"^url: no trusted TLS connection to the server$"):
                client.get(f"https://{host}:{port}/image")
