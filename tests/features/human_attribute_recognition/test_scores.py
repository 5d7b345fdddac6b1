"""Tests of the table of attributes, the crops, the percentages and the head, with a random SigLIP 2."""

import dataclasses
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from transformers import SiglipModel

from containers.human_attribute_recognition.attributes import ATTRIBUTES, Table, Value, values_with_prompts
from containers.human_attribute_recognition.feature import CONFIG, NETWORK, TOKENIZER
from containers.human_attribute_recognition.siglip.head import TRAINED, Head, load_head
from containers.human_attribute_recognition.siglip.network import ImageTower, text_embeddings
from containers.human_attribute_recognition.siglip.recogniser import crop, percentages
from containers.object_recognition.feature import NANODET
from serving.arrays import Floats, Pixels
from serving.feature import Feature, Hub, WeightFile, find
from serving.images.intake import Media
from serving.weights import Store, Weights
from tests.support.networks import tiny_siglip

FEATURE = find("human_attribute_recognition")
CHINESE = {
    "upper_wear": ["短袖", "长袖"],
    "upper_wear_texture": ["图案", "纯色", "条纹/格子"],
    "lower_wear": ["短裤/裙", "长裤/裙"],
    "glasses": ["有眼镜", "无眼镜"],
    "bag": ["有背包", "无背包"],
    "headwear": ["有帽", "无帽"],
    "orientation": ["左侧面", "背面", "正面", "右侧面"],
    "upper_cut": ["有截断", "无截断"],
    "lower_cut": ["无截断", "有截断"],
    "occlusion": ["无遮挡", "重度遮挡", "轻度遮挡"],
    "face_mask": ["无口罩", "戴口罩"],
    "gender": ["男性", "女性"],
    "age": ["幼儿", "青少年", "中年", "老年"],
    "smoke": ["吸烟", "未吸烟"],
    "cellphone": ["使用手机", "未使用手机"],
    "carrying_item": ["有手提物", "无手提物"],
}
ENGLISH = {
    "upper_wear": ["short_sleeve", "long_sleeve"],
    "upper_wear_texture": ["pattern", "solid", "stripe_check"],
    "lower_wear": ["shorts_or_short_skirt", "trousers_or_long_skirt"],
    "glasses": ["with", "without"],
    "bag": ["with", "without"],
    "headwear": ["with", "without"],
    "orientation": ["left", "back", "front", "right"],
    "upper_cut": ["truncated", "not_truncated"],
    "lower_cut": ["not_truncated", "truncated"],
    "occlusion": ["none", "heavy", "light"],
    "face_mask": ["without", "with"],
    "gender": ["male", "female"],
    "age": ["child", "teenager", "middle_aged", "elderly"],
    "smoke": ["smoking", "not_smoking"],
    "cellphone": ["using", "not_using"],
    "carrying_item": ["carrying", "not_carrying"],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a model folder with a random SigLIP 2."""
    return tiny_siglip.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def weights(tiny: Path, tmp_path: Path) -> Weights:
    """The weights of the random SigLIP 2 without the detector's, with an empty cache."""
    return resolved(tiny, tmp_path, without_detector())


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return Media().decode((FEATURE.folder / "example.jpg").read_bytes())


def without_detector(*more: WeightFile) -> Feature:
    """Returns the feature without the detector's file, and with more files."""
    files = [file for file in FEATURE.profiles["standard"].files if file not in NANODET]
    profile = dataclasses.replace(FEATURE.profiles["standard"], files=(*files, *more))
    return dataclasses.replace(FEATURE, profiles={"standard": profile})


def resolved(model_dir: Path, cache_dir: Path, feature: Feature) -> Weights:
    return Store(cache_dir=cache_dir, model_dir=model_dir).resolve(feature, "standard", download=False)


def test_the_table_has_the_attributes_and_labels_of_the_interface() -> None:
    assert {one.key: one.labels("zh") for one in ATTRIBUTES} == CHINESE
    assert {one.key: one.labels("en") for one in ATTRIBUTES} == ENGLISH


def test_each_attribute_is_decided_by_prompts_or_by_an_edge() -> None:
    prompts = [prompt for value in values_with_prompts(ATTRIBUTES) for prompt in value.prompts]
    assert len(prompts) == len(set(prompts))
    for one in ATTRIBUTES:
        edges = [value.touches for value in one.values if value.touches]
        assert [bool(value.prompts) for value in one.values] == [not edges] * len(one.values)
        assert len(edges) * 2 in (0, len(one.values))


LOGITS = arrays(np.float32, len(values_with_prompts(ATTRIBUTES)), elements=st.floats(-200, 200, width=32))
SIDES = st.integers(2, 60)


@given(LOGITS, st.tuples(*[st.floats(0, 100)] * 4))
def test_the_percentages_of_an_attribute_sum_to_100(logits: Floats, corners: tuple[float, ...]) -> None:
    x, y = sorted(corners[:2]), sorted(corners[2:])
    box = np.array((x[0], y[0], x[1], y[1] + 1e-3), np.float32)
    scores = percentages(ATTRIBUTES, logits, box, 101)
    assert [len(one) for one in scores] == [len(one.values) for one in ATTRIBUTES]
    for one in scores:
        assert sum(one) == pytest.approx(100, abs=0.05)
        assert all(0 <= share <= 100 for share in one)


@pytest.mark.parametrize(
    ("top", "bottom", "upper", "lower"),
    [(0, 100, [100, 0], [100, 0]), (50, 200, [0, 100], [0, 100]), (1.5, 101.5, [50, 50], [100, 0])],
    ids=["at the top", "at the bottom", "near the top"],
)
def test_a_person_is_truncated_where_the_box_reaches_an_edge(
    top: float, bottom: float, upper: list[float], lower: list[float]
) -> None:
    logits = np.zeros(len(values_with_prompts(ATTRIBUTES)), np.float32)
    scores = percentages(ATTRIBUTES, logits, np.array((0, top, 50, bottom), np.float32), 200)
    named = dict(zip(CHINESE, scores, strict=True))
    assert named["upper_cut"] == pytest.approx(upper)
    assert named["lower_cut"] == pytest.approx(lower)


@given(SIDES, SIDES, st.tuples(*[st.floats(0, 1)] * 4))
def test_the_crop_of_any_box_is_a_square(height: int, width: int, corners: tuple[float, ...]) -> None:
    x, y = sorted(corners[:2]), sorted(corners[2:])
    box = np.array((x[0] * width, y[0] * height, x[1] * width, y[1] * height), np.float32)
    square = crop(np.full((height, width, 3), 255, np.uint8), box, 32)
    assert square.shape == (32, 32, 3)
    assert (square == 255).all(axis=2).any()


def test_a_tall_person_stays_undistorted_between_grey_bars() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[50:250, 100:200] = 255
    square = crop(image, np.array((100, 50, 200, 250), np.float32), 110)
    white = np.argwhere((square > 250).all(axis=2))
    assert np.ptp(white, axis=0) == pytest.approx((100, 50), abs=2)
    assert (square[:, [0, -1]] == 127).all()


def test_percentages_follow_from_the_sigmoids_of_siglip_under_the_condition_that_one_value_is_true(
    weights: Weights, astronaut: Pixels
) -> None:
    """The probability of a value is its sigmoid times the complements of the others, normalised."""
    table = one_prompt_each()
    values = values_with_prompts(table)
    pixels = torch.from_numpy(crop(astronaut, np.array((0, 0, 512, 512), np.float32), 32).astype(np.float32))
    pixels = pixels.permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        whole = SiglipModel.from_pretrained(weights[NETWORK.name].parent)
        pairs = whole(input_ids=tokens(weights, values), pixel_values=pixels).logits_per_image[0].double()
        embeddings = ImageTower(weights[CONFIG.name], weights[NETWORK.name])(pixels).numpy()
    scores = percentages(table, load_head(weights, table)(embeddings)[0], np.array((0, 50, 9, 90)), 100)
    start = 0
    for one, shares in zip(table, scores, strict=True):
        if not one.values[0].prompts:
            continue
        own = pairs[start : start + len(shares)]
        start += len(shares)
        true, false = torch.sigmoid(own), torch.sigmoid(-own)
        only_one = true * false.prod() / false
        assert shares == pytest.approx((100 * only_one / only_one.sum()).tolist(), abs=0.02)


def one_prompt_each() -> Table:
    """Returns the table with only the first prompt of each value."""
    return tuple(
        msgspec.structs.replace(
            one,
            values=tuple(msgspec.structs.replace(value, prompts=value.prompts[:1]) for value in one.values),
        )
        for one in ATTRIBUTES
    )


def tokens(weights: Weights, values: list[Value]) -> torch.Tensor:
    """Returns for each value the tokens of its first prompt, an end token, and padding to 16 tokens."""
    words = Tokenizer.from_file(str(weights[TOKENIZER.name]))
    rows = [[*words.encode(value.prompts[0]).ids, 1] for value in values]
    return torch.tensor([row + [0] * (16 - len(row)) for row in rows])


def test_a_value_is_the_mean_direction_of_its_prompts(weights: Weights) -> None:
    values = values_with_prompts(ATTRIBUTES)
    made = load_head(weights, ATTRIBUTES)
    paths = {
        "config": weights[CONFIG.name],
        "network": weights[NETWORK.name],
        "tokenizer": weights[TOKENIZER.name],
    }
    first = text_embeddings(values[0].prompts, **paths).mean(axis=0)
    last = text_embeddings(values[-1].prompts, **paths).mean(axis=0)
    assert made.weight.shape == (len(values), 32)
    for row, mean in ((made.weight[0], first), (made.weight[-1], last)):
        assert row == pytest.approx(np.exp(4.7) * mean / np.linalg.norm(mean), rel=1e-4, abs=1e-4)


def test_prompts_are_embedded_once(weights: Weights) -> None:
    first = load_head(weights, ATTRIBUTES)
    (cached,) = weights.derived_dir.rglob("prompts-*")
    save_file({"weight": first.weight + 1, "bias": first.bias}, cached)
    assert (load_head(weights, ATTRIBUTES).weight == first.weight + 1).all()


def test_a_damaged_cache_is_rebuilt(weights: Weights) -> None:
    first = load_head(weights, ATTRIBUTES)
    (cached,) = weights.derived_dir.rglob("prompts-*")
    cached.write_bytes(b"damaged")
    assert (load_head(weights, ATTRIBUTES).weight == first.weight).all()
    assert load_file(cached).keys() == {"weight", "bias"}


def test_prompts_are_embedded_again_for_another_table_or_other_weights(
    weights: Weights, tmp_path: Path
) -> None:
    first = load_head(weights, ATTRIBUTES)
    assert not np.allclose(load_head(weights, one_prompt_each()).weight, first.weight)
    others = resolved(tiny_siglip.write(tmp_path / "other", seed=1), tmp_path, without_detector())
    assert not np.allclose(load_head(others, ATTRIBUTES).weight, first.weight)
    assert len(list(weights.derived_dir.rglob("prompts-*"))) == 3


def test_a_trained_head_replaces_the_prompts(tiny: Path, tmp_path: Path) -> None:
    count = len(values_with_prompts(ATTRIBUTES))
    trained = Head(np.eye(count, 32, dtype=np.float32), np.ones(count, np.float32))
    model_dir = shutil.copytree(tiny, tmp_path / "model")
    save_file(trained._asdict(), model_dir / TRAINED)
    file = WeightFile(
        name=TRAINED,
        sources=(Hub(repository="my/head", path="head.safetensors"),),
        license="MIT",
        origin="Me",
    )
    used = load_head(resolved(model_dir, tmp_path, without_detector(file)), ATTRIBUTES)
    assert (used.weight == trained.weight).all()
    assert used(3 * np.eye(32, dtype=np.float32)[:1])[0, :2].tolist() == [2, 1]


def test_a_cache_that_cannot_be_written_does_not_matter(tiny: Path, tmp_path: Path) -> None:
    """A file takes the place of the folder, because root ignores the mode of a folder."""
    weights = resolved(tiny, tmp_path, without_detector())
    weights.derived_dir.write_bytes(b"")
    assert load_head(weights, ATTRIBUTES).weight.any()
