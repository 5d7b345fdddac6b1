"""Tests of the networks, which compare their results with those of other implementations."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from transformers import Owlv2ForObjectDetection, Owlv2ImageProcessor

from benchmarks.data.composites import photograph
from containers.object_recognition import yolox
from containers.object_recognition.detection import Detection, letterbox, suppress_overlaps
from containers.object_recognition.feature import OWLV2_NETWORK, OWLV2_VOCABULARY, YOLOX_S, ObjectRequest
from containers.object_recognition.labels import COCO_LABELS, LABELS
from containers.object_recognition.model import Model
from containers.object_recognition.networks.owlv2 import WordSide
from containers.object_recognition.open_vocabulary import GREY, OpenVocabulary, inside_image
from containers.object_recognition.recogniser import Query
from containers.object_recognition.vocabulary import Vocabulary, prompt
from containers.object_recognition.yolox import Yolox
from serving.arrays import Floats
from serving.feature import find
from serving.images.intake import ImageBytes
from serving.weights import Store, Weights
from tests.support.networks import tiny_owlv2, tiny_yolox

sides = st.integers(2, 5000)


def lie_inside(found: list[Detection], height: int, width: int) -> bool:
    corners = np.array([one.box for one in found]).reshape(-1, 2, 2)
    ordered = (corners[:, 0] <= corners[:, 1]).all()
    return bool(((corners >= 0) & (corners <= (width, height))).all() and ordered)


# One box for each thing


def test_overlapping_boxes_are_suppressed_within_a_class_only() -> None:
    boxes = np.array([(0, 0, 100, 100), (5, 5, 100, 100), (2, 2, 98, 98), (200, 0, 300, 100)], np.float32)
    scores = np.array([0.6, 0.8, 0.7, 0.9], np.float32)
    found = suppress_overlaps(boxes, scores, np.array([0, 0, 1, 0]), 0.5)
    assert [one.label for one in found] == [0, 0, 1]
    assert [one.score for one in found] == pytest.approx([0.9, 0.8, 0.7])
    assert suppress_overlaps(boxes[:0], scores[:0], np.array([], int), 0.5) == []


@given(sides, sides)
def test_an_image_of_any_shape_fills_one_side_of_its_square(height: int, width: int) -> None:
    image = np.zeros((max(2, height // 50), max(2, width // 50), 3), np.uint8)
    square = letterbox(image, 64, 200)
    filled = (square == 0).all(2)
    tall, wide = int(filled[:, 0].sum()), int(filled[0].sum())
    assert max(tall, wide) == 64
    assert filled[:tall, :wide].all()
    assert (square[tall:] == 200).all()
    assert (square[:, wide:] == 200).all()
    zoom = 64 / max(image.shape[:2])
    assert tall == pytest.approx(zoom * image.shape[0], abs=0.5)
    assert wide == pytest.approx(zoom * image.shape[1], abs=0.5)


# YOLOX


@pytest.fixture(scope="module")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The weights of a small random YOLOX."""
    folder = tmp_path_factory.mktemp("yolox")
    tiny_yolox.write(folder / YOLOX_S.name)
    store = Store(cache_dir=folder / "cache", model_dir=folder)
    return store.resolve(find("object_recognition"), "yolox", download=False)


def test_yolox_gives_the_same_as_onnxruntime(tiny_weights: Weights) -> None:
    images = [photograph("coffee"), photograph("chelsea")[:, :100]]
    detected = Yolox.load(tiny_weights, "cpu").detect(images, min_score=0.6)
    session = onnxruntime.InferenceSession(tiny_weights[YOLOX_S.name], providers=["CPUExecutionProvider"])
    for image, things in zip(images, detected, strict=True):
        (cells,) = session.run(None, {"images": yolox.network_input(image)})[0]
        expected = yolox.detections(cells, image.shape[:2], 0.6)
        assert len(expected) > 5
        assert [one.label for one in things] == [one.label for one in expected]
        for one, other in zip(things, expected, strict=True):
            assert one.box == pytest.approx(other.box, abs=0.5)


def test_the_profile_yolox_returns_names_that_coco_has(tiny_weights: Weights) -> None:
    model = Model.load(tiny_weights, "cpu")
    example = (find("object_recognition").folder / "example.jpg").read_bytes()
    item = model.preprocess(ObjectRequest(img=ImageBytes(example)))
    assert item.query.min_score == 0.3
    (things,) = model.predict([item])
    reply = model.postprocess(things, item)
    assert reply.label_model_version == "yolox-s-coco80/1"
    assert {label.name for label in reply.labels} <= set(COCO_LABELS)
    assert reply.labels[0].confidence > 30


def test_the_input_of_yolox_is_bgr_with_grey_below_the_image() -> None:
    (blue, _, red) = yolox.network_input(np.full((320, 640, 3), (255, 0, 0), np.uint8))[0]
    assert (blue[:320] == 0).all()
    assert (red[:320] == 255).all()
    assert (red[320:] == yolox.GREY).all()


@pytest.mark.parametrize(
    ("cell", "place"), [(0, (0, 0, 8)), (81, (1, 1, 8)), (6400 + 41, (1, 1, 16)), (8399, (19, 19, 32))]
)
def test_each_cell_of_yolox_has_its_place_in_the_image(cell: int, place: tuple[int, int, int]) -> None:
    cells = np.zeros((8400, 85), np.float32)
    cells[cell] = [0.5, 0.25, np.log(2), 0, 0.9, *np.eye(80, dtype=np.float32)[3]]
    (one,) = yolox.detections(cells, (1280, 1280), 0.5)
    column, row, stride = place
    x, y = 2 * (column + 0.5) * stride, 2 * (row + 0.25) * stride
    expected = np.clip((x - 2 * stride, y - stride, x + 2 * stride, y + stride), 0, 1280)
    assert one.label == 3
    assert one.score == pytest.approx(0.9)
    assert one.box == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 40), sides, sides)
