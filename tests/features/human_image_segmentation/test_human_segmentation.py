"""Tests of human_image_segmentation: regions, edges, colours, and the model with its real weights."""

import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.data.composites import PAIRS, composite, photograph
from containers.face_detection.detector import Face
from containers.human_image_segmentation.feature import SegmentationRequest
from containers.human_image_segmentation.foreground import cut_out
from containers.human_image_segmentation.model import Model
from containers.human_image_segmentation.network import selfie
from containers.human_image_segmentation.refinement import contrast, enlarged, matte, tiles
from containers.human_image_segmentation.regions import is_filled, people, region
from containers.human_image_segmentation.segmenter import SELFIE_KIND, Segmenter
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import PERSON
from serving.arrays import Pixels
from serving.errors import UnprocessableInput
from serving.feature import find
from serving.images.intake import ImageBytes
from serving.settings import Settings
from serving.weights import Store, Weights
from tests.support.ask import Ask, weights_of
from tests.support.networks.modnet import trained
from tests.support.networks.onnx_files import export

sizes = st.integers(2, 900)
AREA = 1000.0 * 1000


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(find("human_image_segmentation"))


@pytest.fixture(scope="module")
def model(weights: Weights) -> Model:
    return Model.load(weights, "cpu")


def png(pixels: Pixels) -> ImageBytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return ImageBytes(out.getvalue())


def result_of(model: Model, pixels: Pixels, **options: str) -> Image.Image:
    item = model.preprocess(SegmentationRequest(img=png(pixels), **options))  # type: ignore[arg-type]
    (output,) = model.predict([item])
    return Image.open(io.BytesIO(model.postprocess(output, item).result))


# Regions


def detection(score: float, *box: float) -> Detection:
    return Detection(np.array(box, np.float32), score, PERSON)


def face(score: float, *box: float) -> Face:
    return Face(np.array(box, np.float32), score, np.zeros((5, 2), np.float32))


def test_a_person_with_a_low_score_counts_if_a_face_confirms_it() -> None:
    doubtful = detection(0.3, 0, 0, 100, 200)
    assert people([doubtful], [], AREA) == []
    assert len(people([doubtful], [face(0.7, 40, 10, 80, 60)], AREA)) == 1


def test_what_takes_most_of_the_image_needs_a_higher_score() -> None:
    folded_rock = detection(0.6, 0, 0, 100, 100)
    assert people([folded_rock], [], 100 * 110) == []
    assert len(people([folded_rock], [], 200 * 200)) == 1


def test_a_face_fills_a_region_when_it_is_more_than_half_as_high() -> None:
    whole = region(np.array((0, 0, 100, 100), np.float32), 100, 100)
    assert is_filled(whole, [face(0.99, 10, 10, 80, 90)])
    assert not is_filled(whole, [face(0.99, 30, 10, 65, 50)])


def test_a_bus_does_not_count_as_a_person_because_of_its_drivers_face() -> None:
    bus, driver = detection(0.3, 0, 0, 400, 400), face(0.99, 200, 100, 220, 125)
    ((left, top, right, bottom),) = people([bus], [driver], AREA)
    assert (left < 200, right > 220, top < 100, bottom > 125) == (True,) * 4
    assert right - left < 100


def test_a_face_without_a_person_needs_a_high_score() -> None:
    assert people([], [face(0.8, 40, 10, 80, 60)], AREA) == []
    assert len(people([], [face(0.99, 40, 10, 80, 60)], AREA)) == 1


def test_a_small_head_on_a_large_body_gets_a_second_region() -> None:
    body = detection(0.9, 0, 0, 100, 400)
    assert len(people([body], [face(0.7, 40, 10, 60, 35)], AREA)) == 2
    assert len(people([body], [face(0.7, 10, 10, 90, 110)], AREA)) == 1


