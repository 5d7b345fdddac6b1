"""Stores templates in a folder or in an S3 bucket, which replicas may share.

A template is one object, `<id>.json`, so additions and deletions are atomic: nobody reads half a template.
"""

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from containers.custom_ocr.template import Field, Template
from serving.errors import (
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    ServingError,
    Unavailable,
    UnprocessableInput,
)
from serving.files import replacing
from serving.settings import SettingsError

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TEMPLATES = 1000
MAX_BYTES = 32 * 2**20  # of a template's PNG
_ID = re.compile(r"[0-9a-f]{40}")
_OBJECT = re.compile(r"([0-9a-f]{40})\.json")
_THREADS = 16  # that read templates at the same time


class Store(Protocol):
    """The bytes of each template, by id. All replicas see a change as soon as the call returns.

    Raises `InvalidRequest` for a malformed id, `NotFound`, and `Unavailable` when the disk or S3 fails. The
    request is valid in the last case, and another replica, or this one later, may answer it.
    """

    def write(self, id: str, data: bytes) -> None:
        """Adds or replaces a template atomically."""

    def read(self, id: str) -> bytes: ...

    def check(self, id: str) -> None:
        """Raises `NotFound` unless the id exists."""

    def delete(self, id: str) -> None: ...

    def ids(self) -> list[str]:
        """Returns the sorted ids. Other files or objects next to the templates are ignored."""


def open_store(address: str) -> Store:
    """Opens a folder, with `~` expanded, or `s3://bucket/prefix` as a store. Raises `SettingsError`."""
    scheme, separator, place = address.partition("://")
    if not separator:
        return Folder(Path(address).expanduser())
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not bucket:
        raise SettingsError(f"AIKIT_TEMPLATE_STORE: {address!r}, expected a folder or s3://bucket/prefix")
    return Bucket(bucket, prefix)


