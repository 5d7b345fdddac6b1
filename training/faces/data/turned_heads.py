"""Turns the frontal portraits to half profile and profile, by the depth that FaceMesh estimates.

The method is 300W-LP's face profiling: Zhu et al. 2016, https://arxiv.org/abs/1511.07212.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay  # type: ignore[import-untyped]
from scipy.spatial.transform import Rotation  # type: ignore[import-untyped]

from containers.face_detection.landmarks import SIZE
from serving.arrays import Floats, Pixels
from training.faces.data.detector_backgrounds import Backgrounds
from training.faces.data.detector_labels import Labelled, Teachers, face_square, labels, with_faces
from training.material import photographs

FILE = Path("out/training/turned_heads.npz")
COUNT = 3000
# fmt: off
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on
"""Points that form the mesh's rim, listed clockwise from the top of the forehead."""
RINGS = ((1.08, 1.15, 0.16), (1.2, 1.4, 0.42), (1.24, 1.45, 0.75))
"""Rings around the rim, for ears, hair and neck: factor outwards, factor upwards, depth in face widths."""


def turned_heads(people: Sequence[Labelled], file: Path = FILE) -> list[Labelled]:
    """Returns turned portraits of `COUNT` people, without those in which the teacher finds no face any more.

    They are made once and stored in the file.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        heads = list(_made(people))
        np.savez(
            file,
            allow_pickle=False,
            heads=heads,
            **labels(np.repeat(each[..., None], 3, 2) for each in heads),
        )
    with np.load(file) as arrays:
        heads = list(arrays["heads"])
    return list(with_faces(((False, each) for each in heads), file))


def _made(people: Sequence[Labelled]) -> Iterator[Pixels]:
    random, meshed = np.random.default_rng(0), Teachers.load().landmarks
    backgrounds = Backgrounds(photographs(), count=300)
    chosen = [people[index] for index in random.choice(len(people), COUNT, replace=False)]
    crops = [_crop(each) for each in chosen]
    for crop, mesh in zip(crops, meshed.meshes(crops), strict=True):
        yield turned(crop[..., 0], mesh, backgrounds.piece(random, SIZE), _angles(random))


def _crop(person: Labelled) -> Pixels:
    """Returns (192, 192, 3): FaceMesh's crop, with the portrait's rim repeated beyond the portrait."""
    square, rim = face_square(person), len(person.grey) // 2
    padded = np.pad(person.grey, rim, mode="edge")[..., None]
    return square._replace(centre=square.centre + np.float32(rim)).crop(np.repeat(padded, 3, 2), SIZE)


def _angles(random: np.random.Generator) -> tuple[float, float]:
    """Returns the angles aside and down, in radians."""
    return float(random.uniform(0.35, 1.35) * random.choice((-1, 1))), float(random.normal(0, 0.15))


def turned(grey: Pixels, mesh: Floats, background: Pixels, angles: tuple[float, float]) -> Pixels:
    """Returns the (S, S) head, turned, on a background of that size.

    mesh: (468, 3) x, y and depth in pixels. angles: aside and down, in radians.
    """
    points = headlike(mesh)
    triangles = Delaunay(points[:, :2]).simplices
    moved = rotated(points, *angles)
    corners = moved[triangles]
    sides, before = (np.linalg.det(np.diff(each[..., :2], axis=1)) for each in (corners, points[triangles]))
    seen = np.flatnonzero(sides * before > 0)
    canvas = background.copy()
    for index in seen[np.argsort(-corners[seen, :, 2].mean(1))]:
        _draw(canvas, grey, points[triangles[index], :2], corners[index, :, :2])
    return canvas


def headlike(mesh: Floats) -> Floats:
    """Returns (468 + 108, 3): the mesh with rings around its rim."""
    rim = mesh[list(OVAL)]
    middle, width = rim[:, :2].mean(0), float(np.ptp(rim[:, 0]))
    away, rings = rim[:, :2] - middle, []
    for out, up, behind in RINGS:
        factors = np.column_stack((np.full(len(rim), out), np.where(away[:, 1] < 0, up, out)))
        rings.append(np.column_stack((middle + factors * away, rim[:, 2] + behind * width)))
    return np.concatenate((mesh, *rings)).astype(np.float32)


def rotated(points: Floats, aside: float, down: float) -> Floats:
    """Returns the (N, 3) points, turned about the middle of the head."""
    rim = points[list(OVAL)]
    centre = rim.mean(0) + np.array((0, 0, 0.2 * np.ptp(rim[:, 0])))
    turn = Rotation.from_euler("yx", (aside, down))
    return np.asarray(turn.apply(points - centre) + centre, np.float32)


def _draw(canvas: Pixels, grey: Pixels, source: Floats, target: Floats) -> None:
    """Draws one triangle of the picture at its place."""
    low = np.floor(target.min(0)).clip(0, len(canvas)).astype(int)
    high = np.ceil(target.max(0) + 1).clip(0, len(canvas)).astype(int)
    width, height = (high - low).tolist()
    if width <= 0 or height <= 0:
        return
    matrix = cv2.getAffineTransform(source, (target - low).astype(np.float32))
    piece = cv2.warpAffine(grey, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.rint((target - low) * 16).astype(np.int32), 1, shift=4)
    view = canvas[low[1] : high[1], low[0] : high[0]]
    np.copyto(view, piece, where=mask > 0)
