"""Drawn plates: their labels match the drawings, and the training runs two steps on them."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from containers.car_license_plate.grammar import ALPHABET, LAYOUTS
from containers.car_license_plate.line_readers import PlateNetReader
from containers.car_license_plate.networks.platenet import PlateNet
from tests.support.paths import ROOT
from training.loop import Options, Plan, Training
from training.material import FOLDER as PHOTOGRAPHS
from training.plates import crops, drawing, glyphs, train_recogniser
from training.plates.texts import WEIGHTS, sample

WIDTH, HEIGHT = PlateNetReader.SIZE

FONT = ROOT / "serving/images/fonts/wqy-microhei.ttc"
photographs = pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="needs ../shared/training")


@pytest.fixture(autouse=True)
def one_face(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Uses the repository's font, so that no packages are needed."""
    monkeypatch.setattr(glyphs, "LATIN", (FONT,))
    monkeypatch.setattr(glyphs, "HAN", (FONT,))
    glyphs.glyphs.cache_clear()
    yield
    glyphs.glyphs.cache_clear()


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
def test_two_steps_change_the_network_and_leave_it_finite(tmp_path: Path) -> None:
    cv2.setNumThreads(0)
    plan = Plan(name="recogniser", steps=2, rate=1e-3)
    training = Training(plan, PlateNet, Options(out=tmp_path))
    before = [parameter.clone() for parameter in training.network.parameters()]
    some_crops = crops.batch(np.random.default_rng(0), 4)
    trained = training.run(lambda rng: some_crops, train_recogniser.loss)
    assert all(parameter.isfinite().all() for parameter in trained.parameters())
    after = training.network.parameters()
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))