@given(st.tuples(*[st.floats(-500, 1500)] * 4), st.integers(2, 1000), st.integers(2, 1000))
def test_a_region_lies_inside_the_image(
    sides: tuple[float, float, float, float], height: int, width: int
) -> None:
    box = np.array([*np.minimum(sides[:2], sides[2:]), *np.maximum(sides[:2], sides[2:])], np.float32)
    found = region(box, height, width)
    assert 0 <= found.left < found.right <= width
    assert 0 <= found.top < found.bottom <= height
    window = found.window(16)
    assert window.shape == (16, 16)
    assert ((window >= 0) & (window <= 1)).all()


def test_a_patch_fades_out_except_at_the_edge_of_the_image() -> None:
    window = region(np.array((0, 40, 60, 100), np.float32), 100, 200).window(100)
    assert (window[50, 0], window[99, 50]) == (1, 1)
    assert max(window[0, 50], window[50, 99]) < 0.3


# Edges


@pytest.mark.parametrize("seed", range(len(PAIRS)))
def test_the_matte_is_close_to_the_ground_truth(seed: int) -> None:
    case = composite(PAIRS[seed], 512, seed)
    coarse = contrast(case.coarse, SELFIE_KIND.margin)
    found = matte(case.image, coarse, SELFIE_KIND.radius) / 255
    before = np.abs(cv2.resize(coarse, (512, 512)) - case.opacity).mean()
    after = np.abs(found - case.opacity).mean()
    assert after < 0.008
    assert after < 0.8 * before


@settings(max_examples=20, deadline=None)
@given(sizes, sizes, st.integers(0, 255))
def test_a_map_of_only_zeros_or_ones_stays_the_same(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    for value in (0, 1):
        found = matte(image, np.full((224, 224), value, np.float32), SELFIE_KIND.radius)
        assert found.dtype == np.uint8
        assert found.shape == (height, width)
        assert (found == 255 * value).all()


@settings(max_examples=20, deadline=None)
@given(sizes, sizes)
def test_the_tiles_together_equal_the_enlarged_whole(height: int, width: int) -> None:
    planes = np.random.default_rng(0).random((9, 7, 3), np.float32)
    whole = np.full((height, width, 3), np.nan, np.float32)
    for tile in tiles(height, width):
        whole[tile] = enlarged(planes, tile, (height, width))
    once = enlarged(planes, (slice(0, height), slice(0, width)), (height, width))
    np.testing.assert_allclose(whole, once, atol=0.05)


# Colours


def test_the_colour_of_the_background_is_removed_from_the_edges() -> None:
    case = composite(("coffee", "grass"), 512)
    opacity = np.rint(case.opacity * 255).astype(np.uint8)
    edge = (opacity > 25) & (opacity < 230)
    clean = cut_out(case.image, opacity)

    def error(pixels: Pixels) -> float:
        return float(np.abs(pixels[edge].astype(float) - case.colours[edge]).mean())

    assert error(clean[..., :3]) < 0.75 * error(case.image)
    np.testing.assert_array_equal(clean[..., 3], opacity)
    np.testing.assert_array_equal(clean[opacity == 255][:, :3], case.image[opacity == 255])
    assert not clean[opacity == 0].any()


# The complete model


def test_webp_is_refused_for_a_matte(model: Model) -> None:
    with pytest.raises(UnprocessableInput, match="format: webp is for type foreground only"):
        model.preprocess(SegmentationRequest(img=png(photograph("chelsea")), format="webp"))


def test_the_astronaut_is_separated_from_flag_and_shuttle(model: Model) -> None:
    found = result_of(model, photograph("astronaut"))
    assert (found.format, found.mode, found.size) == ("PNG", "L", (512, 512))
    opacity = np.asarray(found)
    assert opacity[100:150, 200:250].min() > 250, "her face"
    assert opacity[350:450, 120:220].min() > 250, "her suit"
    assert opacity[:200, :100].max() < 5, "the flag"
    assert opacity[:300, 400:].max() < 5, "the shuttle"


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_the_foreground_is_transparent_around_the_astronaut(model: Model, kind: str) -> None:
    found = result_of(model, photograph("astronaut"), type="foreground", format=kind)
    assert (found.format, found.mode, found.size) == (kind.upper(), "RGBA", (512, 512))
    pixels = np.asarray(found)
    assert pixels[100, 450, 3] == 0
    assert pixels[400, 150, 3] == 255
    assert pixels[400, 150, :3].astype(int) == pytest.approx(
        photograph("astronaut")[400, 150].astype(int), abs=12
    )


@pytest.mark.parametrize("picture", ["chelsea", "coffee", "rocket"])
def test_an_image_without_people_gives_an_empty_matte(model: Model, picture: str) -> None:
    pixels = photograph(picture)
    opacity = np.asarray(result_of(model, pixels))
    assert opacity.shape == pixels.shape[:2]
    assert not opacity.any()


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 300), st.integers(2, 300))
def test_the_matte_has_the_size_of_the_image(model: Model, height: int, width: int) -> None:
    pixels = np.asarray(cv2.resize(photograph("astronaut"), (width, height)), np.uint8)
    assert result_of(model, pixels).size == (width, height)


