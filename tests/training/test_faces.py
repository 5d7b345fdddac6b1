"""The scenes and crops on which the face networks are trained, and two steps of each training."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from containers.face_detection.networks.retinaface import RetinaFace
from training.faces import train_age_gender, train_detector, train_landmarks
from training.faces.data import detector_scenes
from training.faces.data.age_gender_labels import LabelledCrops
from training.faces.data.age_gender_labels import crop as age_crop
from training.faces.data.detector_backgrounds import Backgrounds
from training.faces.data.detector_labels import Labelled
from training.faces.data.turned_heads import OVAL, turned
from training.faces.networks.age_gender import CompactAgeGender
from training.faces.networks.detector import CompactDetector
from training.faces.networks.landmarks import CompactLandmarks
from training.loop import Options, Plan, Training

SEEDS = range(8)


@pytest.fixture(scope="module")
def backgrounds() -> Backgrounds:
    return Backgrounds([np.full((400, 500, 3), 40, np.uint8)], count=4)


@pytest.fixture(scope="module")
def person() -> Labelled:
    """A black portrait with white squares for eyes, nose and mouth corners, and landmarks on them."""
    grey = np.zeros((176, 176), np.uint8)
    points = np.array(((65, 70), (110, 70), (88, 95), (68, 120), (107, 120)), np.float32)
    for x, y in points.astype(int).tolist():
        grey[y - 6 : y + 6, x - 6 : x + 6] = 255
    faces = np.append((40, 30, 135, 150), points)[None].astype(np.float32)
    return Labelled(False, grey, faces, points[np.arange(106) % 5], np.array((30, 1), np.float32))


@pytest.fixture
def unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switches off changes of light, noise, and portraits without a face."""
    for module in (detector_scenes, train_landmarks):
        monkeypatch.setattr(module, "shaded", lambda random, grey: grey)
        monkeypatch.setattr(module, "degraded", lambda random, grey: grey)
    monkeypatch.setattr(detector_scenes, "faceless", lambda random, person, backgrounds: person)
    monkeypatch.setattr(detector_scenes, "SMALLEST", 60)
    monkeypatch.setattr(detector_scenes, "LARGEST", 120)


@pytest.mark.usefixtures("unchanged")
def test_the_points_of_a_scene_lie_on_the_marks_of_its_portraits(
    person: Labelled, backgrounds: Backgrounds
) -> None:
    bright = [
        tone
        for seed in SEEDS
        for scene in [detector_scenes.scene(np.random.default_rng(seed), 256, [person], backgrounds)]
        for x, y in scene.faces[:, 4:].reshape(-1, 2).astype(int)
        if 0 <= x < 256 and 0 <= y < 256
        for tone in [scene.grey[y, x]]
    ]
    assert len(bright) > 20
    assert np.mean(np.array(bright) > 200) > 0.95  # a later portrait's soft rim may cover a mark


@pytest.mark.usefixtures("unchanged")
def test_boxes_contain_their_points_and_the_left_eye_comes_first(
    person: Labelled, backgrounds: Backgrounds
) -> None:
    for seed in SEEDS:
        faces = detector_scenes.scene(np.random.default_rng(seed), 256, [person], backgrounds).faces
        points = faces[:, 4:].reshape(-1, 5, 2)
        assert (points > faces[:, None, :2]).all()
        assert (points < faces[:, None, 2:4]).all()
        assert (points[:, 0, 0] < points[:, 1, 0]).all()


@pytest.mark.usefixtures("unchanged")
def test_landmarks_move_with_the_crop(person: Labelled, backgrounds: Backgrounds) -> None:
    for seed in SEEDS:
        pixels, points = train_landmarks.crop(np.random.default_rng(seed), person, backgrounds)
        assert pixels.shape == (112, 112)
        assert min(pixels[y, x] for x, y in points.astype(int)) > 200


def test_mirroring_the_points_twice_gives_the_same_points() -> None:
    mirrored = np.array(train_landmarks.MIRRORED)
    assert (mirrored[mirrored] == np.arange(106)).all()


def test_every_face_has_an_anchor_and_an_anchor_belongs_to_the_face_it_overlaps_most() -> None:
    anchors = np.array(((4, 4, 10), (100, 100, 32), (100, 100, 128)), np.float32)
    faces = np.zeros((2, 14), np.float32)
    faces[:, :4] = (84, 80, 116, 120), (0, 0, 40, 40)
    kinds, targets = train_detector.assigned(anchors, faces)
    assert kinds.tolist() == [1, 1, 0]
    assert (targets[:2] == faces[::-1]).all()


def test_the_detector_s_output_has_the_layout_of_retinaface() -> None:
    pictures = torch.zeros(1, 3, 64, 96)
    with torch.no_grad():
        found, usual = (each.eval()(pictures) for each in (CompactDetector(), RetinaFace(resnet=False)))
    assert found.shape == usual.shape


def test_two_steps_leave_every_number_finite(
    tmp_path: Path, person: Labelled, backgrounds: Backgrounds
) -> None:
    cv2.setNumThreads(0)
    crops = np.stack([age_crop(np.random.default_rng(seed), person) for seed in SEEDS])
    known = LabelledCrops(crops, np.tile(person.person, (len(crops), 1)))
    trainings: list[tuple[Any, Any, Any]] = [
        (
            CompactDetector,
            lambda random: train_detector.batch(random, [person], backgrounds),
            train_detector.loss,
        ),
        (
            CompactLandmarks,
            lambda random: train_landmarks.batch(random, [person], backgrounds),
            train_landmarks.loss,
        ),
        (CompactAgeGender, lambda random: train_age_gender.batch(random, known), train_age_gender.loss),
    ]
    for build, make, loss in trainings:
        training = Training(Plan(name=build.__name__, steps=2, rate=1e-3), build, Options(out=tmp_path))
        assert all(torch.isfinite(one).all() for one in training.run(make, loss).state_dict().values())


def test_a_turned_head_shows_its_side_and_leaves_the_background() -> None:
    """Turns a grey dome with a white tip: the tip then lies aside by its height over the axis."""
    golden = np.arange(468) * 2.399963
    radius = 40 * np.sqrt(np.linspace(0.001, 0.9, 468))
    mesh = np.column_stack(
        (96 + radius * np.cos(golden), 96 + radius * np.sin(golden), -np.sqrt(1600 - radius**2))
    )
    around = np.linspace(0, 2 * np.pi, len(OVAL), endpoint=False)
    mesh[list(OVAL)] = np.column_stack((96 + 40 * np.sin(around), 96 - 40 * np.cos(around), 0 * around))
    grey = np.full((192, 192), 128, np.uint8)
    cv2.circle(grey, (96, 96), 5, 255, -1)
    background = np.zeros((192, 192), np.uint8)
    turned_head = turned(grey, mesh.astype(np.float32), background, (-0.8, 0.0))
    y, x = np.argwhere(turned_head > 200).mean(0)
    assert abs(x - (96 + np.sin(0.8) * (40 + 0.2 * 80))) < 4
    assert abs(y - 96) < 2
    assert not turned_head[:20].any()
    assert (turned_head[90:102, 90:102] == 128).all()
