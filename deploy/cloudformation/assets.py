"""The code of the functions, as zip files that are the same, byte for byte, wherever they are made."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import serving.http
from serving.feature import Feature
from serving.openapi import document

_FOLDER = Path(__file__).parents[1] / "functions"
_SHARED = [Path(str(module.__file__)) for module in (serving, serving.http)]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


class Asset(NamedTuple):
    """file: its name holds a hash of the content, as Lambda takes new code under a new name only."""

    file: str
    content: bytes
    handler: str


def proxy() -> Asset:
    """Returns the proxy before an endpoint."""
    return _zipped("lambda_proxy", _package("proxy"))


def explorer(features: Sequence[Feature]) -> Asset:
    """Returns the explorer, with the OpenAPI document and the pages of the features."""
    files = _package("explorer")
    files["lambda_explorer/openapi.json"] = json.dumps(document(features), ensure_ascii=False).encode()
    for feature in features:
        for file in (feature.folder / "tools").glob("*.*"):
            # where a container's pages call their own endpoint, those of the API call the feature's path
            content = file.read_bytes().replace(b"../invocations", f"../../{feature.name}".encode())
            files[f"lambda_explorer/tools/{feature.name}/{file.name}"] = content
    return _zipped("lambda_explorer", files)


def _package(name: str) -> dict[str, bytes]:
    """Returns the files of a function, in the package `lambda_<name>`, and the modules that it needs."""
    files = (file for file in (_FOLDER / name).iterdir() if file.suffix in (".py", ".html"))
    shared = {f"serving/{file.name}": file.read_bytes() for file in _SHARED}
    return {f"lambda_{name}/{file.name}": file.read_bytes() for file in files} | shared


def _zipped(name: str, files: Mapping[str, bytes]) -> Asset:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = _READABLE
            archive.writestr(entry, content)  # stored, as zlib's versions do not compress alike
    content = stream.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{name.replace('_', '-')}-{digest}.zip", content, f"{name}.main.handler")
