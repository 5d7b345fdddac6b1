"""MTCNN finds faces and five points of each, in three stages. https://arxiv.org/abs/1604.02878.

It differs from the usual procedure in these ways:

- Where a box reaches beyond the image, the pixels of the edge are repeated. Usually the box is cut and
  squeezed there, and the points of the face come out wrong.
- Squares in the middle of the image go to the last stage at once. They find a face that fills the image.
- Small images are enlarged, and dark images are brightened.
- The last stage looks again at a face, in a crop that is rotated so that the face is upright.
- FaceMesh, which sees the surroundings of a face too, confirms it. The score is the geometric mean of both
  networks' probabilities. FaceMesh needs some pixels: the score of a small face is the square of the mean of
  six looks of the last stage, at three sizes, plain and mirrored.
- An image without a face that is sure is also looked at lying on its left and on its right side.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from containers.face_detection.crops import Square
from containers.face_detection.detection import Face
from containers.face_detection.landmarks import Landmarks
from containers.face_detection.weight_files import ONET, PNET, RNET
from serving.arrays import Floats, Pixels
from serving.executor import Executor, compile
from serving.weights import Weights

if TYPE_CHECKING:
    import torch

SMALLEST = 20  # px, the smallest face that is looked for in the scaled image
LONGEST = 1280  # px of the longest side
ENLARGED, MOST = 640, 2.0  # px to which a smaller image grows, and the most that it grows
STEP = 0.709  # between two sizes of the pyramid, the square root of a half
WINDOW, STRIDE = 12, 2  # px of the first network
PROPOSED, REFINED, POSSIBLE = 0.6, 0.6, 0.4  # lowest scores after each stage
CENTRED = 0.7, 0.85, 1.0, 1.2  # squares in the middle, in short sides of the image
LOOKS = tuple((zoom, mirrored) for zoom in (0.85, 1.0, 1.2) for mirrored in (False, True))
LYING, LYING_SCORE = 640, 0.9  # longest side in px and lowest score in an image that is rotated by quarters
CONFIRMED = 40  # px of the scaled image; FaceMesh confirms faces from this size on
DARK, BRIGHT = 160, 4.0  # an image without brighter pixels is brightened, at most so many times
MAX_PROPOSALS, MAX_FACES = 2000, 200  # of an image
_BATCH = 128  # crops that go through a network together


class Mtcnn:
    """Finds faces.

    proposal, refinement, output: the networks of `networks.mtcnn`. mesh: confirms faces.
    """

    def __init__(self, proposal: Executor, refinement: Executor, output: Executor, mesh: Landmarks) -> None:
        self._proposal, self._refinement, self._output, self._mesh = proposal, refinement, output, mesh

    @classmethod
    def load(cls, weights: Weights, device: str, mesh: Landmarks | None = None) -> Self:
        """Loads the networks of the files `MTCNN` and compiles them for the device, `mesh` only if None."""
        stages = ("ProposalNetwork", PNET, 64), ("RefinementNetwork", RNET, 24), ("OutputNetwork", ONET, 48)
        proposal, refinement, output = (
            compile(
                partial(_network, name, weights[file.name]),
                np.zeros((2, 3, side, side), np.float32),
                device=device,
                cache=weights.derived(name),
            )
            for name, file, side in stages
        )
        return cls(proposal, refinement, output, mesh or Landmarks.load(weights, device))

    def detect(self, images: Sequence[Pixels], min_scores: Sequence[float]) -> list[list[Face]]:
        """Returns the faces of every (H, W, 3) RGB image, highest score first; at most `MAX_FACES` per image.

        min_scores: the minimum score for each image.
        """
        return [self._faces(image, limit) for image, limit in zip(images, min_scores, strict=True)]

    def _faces(self, image: Pixels, limit: float) -> list[Face]:
        scale = _scale(image)
        scaled = brightened(_resized(image, scale))
        found = self._found(scaled, limit)
        if not (found[:, 4] >= LYING_SCORE).any():
            lying = self._lying(scaled, limit)
            found = lying if len(lying) else found
        return [Face(row[:4] / scale, float(row[4]), row[5:].reshape(5, 2) / scale) for row in found]

    def _found(self, image: Pixels, limit: float) -> Floats:
        """Returns (N, 15) boxes, scores and points of faces, highest score first."""
        boxes = np.concatenate((self._refined(image, self._proposed(image)), _centred(image)))
        seen = self._described(image, boxes)
        found = self._seen_upright(image, seen[seen[:, 4] >= POSSIBLE])
        found = found[_kept(found, 0.55, "smaller")][:MAX_FACES]
        found[:, 4] = self._scores(image, found)
        found = found[found[:, 4] >= limit]
        return found[np.argsort(-found[:, 4], kind="stable")]

    def _lying(self, image: Pixels, limit: float) -> Floats:
        """Returns (N, 15) faces of an image that lies on its left or right side."""
        scale = min(1.0, LYING / max(image.shape[:2]))
        small = _resized(image, scale)
        for quarters in (1, 3):
            turned = np.ascontiguousarray(np.rot90(small, quarters))
            found = self._found(turned, max(limit, LYING_SCORE))
            if len(found):
                return _turned_back(found, quarters, small.shape[:2], scale)
        return np.zeros((0, 15), np.float32)

    def _proposed(self, image: Pixels) -> Floats:
        """Returns (N, 5) boxes and scores from the first network, which sees the image in many sizes."""

        def boxes(outputs: tuple[Floats, ...], scale: float) -> Floats:
            found = _proposals(outputs[0][0], scale)
            return found[_kept(found, 0.5)]

        views = ((network_input(smaller[None]), scale) for smaller, scale in _pyramid(image))
        every = np.concatenate([np.zeros((0, 5), np.float32), *self._proposal.map_with(views, boxes)])
        return every[_kept(every, 0.7)][:MAX_PROPOSALS]

    def _refined(self, image: Pixels, boxes: Floats) -> Floats:
        """Returns those (N, 5) boxes that the second network confirms, moved."""
        squares = _squares(boxes)
        outputs = _answers(self._refinement, (crop(image, square, 24) for square in squares))
        found = np.column_stack((_moved(squares, outputs[:, 1:5]), outputs[:, 0]))
        found = found[outputs[:, 0] >= REFINED]
        return found[_kept(found, 0.7)]

    def _described(self, image: Pixels, boxes: Floats) -> Floats:
        """Returns (N, 15) boxes, scores and points from the last network."""
        squares = _squares(boxes)
        outputs = _answers(self._output, (crop(image, square, 48) for square in squares))
        corner, side = squares[:, None, :2], (squares[:, 2] - squares[:, 0])[:, None, None]
        points = np.stack((outputs[:, 5:10], outputs[:, 10:15]), 2) * side + corner
        return np.column_stack((_moved(squares, outputs[:, 1:5]), outputs[:, 0], points.reshape(-1, 10)))

    def _seen_upright(self, image: Pixels, rows: Floats) -> Floats:
        """Looks at (N, 15) faces again, in crops that are rotated so that the face is upright.

        Of the two looks the one with the higher score counts.
        """
        squares = [_upright_square(row) for row in rows]
        crops = (square.crop(image, 48, cv2.BORDER_REPLICATE) for square in squares)
        outputs = _answers(self._output, crops)
        again = [_in_image(square, output) for square, output in zip(squares, outputs, strict=True)]
        found = np.array(again, np.float32).reshape(-1, 15)
        better: Floats = np.where(found[:, 4:5] >= rows[:, 4:5], found, rows)
        return better

    def _scores(self, image: Pixels, rows: Floats) -> Floats:
        """Returns the (N,) scores of (N, 15) faces."""
        small = (rows[:, 2:4] - rows[:, :2]).max(1, initial=0) < CONFIRMED
        scores: Floats = np.empty(len(rows), np.float32)
        scores[small] = self._mean_score(image, rows[small]) ** 2
        presences = self._mesh.presences(image, map(_face, rows[~small]))
        scores[~small] = np.sqrt(rows[~small, 4] * presences)
        return scores

    def _mean_score(self, image: Pixels, rows: Floats) -> Floats:
        """Returns the (N,) mean score of each of (N, 15) faces over all `LOOKS`."""
        crops = (
            _upright_square(row, zoom).crop(image, 48, cv2.BORDER_REPLICATE)[:, :: -1 if mirrored else 1]
            for row in rows
            for zoom, mirrored in LOOKS
        )
        scores = _answers(self._output, crops)[:, 0].reshape(-1, len(LOOKS))
        return np.asarray(scores.mean(1), np.float32)


def network_input(images: Pixels) -> Floats:
    """Returns (N, 3, H, W) from (N, H, W, 3) RGB."""
    return (images.transpose(0, 3, 1, 2).astype(np.float32) - np.float32(127.5)) / np.float32(128)


def brightened(image: Pixels) -> Pixels:
    """Multiplies the pixels of a dark image, so that its bright ones become nearly white."""
    brightest = float(np.percentile(image[::4, ::4].max(2), 99))
    if brightest >= DARK:
        return image
    return cv2.convertScaleAbs(image, alpha=min(BRIGHT, 240 / max(1.0, brightest))).astype(
        np.uint8, copy=False
    )


def crop(image: Pixels, square: Floats, side: int) -> Pixels:
    """Returns the (side, side, 3) pixels of a square; beyond the image those of its edge are repeated."""
    left, top, right, bottom = np.rint(square).astype(int).tolist()
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    height, width = image.shape[:2]
    inner = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if not inner.size:  # the square is wholly outside
        return np.zeros((side, side, 3), np.uint8)
    above, below = max(0, -top), max(0, bottom - height)
    before, after = max(0, -left), max(0, right - width)
    framed = cv2.copyMakeBorder(inner, above, below, before, after, cv2.BORDER_REPLICATE)
    kind = cv2.INTER_AREA if bottom - top > side else cv2.INTER_LINEAR
    return cv2.resize(framed, (side, side), interpolation=kind).astype(np.uint8, copy=False)


def _answers(network: Executor, crops: Iterable[Pixels]) -> Floats:
    """Returns the network's output for every crop, (N, 5) or (N, 15).

    Batches are filled up to a power of two, so that the network meets few shapes.
    """

    def batches() -> Iterator[tuple[Floats, int]]:
        remaining = iter(crops)
        while several := list(islice(remaining, _BATCH)):
            size = min(_BATCH, max(4, 1 << (len(several) - 1).bit_length()))
            batch = np.stack(several + several[:1] * (size - len(several)))
            yield network_input(batch), len(several)

    found = network.map_with(batches(), lambda outputs, count: outputs[0][:count].copy())
    return np.concatenate(found) if found else np.zeros((0, 15), np.float32)


def _scale(image: Pixels) -> float:
    longest: int = max(image.shape[:2])
    return min(LONGEST / longest, max(1.0, min(MOST, ENLARGED / longest)))


def _resized(image: Pixels, scale: float) -> Pixels:
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=kind).astype(np.uint8, copy=False)


def _pyramid(image: Pixels) -> Iterator[tuple[Pixels, float]]:
    """Yields copies of the image, and their scales, in which ever larger faces fill the window."""
    scale, smaller = WINDOW / SMALLEST, image
    while min(image.shape[:2]) * scale >= WINDOW:
        height, width = (round(side * scale) for side in image.shape[:2])
        scaled = cv2.resize(smaller, (width, height), interpolation=cv2.INTER_AREA)
        smaller = scaled.astype(np.uint8, copy=False)
        yield smaller, scale
        scale *= STEP


def _centred(image: Pixels) -> Floats:
    """Returns (4, 5) squares in the middle of the image, as boxes with a score."""
    height, width = image.shape[:2]
    middle = np.array((width, height) * 2, np.float32) / 2
    reach = np.array(CENTRED, np.float32)[:, None] * min(height, width) / 2
    boxes = middle + reach * np.array((-1, -1, 1, 1), np.float32)
    return np.column_stack((boxes, np.ones(len(boxes), np.float32)))


def _proposals(output: Floats, scale: float) -> Floats:
    """Returns (N, 5) boxes and scores of the windows that may show a face. output: (5, h, w)."""
    rows, columns = np.nonzero(output[0] >= PROPOSED)
    corner = np.stack((columns, rows), 1) * STRIDE
    windows = np.concatenate((corner, corner + WINDOW), 1).astype(np.float32) / np.float32(scale)
    return np.column_stack((_moved(windows, output[1:, rows, columns].T), output[0, rows, columns]))


def _moved(boxes: Floats, distances: Floats) -> Floats:
    """Moves the edges of (N, 4) boxes by distances, in sides of the box."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + distances * np.tile(sides, 2), np.float32)