def test_boxes_of_yolox_lie_inside_the_image(seed: int, spread: float, height: int, width: int) -> None:
    random = np.random.default_rng(seed)
    cells = random.uniform(size=(8400, 85)).astype(np.float32)
    cells[:, :4] = random.normal(scale=spread, size=(8400, 4))
    assert lie_inside(yolox.detections(cells, (height, width), 0.97), height, width)


# OWLv2


@pytest.fixture(scope="module")
def owlv2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a random OWLv2."""
    return tiny_owlv2.write(tmp_path_factory.mktemp("owlv2"))


@pytest.fixture
def owlv2_weights(owlv2_folder: Path, tmp_path: Path) -> Weights:
    """The weights of the random OWLv2, with an empty cache."""
    store = Store(cache_dir=tmp_path, model_dir=owlv2_folder)
    return store.resolve(find("object_recognition"), "standard", download=False)


def test_owlv2_gives_the_same_as_transformers(owlv2_folder: Path, owlv2_weights: Weights) -> None:
    names = ("cup", "car_(automobile)", "red spoon")
    network: Any = Owlv2ForObjectDetection.from_pretrained(owlv2_folder / "owlv2")
    rows = WordSide(owlv2_weights).tokens([prompt(name) for name in names])
    tokens = torch.tensor([row + [0] * (tiny_owlv2.TOKENS - len(row)) for row in rows])
    images = [photograph("coffee"), photograph("chelsea")[:, :200]]
    found = OpenVocabulary.load(owlv2_weights, "cpu").find(images, [Query(names, 0.0)] * 2)
    processor = Owlv2ImageProcessor()
    for image, things in zip(images, found, strict=True):
        pixels = torch.from_numpy(letterbox(image, 64, GREY).transpose(2, 0, 1))
        shown = processor(pixels, size={"height": 64, "width": 64}, return_tensors="pt").pixel_values
        with torch.inference_mode():
            outputs = network(tokens, shown)
        logits, labels = outputs.logits[0].max(1)
        scores, kinds = logits.sigmoid().numpy(), [names[label] for label in labels]
        boxes = inside_image(outputs.pred_boxes[0].numpy(), image.shape)
        assert things
        for thing in things:
            near = np.abs(boxes - thing.box).max(1) + 1000 * np.abs(scores - thing.score)
            assert near.min() < 1
            assert thing.name == kinds[int(near.argmin())]


def test_texts_are_tokenised_with_the_vocabulary_file(owlv2_folder: Path, owlv2_weights: Weights) -> None:
    pieces = json.loads((owlv2_folder / OWLV2_VOCABULARY.name).read_bytes())
    cup = [pieces[piece] for piece in ("<|startoftext|>", "c", "u", "p</w>", "<|endoftext|>")]
    assert WordSide(owlv2_weights).tokens(["cup", " CUP\n"]) == [cup, cup]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("cat", "a photo of a cat"),
        ("car_(automobile)", "a photo of a car automobile"),
        ("straw_(for_drinking)", "a photo of a straw for drinking"),
        ("a  red car", "a photo of a red car"),
    ],
)
def test_the_prompt_has_plain_words(name: str, sentence: str) -> None:
    assert prompt(name) == sentence


def test_the_300_names_are_embedded_once_and_other_words_on_request(owlv2_weights: Weights) -> None:
    vectors = Vocabulary(owlv2_weights).vectors(("cat", "red spoon"))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    (cached,) = owlv2_weights.derived_dir.glob("*/queries-*.safetensors")
    known = load_file(cached)["vectors"]
    np.testing.assert_array_equal(vectors[0], known[LABELS.index("cat")])
    save_file({"vectors": -known}, cached)
    again = Vocabulary(owlv2_weights).vectors(("red spoon", "cat"))
    np.testing.assert_array_equal(again[1], -vectors[0])
    np.testing.assert_allclose(again[0], vectors[1], atol=1e-6)


def test_a_file_that_lacks_a_tensor_is_refused(owlv2_folder: Path, tmp_path: Path) -> None:
    copytree(owlv2_folder / "owlv2", tmp_path / "owlv2")
    tensors = load_file(owlv2_folder / OWLV2_NETWORK.name)
    del tensors["class_head.logit_shift.weight"]
    save_file(tensors, tmp_path / OWLV2_NETWORK.name)
    store = Store(cache_dir=tmp_path / "cache", model_dir=tmp_path)
    with pytest.raises(RuntimeError, match=r"no class_head\.logit_shift\.weight"):
        WordSide(store.resolve(find("object_recognition"), "standard", download=False))


@given(
    arrays(np.float32, (6, 4), elements=st.floats(0, 1, width=32)),
    sides,
    sides,
)
def test_boxes_of_owlv2_lie_inside_the_image(boxes: Floats, height: int, width: int) -> None:
    corners = inside_image(boxes, (height, width, 3)).reshape(-1, 2, 2)
    assert ((corners >= 0) & (corners <= (width, height)) & (corners[:, :1] <= corners[:, 1:])).all()


def test_boxes_of_owlv2_are_clipped_to_the_image_inside_the_square() -> None:
    boxes = np.array([(0.5, 0.25, 1, 0.5), (0.5, 0.75, 1, 0.25)], np.float32)  # above and below the middle
    above, below = inside_image(boxes, (200, 400, 3)).tolist()
    assert above == [0, 0, 400, 200]
    assert below == [0, 200, 400, 200]