def test_a_batch_gives_the_same_patches_as_its_images_one_by_one(model: Model) -> None:
    pictures = [
        photograph("astronaut"),
        photograph("chelsea"),
        np.ascontiguousarray(photograph("astronaut")[:, ::-1]),
    ]
    items = [model.preprocess(SegmentationRequest(img=png(picture))) for picture in pictures]
    for item, together in zip(items, model.predict(items), strict=True):
        (alone,) = model.predict([item])
        assert [one.region[:4] for one in together] == [one.region[:4] for one in alone]
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one.probability, other.probability, atol=2e-3)


@pytest.mark.parametrize("side", [100, 176])
def test_a_face_that_fills_the_image_is_covered(model: Model, side: int) -> None:
    face = np.ascontiguousarray(photograph("astronaut")[60:180, 170:270])
    opacity = np.asarray(result_of(model, np.asarray(cv2.resize(face, (side, side)), np.uint8)))
    middle = slice(side // 3, 2 * side // 3)
    assert opacity[middle, middle].min() > 200


def test_the_error_names_the_damaged_file(tmp_path: Path) -> None:
    (tmp_path / "short.tflite").write_bytes(b"\0\0\0\0TFL3")
    with pytest.raises(ValueError, match=r"short\.tflite: "):
        selfie(tmp_path / "short.tflite")


# MODNet. The published file was not available, so a network of the same structure takes its place.


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # raised by onnx2torch 1.5
def test_a_file_with_the_structure_of_modnet_runs_in_place_of_the_network_of_lite(
    weights: Weights, tmp_path: Path
) -> None:
    network = trained()
    axes = {0: "batch", 2: "height", 3: "width"}
    export(network, tmp_path / "modnet.onnx", 1, 3, 512, 512, open_axes=axes)
    store = replace(Store.of(Settings.read()), model_dir=tmp_path)
    feature = find("human_image_segmentation")
    segmenter = Segmenter.load(store.resolve(feature, "standard", download=False), "cpu-eager")
    image = photograph("astronaut")
    ((patch, *_),) = segmenter.segment([image])
    left, top, right, bottom = patch.region[:4]
    square = cv2.resize(image[top:bottom, left:right], (512, 512), interpolation=cv2.INTER_AREA)
    tensor = torch.from_numpy(square).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        both = (network(tensor) + network(tensor.flip(-1)).flip(-1)) / 2
    expected = both[0, 0].numpy() * patch.region.window(512)
    np.testing.assert_allclose(patch.probability, expected, atol=1e-3)


def test_an_accept_header_returns_the_image_without_json(ask: Ask) -> None:
    (reply,) = ask(
        find("human_image_segmentation"),
        png(photograph("chelsea")),
        content_type="image/png",
        accept="image/png",
    )
    assert (reply.status, reply.content_type) == (200, "image/png")
    assert reply.body.startswith(b"\x89PNG")
