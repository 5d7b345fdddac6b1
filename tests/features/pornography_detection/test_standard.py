"""Tests of pornography detection without trained weights: the sums, and the profile standard."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import save_file

from containers.pornography_detection.classifier import FREEPIK, MOBILENET, Classifier, Kind
from containers.pornography_detection.feature import EVA02
from containers.pornography_detection.model import Item, Model
from containers.pornography_detection.networks import eva02 as eva
from serving.arrays import Doubles
from serving.executor import compile
from serving.feature import find
from serving.weights import Store, WeightsError

SIZES: dict[str, Any] = {"img_size": 56, "embed_dim": 32, "depth": 2, "num_heads": 2}
TINY = FREEPIK._replace(side=56)
FEATURE = find("pornography_detection")


@pytest.mark.parametrize("kind", [MOBILENET, FREEPIK])
@given(raw=arrays(np.float64, 5, elements=st.floats(0, 1)))
def test_the_three_scores_sum_to_1(kind: Kind, raw: Doubles) -> None:
    own = raw[: len(kind.classes)] + 1e-9
    own /= own.sum()
    scores = [kind.total(category, own) for category in ("normal", "sexy", "porn")]
    assert all(0 <= score <= 1 for score in scores)
    assert sum(scores) == pytest.approx(1)


def test_every_class_counts_as_one_category() -> None:
    assert [MOBILENET.classes[name] for name in ("drawing", "neutral")] == ["normal"] * 2
    assert [MOBILENET.classes[name] for name in ("porn", "hentai")] == ["porn"] * 2
    assert MOBILENET.classes["sexy"] == "sexy"
    assert FREEPIK.classes == {"neutral": "normal", "low": "sexy", "medium": "sexy", "high": "porn"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of a random EVA-02, in bfloat16 and with timm's names like the declared file."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model("eva02_base_patch14_448", num_classes=eva.LEVELS, **SIZES)
    save_file(
        {name: tensor.bfloat16() for name, tensor in network.state_dict().items()}, tmp_path / EVA02.name
    )
    return tmp_path / EVA02.name


@pytest.mark.parametrize("device", ["cpu", "cpu-eager"])
def test_the_standard_profile_runs(file: Path, device: str) -> None:
    network = compile(partial(eva.levels, file, **SIZES), np.zeros((1, 3, 56, 56), np.float32), device=device)
    model = Model(Classifier(network, TINY))
    random = np.random.default_rng(0)
    items = [Item(random.integers(0, 255, (56, 56, 3), np.uint8), detail=True) for _ in range(3)]
    together = [model.postprocess(*pair) for pair in zip(model.predict(items), items, strict=True)]
    assert len({reply.porn for reply in together}) == 3
    for reply, item in zip(together, items, strict=True):
        alone = model.postprocess(model.predict([item])[0], item)
        assert reply.model_version == "freepik-eva02-base-448/1"
        assert isinstance(reply.classes, dict)
        assert list(reply.classes) == ["neutral", "low", "medium", "high"]
        assert reply.classes == pytest.approx(alone.classes, abs=1e-5)
        assert reply.sexy == pytest.approx(reply.classes["low"] + reply.classes["medium"])


def test_the_network_subtracts_the_mean_of_clip(file: Path) -> None:
    """An image of that mean becomes zeros for the network inside."""
    network = eva.levels(file, **SIZES)
    mean = torch.tensor((0.48145466, 0.4578275, 0.40821073)).view(1, 3, 1, 1).expand(1, 3, 56, 56)
    inside = network.network(torch.zeros(1, 3, 56, 56)).softmax(1)
    torch.testing.assert_close(network(mean), inside)


def test_a_file_of_another_network_is_refused_with_a_tensor_named(file: Path) -> None:
    with pytest.raises(RuntimeError, match=r"blocks\.2\.norm1\.weight"):
        eva.levels(file, **SIZES | {"depth": 3})


def test_the_declared_file_is_as_large_as_the_network() -> None:
    """The file has two bytes for each number, and a header with the names of 236 tensors."""
    with torch.device("meta"):
        network = timm.create_model("eva02_base_patch14_448", num_classes=eva.LEVELS)
    numbers = sum(tensor.numel() for tensor in network.state_dict().values())
    assert EVA02.size
    assert 0 < EVA02.size - 2 * numbers < 25_000


@pytest.mark.parametrize(
    ("profile", "parts"),
    [
        (
            "standard",
            ["no freepik_eva02_base.safetensors", "licence MIT", "aikit pull", "--profile standard"],
        ),
        ("lite", ["no nsfw_mobilenet_v2.bin", "licence MIT", "`aikit pull pornography_detection`"]),
    ],
)
def test_missing_weights_are_reported_in_one_line(profile: str, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as refused:
        Store(cache_dir=tmp_path).resolve(FEATURE, profile, download=False)
    (line,) = str(refused.value).splitlines()
    assert all(part in line for part in (FEATURE.name, *parts))
