"""A package index of pip and a registry of npm, on the server of weight files."""

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from .origin import Answer, Server


def use(server: Server, patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Makes the server the only index of pip and npm, without caches or other configuration."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        patch.delenv(name, raising=False)
    patch.setenv("PIP_CONFIG_FILE", "/dev/null")
    patch.setenv("PIP_INDEX_URL", f"{server.address}/simple")
    patch.setenv("PIP_NO_CACHE_DIR", "1")
    patch.setenv("PIP_RETRIES", "0")
    patch.setenv("npm_config_registry", f"{server.address}/npm/")
    patch.setenv("npm_config_cache", str(folder / "npm"))
    patch.setenv("npm_config_userconfig", str(folder / ".npmrc"))
    patch.setenv("npm_config_fetch_retries", "0")


def add_wheel(server: Server, name: str, members: Mapping[str, bytes], tag: str = "py3-none-any") -> str:
    """Puts version 1.0 of a package on pip's index, and returns the path of its wheel."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        for path, data in members.items():
            wheel.writestr(path, data)
        wheel.writestr(
            f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{name}-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
    file = f"{name}-1.0-{tag}.whl"
    page = f'<!DOCTYPE html><a href="/wheels/{file}">{file}</a>'.encode()
    server.answers[f"/simple/{name}/"] = Answer(page, headers={"Content-Type": "text/html"})
    server.answers[f"/wheels/{file}"] = Answer(content.getvalue())
    return f"/wheels/{file}"


def add_tarball(server: Server, name: str, members: Mapping[str, bytes]) -> str:
    """Puts version 1.0.0 of a package into npm's registry, and returns the path of its tarball."""
    path = f"/tarballs/{name.rpartition('/')[2]}-1.0.0.tgz"
    manifest = {"name": name, "version": "1.0.0"}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tarball:
        for member, data in {"package/package.json": json.dumps(manifest).encode(), **members}.items():
            information = tarfile.TarInfo(member)
            information.size = len(data)
            tarball.addfile(information, io.BytesIO(data))
    version = manifest | {"dist": {"tarball": server.address + path}}
    index = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    for escaped in (name.replace("/", "%2f"), name.replace("/", "%2F")):
        server.answers[f"/npm/{escaped}"] = Answer(
            json.dumps(index).encode(), headers={"Content-Type": "application/json"}
        )
    server.answers[path] = Answer(content.getvalue())
    return path
