"""The code of the functions as zip files, which are the same byte for byte on every machine."""

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
from serving.pages import tool_files

_FOLDER = Path(__file__).parents[1] / "functions"
_SHARED = [Path(str(module.__file__)) for module in (serving, serving.http)]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


class Asset(NamedTuple):
    """The zip file of a function.

    file: its name, with a hash of the content, because CloudFormation updates the code only under a new name.
    """

    file: str
    content: bytes
    handler: str


def proxy() -> Asset:
    """Returns the proxy between API Gateway and an endpoint."""
    return _zipped("lambda_proxy", _package("proxy"))


def explorer(features: Sequence[Feature]) -> Asset:
    """Returns the explorer, which contains the OpenAPI document and the pages of the features."""
    files = _package("explorer")
    files["lambda_explorer/openapi.json"] = json.dumps(document(features), ensure_ascii=False).encode()
    for feature in features:
        for file in tool_files(feature):
            # in a container a page calls /invocations; behind API Gateway it calls the feature's path
            content = file.read_bytes().replace(b"../invocations", f"../../{feature.name}".encode())
            files[f"lambda_explorer/tools/{feature.name}/{file.name}"] = content
    return _zipped("lambda_explorer", files)


def _package(name: str) -> dict[str, bytes]:
    """Returns the files of a function in the package `lambda_<name>`, and the shared modules it needs."""
    files = (file for file in (_FOLDER / name).iterdir() if file.suffix in (".py", ".html"))
    shared = {f"serving/{file.name}": file.read_bytes() for file in _SHARED}
    return {f"lambda_{name}/{file.name}": file.read_bytes() for file in files} | shared


def _zipped(name: str, files: Mapping[str, bytes]) -> Asset:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, content in sorted(files.items()):
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = _READABLE
            # stored without compression, because the output of zlib differs between its versions
            archive.writestr(entry, content)
    content = stream.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(f"{name.replace('_', '-')}-{digest}.zip", content, f"{name}.main.handler")
