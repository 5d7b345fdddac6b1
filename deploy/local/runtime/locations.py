"""The locations of asynchronous calls' inputs and outputs: S3, or folders on this machine."""

import functools
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar
from urllib.parse import unquote, urlsplit

from serving.files import replacing

P = ParamSpec("P")
T = TypeVar("T")


class LocationError(Exception):
    """A location that cannot be read or written; the message names it."""


class Locations:
    """The locations that asynchronous calls may use.

    inputs: the folder of the `file://` inputs. outputs: `s3://bucket/prefix`, or a folder.
    S3 is called with this process's own credentials, at `AWS_ENDPOINT_URL_S3` if that is set.
    """

    def __init__(self, inputs: Path, outputs: str | Path) -> None:
        self._inputs = inputs.expanduser().resolve()
        self._outputs = outputs if isinstance(outputs, str) else outputs.expanduser().resolve().as_uri()

    @classmethod
    def below(cls, folder: Path) -> Self:
        """Returns locations with the outputs in the folder, and the inputs in its subfolder."""
        return cls(folder / "inputs", folder)

    def output(self, *names: str) -> str:
        """Returns a location below the outputs."""
        return "/".join((self._outputs.rstrip("/"), *(name.strip("/") for name in names if name)))

    def file(self, location: str) -> Path | None:
        """Returns the path that a `file://` location names, or None for a location in S3.

        Raises `LocationError` when the location is not allowed.
        """
        try:
            url = urlsplit(location)
            path = Path(unquote(url.path)).resolve()
        except (ValueError, RuntimeError) as error:  # such as a NUL character, or a loop of links
            raise LocationError(f"{location}: {error}") from error
        if url.scheme == "s3":
            return None
        if url.netloc not in ("", "localhost") or not path.is_relative_to(self._inputs):
            raise LocationError(f"{location}: only files below {self._inputs.as_uri()} may be read")
        return path

    def read(self, location: str, most: int) -> bytes:
        """Returns the content of a location. Raises `LocationError`, also for more than `most` bytes."""
        if (path := self.file(location)) is not None:
            return _read_file(path, location, most)
        return self._read_object(location, most)

    def write(self, location: str, body: bytes, content_type: str) -> None:
        """Writes a location, so that readers never see an incomplete file. Raises `LocationError`."""
        url = urlsplit(location)
        if url.scheme == "s3":
            key = {"Bucket": url.netloc, "Key": location.split("/", 3)[3]}
            _from_s3(location, self._s3.put_object)(**key, Body=body, ContentType=content_type)
            return
        path = Path(unquote(url.path))
        try:
            with replacing(path) as part:
                part.write_bytes(body)
        except OSError as error:
            raise LocationError(f"{location}: {error.strerror}") from error

    def _read_object(self, location: str, most: int) -> bytes:
        bucket, _, key = location.removeprefix("s3://").partition("/")
        found = _from_s3(location, self._s3.get_object)(Bucket=bucket, Key=key)
        with closing(found["Body"]) as body:
            if (size := found["ContentLength"]) > most:
                raise _too_long(location, size, most)
            content: bytes = _from_s3(location, body.read)()
            return content

    @functools.cached_property
    def _s3(self) -> Any:
        import boto3

        return boto3.session.Session().client("s3")


def _read_file(path: Path, location: str, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(most + 1)
    except OSError as error:
        raise LocationError(f"{location}: {error.strerror}") from error
    if len(body) > most:
        raise _too_long(location, path.stat().st_size, most)
    return body


def _too_long(location: str, size: int, most: int) -> LocationError:
    return LocationError(f"{location}: {size} bytes, at most {most}")


def _from_s3(location: str, call: Callable[P, T]) -> Callable[P, T]:
    """Returns the function with its failures turned into `LocationError`."""

    def calling(*args: P.args, **kwargs: P.kwargs) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(*args, **kwargs)
        except (BotoCoreError, ClientError) as error:
            raise LocationError(f"{location}: {error}") from error

    return calling
