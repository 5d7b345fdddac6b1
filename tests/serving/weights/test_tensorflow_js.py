"""The reader of TensorFlow.js weight files, tested on files that the tests write."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.weights.tensorflow_js import tensors


def written(folder: Path, listed: list[dict[str, Any]], numbers: bytes) -> tuple[Path, Path]:
    manifest, content = folder / "weights.json", folder / "weights.bin"
    manifest.write_text(json.dumps([{"paths": ["weights.bin"], "weights": listed}]))
    content.write_bytes(numbers)
    return manifest, content


BYTES: dict[str, Any] = {"name": "a/b", "shape": [2, 2], "dtype": "float32"} | {
    "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}
}
FLOATS: dict[str, Any] = {"name": "a/bias", "shape": [2], "dtype": "float32"}


def test_bytes_are_scaled_and_floats_are_unchanged(tmp_path: Path) -> None:
    numbers = bytes([0, 1, 2, 255]) + np.array((1.5, -2.25), "<f4").tobytes()
    found = tensors(*written(tmp_path, [BYTES, FLOATS], numbers))
    assert found["a/b"].tolist() == [[-1.0, -0.5], [0.0, 126.5]]
    assert found["a/bias"].tolist() == [1.5, -2.25]
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("numbers", "fault"), [(bytes(11), "11 bytes, but a/bias ends at 12"), (bytes(13), "end at 12")]
)
def test_a_file_of_another_length_is_refused(tmp_path: Path, numbers: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        tensors(*written(tmp_path, [BYTES, FLOATS], numbers))


def test_other_types_of_numbers_are_read(tmp_path: Path) -> None:
    words = BYTES | {"name": "words", "quantization": {"dtype": "uint16", "scale": 0.5, "min": -1.0}}
    halves = FLOATS | {"name": "halves", "quantization": {"dtype": "float16"}}
    integers = FLOATS | {"name": "integers", "dtype": "int32"}
    numbers = (((0, 1, 2, 65535), "<u2"), ((1.5, -2.25), "<f2"), ((-1, 70000), "<i4"))
    content = b"".join(np.array(values, kind).tobytes() for values, kind in numbers)
    found = tensors(*written(tmp_path, [words, halves, integers], content))
    assert found["words"].tolist() == [[-1.0, -0.5], [0.0, 32766.5]]
    assert found["halves"].tolist() == [1.5, -2.25]
    assert found["integers"].tolist() == [-1, 70000]
    assert [str(found[name].dtype) for name in ("words", "halves", "integers")] == ["float32"] * 2 + ["int32"]


def test_another_quantisation_is_refused(tmp_path: Path) -> None:
    wrong = BYTES | {"quantization": {"dtype": "uint32", "scale": 1, "min": 0}}
    with pytest.raises(ValueError, match=r"weights\.json: Invalid enum value .uint32."):
        tensors(*written(tmp_path, [wrong], bytes(8)))


def test_the_list_of_tensors_is_read_from_a_layers_model(tmp_path: Path) -> None:
    manifest, numbers = written(tmp_path, [FLOATS], bytes(8))
    bare = tensors(manifest, numbers)
    manifest.write_text(f'{{"modelTopology": {{}}, "weightsManifest": {manifest.read_text()}}}')
    assert tensors(manifest, numbers).keys() == bare.keys()
    manifest.write_text('{"modelTopology": {}}')
    with pytest.raises(ValueError, match=r"weights\.json.*weightsManifest"):
        tensors(manifest, numbers)
