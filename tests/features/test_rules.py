"""Tests of the rules for every feature. They also cover a new folder under containers/."""

import json
import subprocess
import sys
from base64 import b64decode
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from serving.arrays import Pixels
from serving.codec import Codec
from serving.errors import InvalidRequest
from serving.feature import Bundled, Feature, PackageFile, discover, find
from serving.images.intake import ImageRequest, dec_hook
from tests.support.ask import Ask
from tests.support.paths import ROOT


def test_the_example_is_answered_as_declared(feature: Feature, ask: Ask) -> None:
    if not feature.profiles[feature.default_profile].verified:
        pytest.skip(f"{feature.name}: the example only illustrates, because the weights have not been run")
    (reply,) = ask(feature, msgspec.json.encode(feature.example["request"]))
    assert reply.status == 200, reply.body
    assert _comparable(msgspec.json.decode(reply.body)) == _comparable(feature.example["response"])


def test_the_example_fits_its_own_types(feature: Feature) -> None:
    for example in (feature.example, *feature.example.get("others", {}).values()):
        msgspec.convert(example["request"], feature.request, dec_hook=dec_hook)
        msgspec.convert(example["response"], feature.response)


def test_a_request_may_be_wrapped_in_a_field_named_body(feature: Feature) -> None:
    codec, plain = Codec(feature), msgspec.json.encode(feature.example["request"])
    for wrapped in (b'{"body": ' + plain + b"}", msgspec.json.encode({"body": plain.decode()})):
        assert codec.decode(wrapped, "application/json") == codec.decode(plain, "application/json")
    with pytest.raises(InvalidRequest, match="nonsense"):
        codec.decode(b'{"body": {"nonsense": 1}}', "application/json")


def test_a_batch_answers_as_singles(feature: Feature, ask: Ask) -> None:
    body = msgspec.json.encode(feature.example["request"])
    (alone,) = ask(feature, body)
    count = min(3, feature.batching.max_size)
    together = ask(feature, *[body] * count)
    assert [reply.stages and reply.stages.batch_size for reply in together] == [count] * count
    for reply in together:
        assert _comparable(msgspec.json.decode(reply.body)) == _comparable(msgspec.json.decode(alone.body))


def test_an_unknown_field_is_refused(feature: Feature, ask: Ask) -> None:
    (reply,) = ask(feature, b'{"nonsense": 1}')
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (400, "invalid_request")


def test_an_image_feature_without_an_image_names_both_fields(feature: Feature, ask: Ask) -> None:
    if not issubclass(feature.request, ImageRequest):
        pytest.skip(f"{feature.name} takes no single image")
    (reply,) = ask(feature, b"{}")
    assert (reply.status, msgspec.json.decode(reply.body)["detail"]) == (
        400,
        "url, img: one of the two is required",
    )


def test_the_declaration_imports_without_torch_and_boto3(feature: Feature) -> None:
    heavy = "{'torch', 'transformers', 'openvino', 'boto3', 'cv2'} & set(sys.modules)"
    code = f"import sys, {feature.module}, serving.container.front; sys.exit(bool({heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_file_of_a_feature_is_packaged(feature: Feature) -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    packaged = ["*.py", *settings["options.package_data"]["*"].split(", ")]
    files = [file for file in feature.folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert [file.name for file in files if not any(map(file.match, packaged))] == []


def test_every_name_finds_its_feature(feature: Feature) -> None:
    assert {find(name).name for name in feature.names} == {feature.name}
    assert f"{feature.name.replace('_', '-')}-ml" in feature.names


def test_no_two_features_share_a_name() -> None:
    names = [name for feature in discover().values() for name in feature.names]
    assert len(names) == len(set(names))


def test_an_unknown_name_is_refused_with_a_list_of_the_features() -> None:
    with pytest.raises(InvalidRequest, match=r"no 'nope'; there is .*custom_ocr.*general_ocr"):
        find("nope")


def _comparable(value: object) -> object:
    """Prepares a reply for comparison to two decimals and one pixel, because processors round differently."""
    match value:
        case dict():
            return {key: _comparable(item) for key, item in value.items()}
        case list():
            return [_comparable(item) for item in value]
        case bool():
            return value
        case int() | float():
            return pytest.approx(value, abs=1.5 if abs(value) > 1 else 0.02)
        case str() if value.startswith(("iVBORw0KGgo", "UklGR")):  # a PNG or WebP in base64
            data = np.frombuffer(b64decode(value), np.uint8)
            return _Image(np.asarray(cv2.imdecode(data, cv2.IMREAD_UNCHANGED)))
    return value


@dataclass(frozen=True, eq=False)
class _Image:  # noqa: PLW1641  (compared, never hashed)
    """An image. Two are equal when they have one size and 99 % of their values differ by at most 3 levels."""

    pixels: Pixels

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Image) or self.pixels.shape != other.pixels.shape:
            return False
        return bool(np.mean(cv2.absdiff(self.pixels, other.pixels) > 3) <= 0.01)


def test_the_default_profile_needs_no_host_but_package_indexes(feature: Feature) -> None:
    for file in feature.profiles[feature.default_profile].files:
        assert any(isinstance(source, Bundled | PackageFile) for source in file.sources), file.name


_BLOCKED = """
import asyncio, json, sys

import msgspec

class Blocked:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("torch", "torchvision", "transformers"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
from serving.feature import find
from serving.service import Service
from serving.settings import Settings

async def main():
    feature = find(sys.argv[1])
    async with Service.load(feature, Settings.read(stores=json.loads(sys.argv[2]))) as service:
        reply = await service.invoke(msgspec.json.encode(feature.example["request"]), "application/json")
    print(reply.status)

asyncio.run(main())
"""


def test_a_start_from_compiled_networks_needs_no_torch(feature: Feature, ask: Ask, tmp_path: Path) -> None:
    ask(feature, msgspec.json.encode(feature.example["request"]))  # compiles the networks
    stores = {feature.store.name: str(tmp_path)} if feature.store else {}
    command = [sys.executable, "-c", _BLOCKED, feature.name, json.dumps(stores)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, "200"), done.stderr
