"""The reader of ncnn's plain format, tested on files that the tests write, and compared with ncnn itself."""

from pathlib import Path

import ncnn
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.arrays import Floats
from serving.weights.ncnn import HALF, MAGIC, SINGLE, read

LAYERS = f"""{MAGIC}
3 3
Input            data     0 1 data
Convolution      first    1 1 data middle 0=3 1=3 4=1 5=1 6=81
Convolution      second   1 1 middle output 0=5 1=3 11=1 4=1 14=0 6=45
"""


def tensors() -> dict[str, Floats]:
    random = np.random.default_rng(0)
    shapes = {"first.weight": (3, 3, 3, 3), "first.bias": (3,), "second.weight": (5, 3, 1, 3)}
    return {
        name: random.normal(size=shape).astype(np.float16).astype(np.float32)
        for name, shape in shapes.items()
    }


def packed(content: dict[str, Floats], tag: int) -> bytes:
    """Returns the file of parameters with weights in float16 or float32."""
    data = b""
    for name, array in content.items():
        if name.endswith("bias"):
            data += array.tobytes()
            continue
        weight = array.astype("<f2" if tag == HALF else "<f4").tobytes()
        data += np.uint32(tag).tobytes() + weight + bytes(-len(weight) % 4)
    return data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("ncnn")
    return folder / "network.param", folder / "network.bin"


@pytest.mark.parametrize("tag", [HALF, SINGLE])
def test_written_tensors_are_read_back_in_order(files: tuple[Path, Path], tag: int) -> None:
    layers, parameters = files
    layers.write_text(LAYERS)
    parameters.write_bytes(packed(tensors(), tag))
    found = read(layers, parameters)
    assert list(found) == list(tensors())
    for name, array in tensors().items():
        np.testing.assert_array_equal(found[name], array)


def test_ncnn_reads_the_same_numbers(files: tuple[Path, Path]) -> None:
    layers, parameters = files
    layers.write_text(LAYERS)
    parameters.write_bytes(packed(tensors(), HALF))
    network = ncnn.Net()
    network.opt.use_fp16_storage = network.opt.use_fp16_packed = network.opt.use_fp16_arithmetic = False
    network.load_param(str(layers))
    network.load_model(str(parameters))
    image = np.random.default_rng(1).normal(size=(3, 6, 7)).astype(np.float32)
    extractor = network.create_extractor()
    extractor.input("data", ncnn.Mat(image).clone())
    expected = np.array(extractor.extract("output")[1])
    first, bias, second = (torch.from_numpy(each.copy()) for each in read(layers, parameters).values())
    middle = torch.conv2d(torch.from_numpy(image)[None], first, bias, padding=1)
    found = torch.conv2d(middle, second, padding=(0, 1))[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


@settings(max_examples=30)
@given(st.integers(0, len(packed(tensors(), HALF)) - 1))
def test_the_error_names_a_file_that_is_cut_anywhere(files: tuple[Path, Path], length: int) -> None:
    layers, parameters = files
    layers.write_text(LAYERS)
    parameters.write_bytes(packed(tensors(), HALF)[:length])
    with pytest.raises(ValueError, match=r"network\.bin: byte \d+: \d+ bytes wanted, \d+ left"):
        read(layers, parameters)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (LAYERS, "", r"param: line 1 must be 7767517"),
        (LAYERS, MAGIC, r"param: line 2: none layers, but 0 follow"),
        ("3 3\n", "4 3\n", r"param: line 2: 4 layers, but 3 follow"),
        ("Convolution      second", "PReLU second", r"param: line 5: a layer of type PReLU"),
        ("6=81", "", r"param: line 4: .*6"),
        ("6=81", "6=many", r"param: line 4: .*many"),
        ("1 1 data", "", r"param: line 4: "),
        ("0=3 1=3 4=1 5=1 6=81", "0=3 1=3 5=1 6=80", r"param: first: 80 numbers do not fit"),
        ("6=45", "6=15", r"bin: byte \d+: the layers end here"),
    ],
)
def test_the_error_names_file_line_and_fault(
    files: tuple[Path, Path], old: str, new: str, fault: str
) -> None:
    layers, parameters = files
    layers.write_text(LAYERS.replace(old, new))
    parameters.write_bytes(packed(tensors(), HALF))
    with pytest.raises(ValueError, match=fault):
        read(layers, parameters)


def test_an_unknown_tag_is_refused(files: tuple[Path, Path]) -> None:
    layers, parameters = files
    layers.write_text(LAYERS)
    parameters.write_bytes(packed(tensors(), 0x000D4B38))
    with pytest.raises(ValueError, match=r"bin: byte 0: first has tag 0xd4b38, must be 0x1306b47 or 0x0"):
        read(layers, parameters)
