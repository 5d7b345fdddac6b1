"""Tests of image super-resolution with its real weights: limits, sizes, transparency, formats, quality."""

import io
from typing import Any, Literal

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import NAMES, psnr_and_ssim, resized
from containers.image_super_resolution.feature import EnlargementRequest
from containers.image_super_resolution.model import Model
from serving.arrays import Pixels
from serving.errors import PayloadTooLarge, UnprocessableInput
from serving.feature import find
from serving.images.encoding import Format, encode_image
from serving.images.intake import ImageBytes
from tests.support.ask import Ask, weights_of

FEATURE = find("super-resolution-ml")


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(weights_of(FEATURE), "cpu")


def file(pixels: Pixels, kind: str = "PNG", **options: Any) -> ImageBytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **options)
    return ImageBytes(out.getvalue())


def answer(model: Model, image: ImageBytes, **options: Any) -> Image.Image:
    item = model.preprocess(EnlargementRequest(img=image, **options))
    (output,) = model.predict([item])
    return Image.open(io.BytesIO(model.postprocess(output, item).result))


# Limits


@pytest.mark.parametrize("scale", [0, 1, 3, "4", 2.5, None])
def test_a_scale_other_than_2_and_4_is_refused(scale: object, ask: Ask) -> None:
    (reply,) = ask(FEATURE, msgspec.json.encode({"img": "", "scale": scale}))
    assert (reply.status, msgspec.json.decode(reply.body)["detail"].partition(":")[0]) == (400, "scale")


@pytest.mark.parametrize("size", [(1081, 1081), (1921, 2), (2, 1921), (1920, 1081), (1081, 1920)])
def test_an_image_over_the_limit_is_refused_with_field_and_limit(model: Model, size: tuple[int, int]) -> None:
    height, width = size
    message = f"^img: {width}x{height} px, at most 1920x1080 or 1080x1920$"
    with pytest.raises(UnprocessableInput, match=message):
        model.preprocess(EnlargementRequest(img=file(np.zeros((*size, 3), np.uint8))))


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (2, 1920)])
def test_an_image_at_the_limit_is_accepted(model: Model, size: tuple[int, int]) -> None:
    item = model.preprocess(EnlargementRequest(img=file(np.zeros((*size, 3), np.uint8))))
    assert item.colours.shape == (*size, 3)


def test_face_restoration_is_refused(model: Model) -> None:
    with pytest.raises(
        UnprocessableInput, match=r"^face: .* not available with profile lite, must be false$"
    ):
        model.preprocess(EnlargementRequest(img=file(np.zeros((9, 9, 3), np.uint8)), face=True))


def test_a_reply_that_is_certain_to_be_too_large_is_refused_before_any_work(model: Model) -> None:
    noise = file(np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8))
    message = r"^result: .* at most \d+; send a smaller image, or scale 2, or format jpeg, or format webp$"
    with pytest.raises(PayloadTooLarge, match=message):
        model.preprocess(EnlargementRequest(img=noise, scale=4))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("scale", [2, 4])
def test_a_reply_is_larger_than_the_size_that_the_early_check_assumes(
    model: Model, kind: Format, scale: Literal[2, 4]
) -> None:
    image = file(photograph("astronaut")[60:120, 180:260])
    item = model.preprocess(EnlargementRequest(img=image, scale=scale, format=kind))
    (output,) = model.predict([item])
    assert len(model.postprocess(output, item).result) > scale * len(encode_image(item.colours, kind))


# Sizes and content


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 130), st.integers(2, 130), st.sampled_from((2, 4)))
def test_width_and_height_grow_by_scale(model: Model, height: int, width: int, scale: int) -> None:
    pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    assert answer(model, file(pixels), scale=scale).size == (scale * width, scale * height)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90), (128, 128, 128)])
def test_an_image_of_one_colour_stays_so(model: Model, colour: tuple[int, int, int]) -> None:
    found = np.asarray(answer(model, file(np.full((90, 350, 3), colour, np.uint8))).convert("RGB"))
    assert np.abs(found.astype(int) - colour).max() <= 3
    assert np.ptp(found, axis=(0, 1)).max() <= 3


def test_a_ramp_across_tiles_has_no_step(model: Model) -> None:
    ramp = np.linspace(20, 235, 700).round().astype(np.uint8)[None, :, None].repeat(12, 0).repeat(3, 2)
    found = np.asarray(answer(model, file(ramp))).astype(int)
    assert np.abs(np.diff(found, axis=1)).max() <= 2


