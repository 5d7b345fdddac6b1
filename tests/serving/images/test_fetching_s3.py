"""S3 objects are read only from allowed buckets and folders."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.images.fetching import Fetcher
from tests.support import s3

BODY = b"\x89PNG and so on"


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with s3.server() as client:
        yield client


@pytest.fixture
def bucket(server: Any) -> Iterator[Any]:
    """A client for the bucket `photos`, which contains three objects."""
    with s3.bucket(server, "photos"):
        for key in ("public/cat.png", "secret/key.png", "public-not/dog.png"):
            server.put_object(Bucket="photos", Key=key, Body=BODY)
        yield server


def test_an_allowed_object_is_read(bucket: Any) -> None:
    assert Fetcher(s3_allow=("s3://photos/public",)).get("s3://photos/public/cat.png") == BODY
    assert Fetcher(s3_allow=("s3://photos",)).get("S3://photos/secret/key.png") == BODY


def test_the_error_says_that_an_object_does_not_exist(bucket: Any) -> None:
    for address in ("s3://photos/none.png", "s3://albums/none.png"):
        with pytest.raises(UnprocessableInput, match=r"^url_2: no such object$"):
            Fetcher(s3_allow=("s3://photos", "s3://albums")).get(address, field="url_2")


def test_the_error_says_that_access_to_an_object_is_denied(bucket: Any) -> None:
    resource = "arn:aws:s3:::photos/secret/*"
    rule = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}
    bucket.put_bucket_policy(
        Bucket="photos", Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    )
    with pytest.raises(UnprocessableInput, match=r"^url: access to the object is denied$"):
        Fetcher(s3_allow=("s3://photos",)).get("s3://photos/secret/key.png")


def test_an_object_over_the_limit_is_not_read(bucket: Any) -> None:
    with pytest.raises(PayloadTooLarge, match=r"^url: more than 12 bytes$"):
        Fetcher(s3_allow=("s3://photos",), max_bytes=12).get("s3://photos/public/cat.png")


def test_the_error_without_credentials_or_connection_names_no_internals(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(UnprocessableInput, match=r"^url: S3 cannot be read from here$"):
        Fetcher(s3_allow=("s3://photos",)).get("s3://photos/public/cat.png")


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("", "s3://photos/public/cat.png"),
        ("s3://", "s3://photos/public/cat.png"),
        ("s3:///", "s3:///public/cat.png"),
        ("s3://photo", "s3://photos/public/cat.png"),
        ("s3://photos", "s3://photos-evil/public/cat.png"),
        ("s3://photos", "s3://photos"),
        ("s3://photos", "s3://photos/"),
        ("s3://photos/public", "s3://photos/public-not/dog.png"),
        ("s3://photos/public/", "s3://photos/public-not/dog.png"),
        ("s3://photos/public", "s3://photos/secret/key.png"),
        ("s3://photos/public", "s3://photos/public/../secret/key.png"),
        ("s3://photos/public", "s3://photos/./public/cat.png"),
        ("s3://photos/public", "s3://photos//public/cat.png"),
    ],
)
def test_an_object_outside_the_allow_list_is_refused(entry: str, address: str) -> None:
    with pytest.raises(UnprocessableInput, match=r"^url: the address is not allowed$"):
        Fetcher(s3_allow=(entry,)).get(address)
