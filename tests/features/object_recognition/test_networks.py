"""Tests of the networks, which compare their results with those of other implementations."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from transformers import (
    DFineForObjectDetection,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    RTDetrImageProcessor,
)

from benchmarks.data.composites import photograph
from containers.object_recognition import dfine
from containers.object_recognition.detection import Detection, letterbox, suppress_overlaps
from containers.object_recognition.dfine import DFine
from containers.object_recognition.feature import (
    DFINE_NETWORK,
    OWLV2_NETWORK,
    OWLV2_VOCABULARY,
    ObjectRequest,
)
from containers.object_recognition.labels import COCO_LABELS, LABELS
from containers.object_recognition.model import Model
from containers.object_recognition.networks.dfine import Detector
from containers.object_recognition.networks.owlv2 import WordSide
from containers.object_recognition.open_vocabulary import GREY, OpenVocabulary, inside_image
from containers.object_recognition.recogniser import Query
from containers.object_recognition.vocabulary import Vocabulary, prompt
from serving.arrays import Floats
from serving.feature import find
from serving.images.intake import ImageBytes
from serving.weights import Store, Weights
from tests.support.networks import tiny_dfine, tiny_owlv2

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
    single = suppress_overlaps(boxes, scores, np.array([0, 0, 1, 0]), 0.5, across_labels=True)
    assert [one.score for one in single] == pytest.approx([0.9, 0.8])
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


# D-FINE


@pytest.fixture(scope="module")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The weights of a small random D-FINE."""
    folder = tiny_dfine.write(tmp_path_factory.mktemp("dfine"))
    store = Store(cache_dir=folder / "cache", model_dir=folder)
    return store.resolve(find("object_recognition"), "dfine", download=False)


def test_dfine_gives_the_same_as_transformers(tiny_weights: Weights) -> None:
    images = [photograph("coffee"), photograph("chelsea")[:, :100]]
    detected = DFine.load(tiny_weights, "cpu").detect(images, min_score=0.0)
    published: Any = DFineForObjectDetection.from_pretrained(tiny_weights[DFINE_NETWORK.name].parent)
    processor = RTDetrImageProcessor()
    for image, things in zip(images, detected, strict=True):
        square = cv2.resize(image, (640, 640), interpolation=cv2.INTER_AREA)
        with torch.inference_mode():
            outputs = published(**processor(square, return_tensors="pt"))
        (scores, labels), (height, width) = outputs.logits[0].sigmoid().max(1), image.shape[:2]
        centre, half = outputs.pred_boxes[0, :, :2], outputs.pred_boxes[0, :, 2:] / 2
        corners = torch.cat((centre - half, centre + half), 1).clip(0, 1)
        boxes = corners.numpy() * (width, height, width, height)
        assert len(things) > 5
        for thing in things:
            near = np.abs(boxes - thing.box).max(1) + 1000 * np.abs(scores.numpy() - thing.score)
            assert near.min() < 0.5
            assert thing.label == labels[int(near.argmin())]


def test_the_profile_dfine_returns_names_that_coco_has(tiny_weights: Weights) -> None:
    model = Model.load(tiny_weights, "cpu")
    example = (find("object_recognition").folder / "example.jpg").read_bytes()
    item = model.preprocess(ObjectRequest(img=ImageBytes(example)))
    assert item.query.min_score == 0.5
    (things,) = model.predict([item._replace(query=item.query._replace(min_score=0.0))])
    reply = model.postprocess(things, item)
    assert reply.label_model_version == "dfine-n-coco80/1"
    assert reply.labels
    assert {label.name for label in reply.labels} <= set(COCO_LABELS)


def test_a_dfine_that_lacks_a_tensor_is_refused(tiny_weights: Weights, tmp_path: Path) -> None:
    copytree(tiny_weights[DFINE_NETWORK.name].parent, tmp_path / "dfine")
    tensors = load_file(tmp_path / DFINE_NETWORK.name)
    del tensors["model.enc_score_head.bias"]
    save_file(tensors, tmp_path / DFINE_NETWORK.name)
    store = Store(cache_dir=tmp_path / "cache", model_dir=tmp_path)
    with pytest.raises(RuntimeError, match=r"no model\.enc_score_head\.bias"):
        Detector(store.resolve(find("object_recognition"), "dfine", download=False))


def test_the_input_of_dfine_is_rgb_squeezed_to_a_square() -> None:
    (red, _, blue) = dfine.network_input([np.full((320, 640, 3), (255, 0, 0), np.uint8)])[0]
    assert (red == 1).all()
    assert (blue == 0).all()


def test_a_guess_of_dfine_is_a_box_in_the_image() -> None:
    guesses = np.zeros((2, 84), np.float32)
    guesses[0, 3], guesses[0, 80:] = 0.9, (0.5, 0.25, 0.5, 0.5)
    (one,) = dfine.detections(guesses, (400, 200), 0.5)
    assert one.label == 3
    assert one.score == pytest.approx(0.9)
    assert one.box.tolist() == [50, 0, 150, 200]


@given(arrays(np.float32, (20, 84), elements=st.floats(0, 1, width=32)), sides, sides)
def test_boxes_of_dfine_lie_inside_the_image(guesses: Floats, height: int, width: int) -> None:
    assert lie_inside(dfine.detections(guesses, (height, width), 0.5), height, width)


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