def test_a_grey_image_stays_grey(model: Model) -> None:
    grey = photograph("camera")[100:160, 200:260, 0]
    found = answer(model, file(grey))
    assert (found.mode, found.size) == ("L", (120, 120))
    coloured = np.asarray(answer(model, file(grey), format="webp").convert("RGB")).astype(int)
    assert np.ptp(coloured, axis=2).max() <= 2


def test_the_reply_is_upright(model: Model) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = file(photograph("rocket")[:40, :60], "JPEG", exif=exif)
    assert answer(model, turned).size == (80, 120)


def test_a_pattern_that_the_network_cannot_enlarge_becomes_bicubic(model: Model) -> None:
    board = (np.indices((60, 60)).sum(0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, 2)
    found = np.asarray(answer(model, file(board), scale=4)).astype(int)
    plain = cv2.resize(board[..., 0], (240, 240), interpolation=cv2.INTER_CUBIC)
    assert np.abs(found - plain)[8:-8, 8:-8].max() <= 2


# Transparency and formats


def cut_out(hidden_colour: tuple[int, int, int]) -> Pixels:
    """Returns a disc of a photograph on a transparent ground that has `hidden_colour`."""
    opacity = cv2.circle(np.zeros((70, 70), np.uint8), (35, 35), 25, 255, -1, cv2.LINE_AA)
    colours = photograph("coffee")[100:170, 200:270]
    return np.dstack((np.where(opacity[..., None] > 0, colours, np.array(hidden_colour, np.uint8)), opacity))


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_transparency_is_kept(model: Model, kind: str) -> None:
    found = answer(model, file(cut_out((0, 0, 0))), format=kind)
    assert (found.format, found.mode, found.size) == (kind.upper(), "RGBA", (140, 140))
    opacity = np.asarray(found)[..., 3]
    assert (opacity[70, 70], opacity[2, 2]) == (255, 0)
    again = cv2.resize(opacity, (70, 70), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(again - cut_out((0, 0, 0))[..., 3]).max() < 40


def test_colours_under_transparent_pixels_do_not_bleed(model: Model) -> None:
    one, other = (
        np.asarray(answer(model, file(cut_out(hidden_colour)))) for hidden_colour in ((0, 0, 0), (0, 255, 0))
    )
    np.testing.assert_array_equal(one, other)
    edge = (one[..., 3] > 0) & (one[..., 3] < 255)
    inside = cv2.resize(cut_out((0, 0, 0))[..., :3], (140, 140), interpolation=cv2.INTER_CUBIC)
    dark = one[edge][:, :3].astype(int).mean() - inside[one[..., 3] == 255].astype(int).mean()
    assert abs(dark) < 25


@pytest.mark.parametrize("opacity", [0, 255])
def test_a_fully_opaque_or_transparent_image_stays_so(model: Model, opacity: int) -> None:
    pixels = cut_out((9, 9, 9))
    pixels[..., 3] = opacity
    found = answer(model, file(pixels))
    assert (np.asarray(found.convert("RGBA"))[..., 3] == opacity).all()


def test_a_transparent_grey_image_stays_grey(model: Model) -> None:
    grey = cut_out((0, 0, 0))[..., [1, 1, 1, 3]]
    found = np.asarray(answer(model, file(grey)))
    assert found.shape == (140, 140, 4)
    assert not np.ptp(found[..., :3], axis=2).any()


def test_a_jpeg_shows_white_in_transparent_parts(model: Model) -> None:
    found = answer(model, file(cut_out((0, 0, 0))), format="jpeg")
    assert (found.format, found.mode) == ("JPEG", "RGB")
    assert np.asarray(found)[:10, :10].min() > 250


# Quality


def test_scale_4_gains_a_decibel_over_bicubic(model: Model) -> None:
    gains = []
    for name in NAMES:
        truth = photograph(name)[40:200, 40:280]
        small = resized(truth, 1 / 4)
        ours, _ = psnr_and_ssim(np.asarray(answer(model, file(small), scale=4)), truth, 4)
        gains.append(ours - psnr_and_ssim(resized(small, 4), truth, 4)[0])
    assert min(gains) > 0.5
    assert np.mean(gains) > 1


def test_scale_2_gains_two_decibels_over_bicubic(model: Model) -> None:
    truth = photograph("astronaut")[40:240, 100:300]
    small = resized(truth, 1 / 2)
    ours, _ = psnr_and_ssim(np.asarray(answer(model, file(small))), truth, 2)
    assert ours > psnr_and_ssim(resized(small, 2), truth, 2)[0] + 2