def _squares(boxes: Floats) -> Floats:
    """Returns (N, 4) squares with the centres and the longer sides of (N, 4 or more) boxes."""
    centre = (boxes[:, :2] + boxes[:, 2:4]) / 2
    reach = (boxes[:, 2:4] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate((centre - reach, centre + reach), 1)


def _face(row: Floats) -> Face:
    return Face(row[:4], float(row[4]), row[5:].reshape(5, 2))


def _upright_square(row: Floats, zoom: float = 1.0) -> Square:
    """Returns the square around a (15,) face, rotated like it. zoom: of the longer side of its box."""
    face = _face(row)
    return Square(face.centre, max(1.0, zoom * face.size), face.angle)


def _in_image(square: Square, output: Floats) -> Floats:
    """Returns box, score and points, (15,), in the image. output: of the last network, for the square."""
    left, top, right, bottom = output[1:5] + np.array((0, 0, 1, 1), np.float32)
    points = np.stack((output[5:10], output[10:15]), 1)
    middle = np.array([((left + right) / 2, (top + bottom) / 2)], np.float32)
    centre, *others = square.image_points(np.concatenate((middle, points)), 1)
    # the upright box that holds the ellipse in the rotated one
    half = np.array((right - left, bottom - top)) * (square.side / 2)
    cosine, sine = np.cos(square.angle), np.sin(square.angle)
    reach = np.linalg.norm(np.array(((cosine, sine), (sine, cosine)), np.float32) * half, axis=1)
    return np.concatenate((centre - reach, centre + reach, output[:1], np.ravel(others)))


def _turned_back(rows: Floats, quarters: int, shape: tuple[int, ...], scale: float) -> Floats:
    """Returns (N, 15) faces in the image from those in its copy, scaled and rotated by quarters of a turn.

    shape: height and width of the scaled copy before its rotation.
    """
    places = np.delete(rows, 4, 1).reshape(-1, 7, 2)  # two corners and five points
    for done in reversed(range(quarters)):
        places = np.stack((shape[1 - done % 2] - places[..., 1], places[..., 0]), 2)
    corners, points = places[:, :2] / scale, places[:, 2:] / scale
    return np.column_stack((corners.min(1), corners.max(1), rows[:, 4], points.reshape(-1, 10))).astype(
        np.float32
    )


def _kept(rows: Floats, overlap: float, of: str = "union") -> list[int]:
    """Returns the indices of rows that no better row overlaps more, highest score first.

    overlap: the shared area as a part of the union, or of the smaller box. rows: (N, 5 or more).
    """
    order = np.argsort(-rows[:, 4], kind="stable")
    areas = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        shared = np.minimum(rows[best, 2:4], rows[rest, 2:4]) - np.maximum(rows[best, :2], rows[rest, :2])
        both = np.prod(shared.clip(0), axis=1)
        whole = areas[best] + areas[rest] - both if of == "union" else np.minimum(areas[best], areas[rest])
        order = rest[both <= overlap * whole]
    return kept


def _network(name: str, file: Path) -> "torch.nn.Module":
    # Imported here because a start from a compiled network needs no torch.
    from containers.face_detection.networks import mtcnn

    return mtcnn.load(getattr(mtcnn, name), file)
