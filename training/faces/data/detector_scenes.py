"""Grey scenes, composed of portraits over photographs and drawn backgrounds."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from serving.arrays import Floats, Pixels
from training.faces.data.detector_backgrounds import Backgrounds
from training.faces.data.detector_degradation import degraded, shaded
from training.faces.data.detector_labels import Labelled, resized

SMALLEST, LARGEST = 11, 250  # pixels of a face's longer side
MIRRORED = [1, 0, 2, 4, 3]  # order of the five points after a flip


class Scene(NamedTuple):
    """A picture and its faces. grey: (S, S). faces: (K, 14) box and five points, as in `Labelled`."""

    grey: Pixels
    faces: Floats


def scene(
    random: np.random.Generator, size: int, people: Sequence[Labelled], backgrounds: Backgrounds
) -> Scene:
    """Composes up to eleven portraits over a background; one scene in sixteen has none."""
    canvas = backgrounds.piece(random, size)
    faces = np.zeros((0, 14), np.float32)
    kind = random.random()
    wanted = 0 if kind < 1 / 16 else 1 if kind < 0.3 else int(random.integers(3, 12))
    for _ in range(wanted):
        person = people[int(random.integers(len(people)))]
        largest = LARGEST if wanted == 1 else size / 2
        side = float(np.exp(random.uniform(np.log(SMALLEST), np.log(largest))))
        matrix = _placed(random, person, side, size)
        if random.random() < 0.35:
            _paste(random, canvas, faces, matrix, faceless(random, person, backgrounds))
        elif _paste(random, canvas, faces, matrix, person):
            faces = np.concatenate((faces, _moved(person.faces, matrix)))
    return Scene(degraded(random, canvas), faces)


def faceless(random: np.random.Generator, person: Labelled, backgrounds: Backgrounds) -> Labelled:
    """Replaces the portrait by a photograph, a smear, or a portrait with the mouth above the eyes."""
    height, width = person.grey.shape
    kind = random.random()
    if kind < 0.4:
        return person._replace(grey=backgrounds.piece(random, max(height, width))[:height, :width])
    if kind < 0.7:
        tones = resized(person.grey, (5, 5))
        return person._replace(grey=cv2.resize(tones, (width, height)).astype(np.uint8, copy=False))
    return person._replace(grey=np.roll(person.grey, int(random.uniform(0.4, 0.6) * height), axis=0))


def _placed(random: np.random.Generator, person: Labelled, side: float, size: int) -> Floats:
    """Returns the matrix (2, 3) that maps the portrait to the scene. side: px of its first face there."""
    box = person.faces[0, :4]
    scale = side / float((box[2:] - box[:2]).max())
    angle = random.normal(0, 0.15) if random.random() < 0.6 else random.uniform(-0.7, 0.7)
    across = scale * random.uniform(0.62, 1.15) * (1 if random.random() < 0.5 else -1)
    cosine, sine = np.cos(angle), np.sin(angle)
    axes = np.array(((across * cosine, -scale * sine), (across * sine, scale * cosine)))
    axes[0, 1] += scale * random.normal(0, 0.06)
    reach = min(0.5 * size, 0.4 * side)
    target = random.uniform(reach, size - reach, 2) + random.normal(0, 0.08 * side, 2)
    offset = target - axes @ ((box[:2] + box[2:]) / 2)
    return np.column_stack((axes, offset)).astype(np.float32)


def _paste(
    random: np.random.Generator, canvas: Pixels, faces: Floats, matrix: Floats, person: Labelled
) -> bool:
    """Pastes the portrait into the scene, unless it would cover a face there; true when it was pasted."""
    size, (height, width) = len(canvas), person.grey.shape
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height))) @ matrix[:, :2].T + matrix[:, 2]
    low = np.floor(corners.min(0)).clip(0, size - 1).astype(int)
    high = np.ceil(corners.max(0)).clip(low + 1, size).astype(int)
    if ((faces[:, :2] < high) & (faces[:, 2:4] > low)).all(1).any():
        return False
    if random.random() < 0.5:
        draw_body(random, canvas, faces, matrix, person.faces[0, :4])
    scale = min(1.0, 1.3 * float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))
    smaller = max(2, round(width * scale)), max(2, round(height * scale))  # resized first, to average areas
    portrait = shaded(random, resized(person.grey, smaller))
    cut = cv2.resize(_cut(random, person), smaller)
    axes = matrix[:, :2] * np.array((width, height)) / smaller
    inner = np.column_stack((axes, matrix[:, 2] - low + axes @ (0.5, 0.5) - 0.5))
    area = int(high[0] - low[0]), int(high[1] - low[1])
    opacity = cv2.warpAffine(cut, inner, area) / np.float32(255)
    pasted = cv2.warpAffine(portrait, inner, area, borderMode=cv2.BORDER_REPLICATE)
    view = canvas[low[1] : high[1], low[0] : high[0]]
    view[:] = view + opacity * (pasted.astype(np.float32) - view)
    return True


def draw_body(
    random: np.random.Generator, canvas: Pixels, faces: Floats, matrix: Floats, box: Floats
) -> None:
    """Draws hair and shoulders in one tone each around a face, unless they would cover a face of the scene.

    box: (4,), of the face in its portrait. matrix: (2, 3); it maps the portrait to the scene.
    """
    size, bottom = box[2:] - box[:2], box[3]
    middle = (box[:2] + box[2:]) / 2
    hair = middle - (0, 0.08 * size[1]), size * random.uniform(0.6, 0.8, 2)
    chest = middle[0] + random.normal(0, 0.1) * size[0], bottom + 0.9 * size[1]
    for centre, radii in (hair, (np.array(chest), size * (random.uniform(0.9, 1.6), 0.85))):
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        outline = centre + radii * np.column_stack((np.cos(turns), np.sin(turns)))
        outline = outline @ matrix[:, :2].T + matrix[:, 2]
        if ((faces[:, :2] < outline.max(0)) & (faces[:, 2:4] > outline.min(0))).all(1).any():
            continue
        tone = float(random.uniform(0, 255))
        cv2.fillPoly(canvas, [np.rint(outline).astype(np.int32)], tone, cv2.LINE_AA)


def _cut(random: np.random.Generator, person: Labelled, step: int = 4) -> Pixels:
    """Returns the portrait's opacity at 1/step of its size: all of it with a soft rim, or the head alone."""
    height, width = (-(-side // step) for side in person.grey.shape)
    left, top, right, bottom = person.faces[0, :4] / step
    cut = np.zeros((height, width), np.uint8)
    if random.random() < 0.5 or len(person.faces) > 1:
        rim = int(random.integers(0, 3))
        cut[rim : height - rim, rim : width - rim] = 255
    else:
        middle = int((left + right) / 2), int((top + bottom) / 2 - 0.03 * (bottom - top))
        axes = (right - left) * random.uniform(0.55, 0.85), (bottom - top) * random.uniform(0.58, 0.8)
        cv2.ellipse(cut, middle, (int(axes[0]), int(axes[1])), 0, 0, 360, 255, -1)
    return cv2.GaussianBlur(cut, (0, 0), float(random.uniform(0.2, 1.5))).astype(np.uint8, copy=False)


def _moved(faces: Floats, matrix: Floats) -> Floats:
    """Returns the faces in the scene. A turned face's box is the box of its turned inscribed ellipse."""
    axes, offset = matrix[:, :2], matrix[:, 2]
    centres = (faces[:, :2] + faces[:, 2:4]) / 2 @ axes.T + offset
    half = np.linalg.norm((faces[:, None, 2:4] - faces[:, None, :2]) / 2 * axes, axis=2)
    points = faces[:, 4:].reshape(-1, 5, 2) @ axes.T + offset
    if np.linalg.det(axes) < 0:
        points = points[:, MIRRORED]
    return np.concatenate((centres - half, centres + half, points.reshape(-1, 10)), 1).astype(np.float32)
