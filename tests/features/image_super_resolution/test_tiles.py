"""Tests of the tiles and networks: tiles give the same result as the whole image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from benchmarks.data.composites import photograph
from containers.image_super_resolution import tiles
from containers.image_super_resolution.enlarger import Enlarger
from containers.image_super_resolution.feature import SMALL
from containers.image_super_resolution.networks.rlfn import RLFN, rlfn
from containers.image_super_resolution.tiles import LARGEST, MARGIN, STEP, mirrored
from serving.arrays import Pixels
from serving.executor import compile
from serving.feature import find
from serving.weights import Weights
from tests.support.ask import weights_of

FEATURE = find("image_super_resolution")
sizes = st.integers(1, 2000)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(FEATURE)


@pytest.fixture(scope="module")
def enlarger(weights: Weights) -> Enlarger:
    return Enlarger.load(weights, "cpu")


def whole(network: nn.Module, image: Pixels, scale: int) -> Pixels:
    """Runs an image through the network in one piece."""
    height, width = image.shape[:2]
    rest = [(MARGIN, MARGIN + -side % 6) for side in (height, width)]
    padded = np.pad(image, (*rest, (0, 0)), mode="reflect").transpose(2, 0, 1)[None].astype(np.float32)
    with torch.inference_mode():
        enlarged = network(torch.from_numpy(padded))[0].permute(1, 2, 0).numpy()
    inner = enlarged[scale * MARGIN :, scale * MARGIN :][: scale * height, : scale * width]
    return np.asarray(inner.clip(0, 255).round(), np.uint8)


class _Plain(nn.Module):
    """A network that repeats every pixel 4 or 16 times and records the shapes of its inputs."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.up, self.shapes = nn.Upsample(scale_factor=scale), list[tuple[int, ...]]()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(images.shape))
        return self.up(images)  # type: ignore[no-any-return]


def plain() -> tuple[Enlarger, dict[int, _Plain]]:
    modules = {scale: _Plain(scale) for scale in (2, 4)}
    example = np.zeros((1, 3, STEP, STEP), np.float32)
    networks = {
        scale: compile(lambda module=module: module, example, device="cpu-eager")  # type: ignore[misc]
        for scale, module in modules.items()
    }
    return Enlarger(networks), modules


# Geometry


@given(sizes, sizes)
def test_cores_of_equal_bounded_tiles_cover_every_pixel_once(height: int, width: int) -> None:
    found = list(tiles.tiles(height, width))
    (tall, wide) = {(tile.height, tile.width) for tile in found}.pop()
    assert max(tall, wide) <= LARGEST
    assert tall % STEP == wide % STEP == 0
    down, across = tall - 2 * MARGIN, wide - 2 * MARGIN
    assert down % 6 == across % 6 == 0, "RLFN's cells must have the same places in every tile"
    corners = [(top, left) for top in range(0, height, down) for left in range(0, width, across)]
    assert [(tile.top, tile.left) for tile in found] == corners


@given(st.integers(-500, 500), st.integers(1, 300), st.integers(1, 200))
def test_an_image_is_mirrored_beyond_its_edges(start: int, count: int, length: int) -> None:
    found = mirrored(start, count, length)
    before, after = max(0, -start), max(0, start + count)
    expected = np.pad(np.arange(length), (before, after), mode="reflect" if length > 1 else "edge")
    np.testing.assert_array_equal(found, expected[start + before :][:count])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 420), st.integers(1, 420), st.sampled_from((2, 4))), max_size=3))
def test_every_pixel_of_every_image_comes_back_in_its_place(shapes: list[tuple[int, int, int]]) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (height, width, 3), np.uint8) for height, width, _ in shapes]
    enlarger, _ = plain()
    found = enlarger.enlarge(images, [scale for *_, scale in shapes])
    for image, enlarged, (*_, scale) in zip(images, found, shapes, strict=True):
        np.testing.assert_array_equal(enlarged, image.repeat(scale, 0).repeat(scale, 1))


def test_batches_are_bounded_by_the_largest_tile_and_images_share_them() -> None:
    enlarger, modules = plain()
    image = np.zeros((30, 30, 3), np.uint8)
    enlarger.enlarge([np.zeros((400, 1920, 3), np.uint8)], [2])
    assert max(batch * height * width for batch, _, height, width in modules[2].shapes) <= LARGEST**2
    enlarger.enlarge([image] * 5, [2] * 5)
    assert modules[2].shapes[-1][0] == 5


# Networks


@pytest.mark.parametrize("scale", [2, 4])
def test_tiles_give_the_same_as_the_whole_image(weights: Weights, enlarger: Enlarger, scale: int) -> None:
    image = photograph("astronaut")[100:150, 90:430]
    (tiled,) = enlarger.enlarge([image], [scale])
    at_once = whole(rlfn(weights[SMALL.name], scale), image, scale)
    off = np.abs(tiled.astype(int) - at_once)
    assert off.max() <= 1
    assert (off > 0).mean() < 0.002


def test_scale_2_is_scale_4_averaged(weights: Weights) -> None:
    image = photograph("coffee")[100:130, 200:230]
    four, two = (whole(rlfn(weights[SMALL.name], scale), image, scale) for scale in (4, 2))
    halved = four.reshape(60, 2, 60, 2, 3).mean((1, 3))
    assert np.abs(two - halved).mean() < 0.5


def test_a_batch_gives_the_same_as_its_images_alone(enlarger: Enlarger) -> None:
    images = [photograph(name)[100:136, 100:136] for name in ("rocket", "coffee", "chelsea")]
    scales = [2, 2, 4]
    for image, scale, together in zip(images, scales, enlarger.enlarge(images, scales), strict=True):
        (alone,) = enlarger.enlarge([image], [scale])
        assert np.abs(together.astype(int) - alone).max() <= 1


def test_an_empty_batch_gives_no_images(enlarger: Enlarger) -> None:
    assert enlarger.enlarge([], []) == []


def test_a_file_that_lacks_a_tensor_is_refused(weights: Weights, tmp_path: Path) -> None:
    state = load_file(weights[SMALL.name])
    del state["B2.esa.conv_f.bias"]
    save_file(state, tmp_path / "short.safetensors")
    with pytest.raises(RuntimeError, match=r"Missing key.*B2\.esa\.conv_f\.bias"):
        rlfn(tmp_path / "short.safetensors", 2)


def test_a_file_of_the_published_network_with_four_blocks_runs(tmp_path: Path) -> None:
    network = RLFN(4, 4).eval()
    torch.save(network.state_dict(), tmp_path / "four.pth")
    image = torch.rand(1, 3, 24, 24) * 255
    with torch.inference_mode():
        torch.testing.assert_close(rlfn(tmp_path / "four.pth", 4)(image), network(image))
