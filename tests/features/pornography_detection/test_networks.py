"""Tests of nsfwjs' networks: they compute what TensorFlow.js computes, from the files of its package."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from containers.pornography_detection.classifier import Classifier
from containers.pornography_detection.feature import (
    INCEPTION_LIST,
    INCEPTION_NUMBERS,
    MOBILENET_LIST,
    MOBILENET_NUMBERS,
    packaged,
)
from containers.pornography_detection.importer import imported
from containers.pornography_detection.networks.inception_v3 import inception_v3
from containers.pornography_detection.networks.mobilenet_v2 import mobilenet_v2
from serving.arrays import Floats
from serving.feature import find
from serving.settings import Settings
from serving.weights import Weights
from serving.weights.lock import DownloadError
from serving.weights.packages import Packages
from tests.support.ask import weights_of

FEATURE = find("pornography_detection")


class Network(NamedTuple):
    """A network of nsfwjs. pattern, skin: its probabilities for the two images of `images`.

    They come from @tensorflow/tfjs 4 under node, on its backend cpu: `model.min.js` and the decoded shards of
    nsfwjs 4.4.0, given to `tf.loadLayersModel`, and `model.predict(images)`.
    """

    profile: str
    side: int
    make: Callable[..., torch.nn.Module]
    pattern: tuple[float, ...]
    skin: tuple[float, ...]


MOBILENET = Network(
    "lite",
    224,
    mobilenet_v2,
    (0.724938, 0.0220356, 0.243757, 0.00661853, 0.0026506),
    (0.852586, 0.0251062, 0.113429, 0.00739879, 0.00148063),
)
INCEPTION = Network(
    "large",
    299,
    inception_v3,
    (0.36733, 0.0337112, 0.579325, 0.0134358, 0.00619772),
    (0.595607, 0.0359733, 0.354689, 0.0105776, 0.00315281),
)
FILES = {
    "lite": (MOBILENET_LIST, MOBILENET_NUMBERS),
    "large": (INCEPTION_LIST, *INCEPTION_NUMBERS),
}


def files(profile: str) -> list[Path]:
    """Returns the list of the network's tensors, and the files of its numbers."""
    weights = weights_of(FEATURE, msgspec.structs.replace(Settings.read(), profile=profile))
    return [weights[file.name] for file in FILES[profile]]


def images(side: int) -> Floats:
    """Returns a pattern and one skin colour, (2, 3, side, side) in 0..1."""
    row, column, channel = np.mgrid[:side, :side, :3]
    pattern = (7 * row + 13 * column + 29 * channel) % 64 * 4
    skin = np.broadcast_to((224, 172, 140), (side, side, 3))
    return np.asarray(np.stack((pattern, skin)).transpose(0, 3, 1, 2) / 255, np.float32)


@pytest.mark.parametrize("network", [MOBILENET, INCEPTION], ids=["mobilenet", "inception"])
def test_the_network_equals_tensorflow_js(network: Network) -> None:
    found = network.make(imported(*files(network.profile)))(torch.from_numpy(images(network.side)))
    np.testing.assert_allclose(found, (network.pattern, network.skin), atol=2e-5)


@pytest.mark.parametrize(
    ("profile", "script"), [("lite", "mobilenet_v2/model"), ("large", "inception_v3/model")]
)
def test_the_list_of_tensors_is_that_of_the_package(profile: str, script: str) -> None:
    """The package has the list as a literal of JavaScript."""
    with Packages() as packages:
        try:
            source = packages.read(replace(packaged(script), unwrap=None)).decode()
        except DownloadError as error:
            pytest.skip(str(error))
    literal = source.partition("weightsManifest:")[2].rpartition("}},{}]")[0]
    literal = re.sub(r"(?<=[{,])(\w+):", r'"\1":', literal)  # names without quotation marks
    literal = re.sub(r"(?<![\w.])\.(?=\d)", "0.", literal)  # numbers without a zero
    (group,) = msgspec.json.decode(literal)
    listed = msgspec.json.decode(files(profile)[0].read_bytes())
    assert listed == [{"weights": group["weights"]}]


def test_imported_tensors_are_cached_as_safetensors(tmp_path: Path) -> None:
    own: Weights = replace(weights_of(FEATURE), derived_dir=tmp_path)
    square = np.full((224, 224, 3), (224, 172, 140), np.uint8)
    for _ in range(2):
        (found,) = Classifier.load(own, "cpu-eager").classify([square])
        np.testing.assert_allclose(found, MOBILENET.skin, atol=1e-5)
    (file,) = tmp_path.rglob("*.safetensors")
    save_file({name: np.zeros_like(array) for name, array in load_file(file).items()}, file)
    (found,) = Classifier.load(own, "cpu-eager").classify([square])
    np.testing.assert_allclose(found, 1 / 5, atol=1e-6)  # zeros give equal classes: the copy was read


def test_a_file_that_is_too_short_is_refused_with_its_name(tmp_path: Path) -> None:
    listed, numbers = files("lite")
    short = tmp_path / "short.bin"
    short.write_bytes(numbers.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"short\.bin: 2619460 bytes, but .* ends at 2619461"):
        imported(listed, short)


@pytest.mark.parametrize(
    ("network", "old", "new", "fault"),
    [
        (
            MOBILENET,
            "block_3_expand_BN/gamma",
            "block_3_expand_BN/delta",
            "no tensor block_3_expand_BN/gamma",
        ),
        (MOBILENET, "dense_2/kernel", "dense_9/kernel", "no tensor dense_9/bias"),
        (MOBILENET, "dense_2/", "dense_9/", r"dense_2\.weight"),
        (MOBILENET, "Conv1/kernel", "Conv1/core", "Conv1/core does not belong to a layer with a kernel"),
        (
            INCEPTION,
            "batch_normalization_7/beta",
            "batch_normalization_7/b",
            "no tensor batch_normalization_7/beta",
        ),
        (INCEPTION, "conv2d_94/", "conv2d_95/", "no tensor batch_normalization_95/beta"),
        (INCEPTION, "dense_2/", "dense_9/", r"dense_2\.weight"),
    ],
)
def test_a_file_of_another_network_is_refused_with_a_tensor_named(
    network: Network, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    listed, *numbers = files(network.profile)
    other = tmp_path / "other.json"
    other.write_text(listed.read_text().replace(f'"{old}', f'"{new}'))
    with pytest.raises((ValueError, RuntimeError), match=fault):
        network.make(imported(other, *numbers))