class Folder:
    """A store that has each template as a file. The first template creates the folder.

    When two callers delete a template at the same time, one succeeds.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path

    def write(self, id: str, data: bytes) -> None:
        target = self._path(id)
        with _disk_errors(), replacing(target) as part:
            part.write_bytes(data)

    def read(self, id: str) -> bytes:
        path = self._path(id)
        with _disk_errors(id):
            return path.read_bytes()

    def check(self, id: str) -> None:
        path = self._path(id)
        with _disk_errors(id):
            path.stat()

    def delete(self, id: str) -> None:
        path = self._path(id)
        with _disk_errors(id):
            path.unlink()

    def ids(self) -> list[str]:
        with _disk_errors():
            try:
                names = [entry.name for entry in os.scandir(self._folder) if entry.is_file()]
            except FileNotFoundError:
                return []
        return _ids(names)

    def _path(self, id: str) -> Path:
        return self._folder / _name(id)


class Bucket:
    """A store that has each template as an S3 object under a prefix.

    It needs s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject. S3 is consistent: every read,
    check and list after a write or deletion sees it. When two callers delete a template at the same time,
    both may succeed. page_size: keys per list call, at most 1000.
    """

    def __init__(self, bucket: str, prefix: str = "", *, page_size: int = 1000) -> None:
        import boto3
        from botocore.config import Config

        folder = prefix.strip("/")
        self._bucket, self._prefix, self._page_size = bucket, f"{folder}/" if folder else "", page_size
        # three attempts take less time than a request may take
        limits = Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard"},
            max_pool_connections=2 * _THREADS,
        )
        self._s3 = boto3.client("s3", config=limits)

    def write(self, id: str, data: bytes) -> None:
        key = self._key(id)
        with _s3_errors():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="application/json")

    def read(self, id: str) -> bytes:
        key = self._key(id)
        with _s3_errors(id), closing(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
            data: bytes = body.read()
            return data

    def check(self, id: str) -> None:
        key = self._key(id)
        with _s3_errors(id):
            self._s3.head_object(Bucket=self._bucket, Key=key)

    def delete(self, id: str) -> None:
        self.check(id)  # S3 reports success for an object that does not exist
        with _s3_errors():
            self._s3.delete_object(Bucket=self._bucket, Key=self._key(id))

    def ids(self) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket,
            Prefix=self._prefix,
            Delimiter="/",
            PaginationConfig={"PageSize": self._page_size},
        )
        with _s3_errors():
            keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        return _ids(key.removeprefix(self._prefix) for key in keys)

    def _key(self, id: str) -> str:
        return self._prefix + _name(id)


class Templates(Generic[T]):
    """The templates of a store, with the results of `prepare` for the last used ones in memory.

    The content of an id never changes, so each use only checks in the store that the id still exists.
    Replicas that add at the same moment may exceed max_templates by one each. max_cached: prepared templates
    in memory. max_bytes: limit for a template's PNG.
    """

    def __init__(
        self,
        store: Store,
        prepare: Callable[[Template], T],
        *,
        max_cached: int = 32,
        max_templates: int = MAX_TEMPLATES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._store, self._max_templates, self._max_bytes = store, max_templates, max_bytes
        self._prepared = lru_cache(max_cached)(lambda id: prepare(self._read(id)))
        self._fields = lru_cache(2 * max_templates)(lambda id: self._read(id).fields)

    def add(self, id: str, template: Template) -> None:
        """Adds a template. An existing one stays the same, and a damaged one is repaired.

        Raises `PayloadTooLarge`, `UnprocessableInput` when the store is full, and the errors of the store.
        """
        if len(template.image) > self._max_bytes:
            raise PayloadTooLarge(f"img: {len(template.image)} bytes as PNG, at most {self._max_bytes}")
        ids = self._store.ids()
        if id not in ids and len(ids) >= self._max_templates:
            limit = self._max_templates
            raise UnprocessableInput(f"template: {len(ids)} are stored, at most {limit}; delete some first")
        self._store.write(id, msgspec.json.encode(template))

    def get(self, id: str) -> T:
        """Returns the prepared template.

        Raises `NotFound`, also for a damaged template, and the errors of the store and of `prepare`.
        """
        self._store.check(id)
        return self._prepared(id)

    def delete(self, ids: Sequence[str]) -> None:
        """Deletes all templates, or none when an id does not exist. Raises the errors of the store."""
        unique = list(dict.fromkeys(ids))
        for id in unique:
            self._store.check(id)
        for id in unique:
            self._store.delete(id)

    def fields(self) -> dict[str, tuple[Field, ...]]:
        """Returns the fields of every template, sorted by id, and () for one that cannot be read.

        Raises `Unavailable`.
        """
        ids = self._store.ids()
        with ThreadPoolExecutor(_THREADS) as readers:
            return dict(zip(ids, readers.map(self._fields_or_none, ids), strict=True))

    def _fields_or_none(self, id: str) -> tuple[Field, ...]:
        try:
            return self._fields(id)
        except ServingError:
            return ()

    def _read(self, id: str) -> Template:
        data = self._store.read(id)
        try:
            return msgspec.json.decode(data, type=Template)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            log.exception("template %s cannot be decoded", id)
            raise NotFound(f"template_id: template {id!r} is damaged; add it again") from error


def _name(id: str) -> str:
    """Returns the name of the template's file or object. Raises `InvalidRequest` for a malformed id."""
    if not _ID.fullmatch(id):
        raise InvalidRequest("template_id: expected 40 hexadecimal digits, in lower case")
    return f"{id}.json"


def _ids(names: Iterable[str]) -> list[str]:
    return sorted(found[1] for found in map(_OBJECT.fullmatch, names) if found)


def _missing(id: str) -> NotFound:
    return NotFound(f"template_id: no template {id!r}; it was never added, or was deleted")


def _unavailable() -> Unavailable:
    """Logs the error that is being handled, and returns one without internals for the caller."""
    log.exception("the template store failed")
    return Unavailable("the template store cannot be used at the moment; the log has the reason")


@contextmanager
def _disk_errors(id: str | None = None) -> Iterator[None]:
    """Converts errors of the disk. id: the template that is missing when a file does not exist."""
    try:
        yield
    except OSError as error:
        raise _missing(id) if id and isinstance(error, FileNotFoundError) else _unavailable() from error


@contextmanager
def _s3_errors(id: str | None = None) -> Iterator[None]:
    """Converts errors of S3. id: the template that is missing when an object does not exist."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        absent = error.response["Error"]["Code"] in ("NoSuchKey", "404")
        raise _missing(id) if id and absent else _unavailable() from error
    except BotoCoreError as error:
        raise _unavailable() from error
