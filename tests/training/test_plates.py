"""Drawn plates: their labels match the drawings, and both trainings run two steps on them."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from containers.car_license_plate.grammar import ALPHABET, LAYOUTS
from containers.car_license_plate.line_readers import PlateNetReader
from containers.car_license_plate.networks.platenet import PlateNet
from tests.support.paths import ROOT
from training.loop import Options, Plan, Training
from training.material import FOLDER as PHOTOGRAPHS
from training.plates import crops, drawing, glyphs, scenes, train_detector, train_recogniser
from training.plates.texts import WEIGHTS, sample

WIDTH, HEIGHT = PlateNetReader.SIZE

FONT = ROOT / "serving/images/fonts/wqy-microhei.ttc"
photographs = pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="needs ../shared/training")


@pytest.fixture(autouse=True)
def one_face(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Uses the repository's font, so that no packages are needed, and few plates for the scenes."""
    monkeypatch.setattr(glyphs, "LATIN", (FONT,))
    monkeypatch.setattr(glyphs, "HAN", (FONT,))
    monkeypatch.setattr(scenes, "POOL", 8)
    caches = (glyphs.glyphs, scenes.drawn_plates)
    for one in caches:
        one.cache_clear()
    yield
    for one in caches:
        one.cache_clear()


def test_every_character_fills_its_cell_in_every_weight() -> None:
    drawn = glyphs.glyphs()
    assert set(drawn) == set(ALPHABET)
    for character, masks in drawn.items():
        inked = [(mask > 127).mean() for mask in masks]
        assert inked[: len(glyphs.WEIGHTS)] == sorted(inked[: len(glyphs.WEIGHTS)]), character
        for mask in masks:
            assert mask.shape == (glyphs.HEIGHT, glyphs.WIDTH)
            assert min(mask[0].max(), mask[-1].max()) > 40, character


def test_texts_and_colours_follow_the_grammar() -> None:
    rng = np.random.default_rng(0)
    assert len(WEIGHTS) == len(LAYOUTS)
    for _ in range(200):
        plate = sample(rng)
        assert any(
            plate.colour in layout.colours
            and len(plate.text) == len(layout.places)
            and all(character in place for character, place in zip(plate.text, layout.places, strict=True))
            for layout in LAYOUTS
        )


@pytest.mark.parametrize("seed", range(6))
def test_characters_are_drawn_where_their_centres_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plate = sample(rng)
    drawn = drawing.draw(rng, plate)
    assert len(drawn.centres) == len(plate.text)
    half = round(20 * drawing.PX)
    for x, y in drawn.centres.round().astype(int):
        assert drawn.masks[y - half : y + half, x - half : x + half, drawing.INK].max() > 127
    if plate.two_rows:
        drawn = drawing.in_one_row(rng, drawn)
    assert (np.diff(drawn.centres[:, 0]) > 0).all()


@photographs
def test_the_same_seed_gives_the_same_crops() -> None:
    one, other = (crops.batch(np.random.default_rng(3), 8) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    images, classes, lengths, centres = one
    assert images.shape == (8, 3, HEIGHT, WIDTH)
    assert images.abs().max() <= 1
    assert classes.shape == centres.shape == (8, crops.LONGEST)
    for length, places in zip(lengths, centres, strict=True):
        assert length in (0, 7, 8)
        assert (places[:length].diff() > 0).all()
        assert ((places[:length] > -8) & (places[:length] < WIDTH + 8)).all()


@photographs
def test_the_plates_are_decoded_from_their_target(tmp_path: Path) -> None:
    scene = scenes.scene(np.random.default_rng(1))
    heat, corners = scenes.target(scene.plates)
    output = np.concatenate((np.where(heat == 1, 9, -9)[None], corners / train_detector.SCALE))
    network = Constant(torch.from_numpy(output).float())
    (found,) = train_detector.plates(network, torch.zeros(1, 3, 192, 192))
    assert len(found) == len(scene.plates) > 0
    for plate in scene.plates:
        assert max(train_detector.overlap(plate, corners) for corners, _ in found) > 0.99


@photographs
@pytest.mark.parametrize("network", ["recogniser", "detector"])
def test_two_steps_change_the_network_and_leave_it_finite(network: str, tmp_path: Path) -> None:
    cv2.setNumThreads(0)
    rng = np.random.default_rng(0)
    plan, options = Plan(name=network, steps=2, rate=1e-3), Options(out=tmp_path)
    training = Training(plan, PlateNet if network == "recogniser" else train_detector.PlateFinder, options)
    before = [parameter.clone() for parameter in training.network.parameters()]
    if network == "recogniser":
        some_crops = crops.batch(rng, 4)
        trained = training.run(lambda rng: some_crops, train_recogniser.loss)
    else:
        some_scenes = scenes.batch(rng, 2)
        trained = training.run(lambda rng: some_scenes, train_detector.loss)
    assert all(parameter.isfinite().all() for parameter in trained.parameters())
    after = training.network.parameters()
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


class Constant(nn.Module):
    """A network that gives the same output, (9, h, w), for any picture."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self._output = output

    def forward(self, images: Tensor) -> Tensor:
        return self._output[None]
