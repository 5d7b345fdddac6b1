"""A simulated S3 on this machine."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer


@contextmanager
def server() -> Iterator[Any]:
    """Runs an empty server, and yields a client. The environment leads other clients to the same server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        }.items():
            patch.setenv(name, value)
        with closing(boto3.client("s3")) as client:
            yield client
    server.stop()


@contextmanager
def bucket(client: Any, name: str) -> Iterator[None]:
    """Creates an empty bucket. Afterwards the server is empty again."""
    client.create_bucket(Bucket=name)
    yield
    httpx.post(f"{client.meta.endpoint_url}/moto-api/reset").raise_for_status()
