"""Where a template lies in a photograph: a homography from local features, or from the texts both show.

Papers: SIFT https://doi.org/10.1023/B:VISI.0000029664.99615.94, RootSIFT
https://doi.org/10.1109/CVPR.2012.6248018, MAGSAC++ https://arxiv.org/abs/1912.05909 (OpenCV's USAC_MAGSAC).
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple, cast

import cv2
import numpy as np

from serving.arrays import Floats, Pixels

Size = tuple[int, int]
"""Height and width in pixels."""

LONG_SIDE = 1000  # pixels; more finds more features, and costs more than it brings
MAX_FEATURES = 3000
CONTRAST = 0.02  # half of the usual: soft pictures have features too
RATIO = 0.8  # nearest to second nearest descriptor
TOLERANCE = 0.005  # of the photograph's longest side: an inlier's distance, at most
MIN_INLIERS = 8
MIN_COVERAGE = 0.05  # of the template's area, by the hull of the inliers
AREA = 0.01, 4.0  # of the photograph, by the template in it
MIN_TEXT = 2  # characters


class Features(NamedTuple):
    """points: (N, 2) x and y in pixels of the image. descriptors: (N, 128), each of length 1."""

    points: Floats
    descriptors: Floats


class Rough(NamedTuple):
    """matrix: (3, 3) float32, from template to photograph. support: how many matches agree with it."""

    matrix: Floats
    support: int


class Matches(NamedTuple):
    """Points that may correspond, both (N, 2) x and y in pixels."""

    template: Floats
    photograph: Floats


def features(image: Pixels) -> Features:
    """RootSIFT features of an (H, W, 3) RGB image."""
    scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    keypoints, descriptors = cv2.SIFT.create(MAX_FEATURES, contrastThreshold=CONTRAST).detectAndCompute(
        small, None
    )
    if descriptors is None:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128), np.float32))
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    points = np.array(cv2.KeyPoint.convert(keypoints), np.float32)
    return Features(points / np.float32(scale), np.sqrt(shares))


def match_features(template: Features, photograph: Features) -> Matches:
    """Features of the photograph and, for each, the template's that is clearly the most similar."""
    if len(template.points) < 2:  # one of a kind is no clear best
        return Matches(template.points[:0], photograph.points[:0])
    pairs = cv2.BFMatcher().knnMatch(photograph.descriptors, template.descriptors, k=2)
    clear = [best for best, second in pairs if best.distance < RATIO * second.distance]
    return Matches(
        template.points[[match.trainIdx for match in clear]],
        photograph.points[[match.queryIdx for match in clear]],
    )


def match_texts(template: Iterable[tuple[str, Floats]], photograph: Iterable[tuple[str, Floats]]) -> Matches:
    """The corners of lines whose text stands once in either image. Each line: text and (4, 2) corners."""
    ours, theirs = _unique(template), _unique(photograph)
    shared = sorted(ours.keys() & theirs.keys())
    none = np.empty((0, 2), np.float32)
    return Matches(
        np.concatenate([none, *(ours[text] for text in shared)]),
        np.concatenate([none, *(theirs[text] for text in shared)]),
    )


def _unique(lines: Iterable[tuple[str, Floats]]) -> dict[str, Floats]:
    plain = [("".join(unicodedata.normalize("NFKC", text).split()), corners) for text, corners in lines]
    count = Counter(text for text, _ in plain)
    return {text: corners for text, corners in plain if len(text) >= MIN_TEXT and count[text] == 1}


def homography(matches: Matches, template: Size, photograph: Size) -> Rough | None:
    """What most matches agree on, if they are spread over the template and show it unmirrored, of fair size.

    Chance can bring that about, so look at the images under it before relying on it.
    """
    if len(matches.template) < MIN_INLIERS:
        return None
    tolerance = TOLERANCE * max(photograph)
    found, agrees = cv2.findHomography(
        matches.template, matches.photograph, cv2.USAC_MAGSAC, tolerance, maxIters=5000, confidence=0.9999
    )
    if found is None:
        return None
    matrix = found.astype(np.float32)
    inliers = matches.template[agrees.ravel() > 0]
    if len(inliers) < MIN_INLIERS:
        return None
    height, width = template
    if cv2.contourArea(cv2.convexHull(inliers)) < MIN_COVERAGE * height * width:
        return None
    corners = project(matrix, np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32))
    area = cv2.contourArea(corners, oriented=True) / (photograph[0] * photograph[1])
    plausible = AREA[0] < area < AREA[1] and cv2.isContourConvex(corners)
    return Rough(matrix, len(inliers)) if plausible else None


def project(matrix: Floats, points: Floats) -> Floats:
    """(..., 2) points through a (3, 3) homography."""
    if not points.size:
        return points
    return cast(Floats, cv2.perspectiveTransform(points.reshape(-1, 1, 2), matrix).reshape(points.shape))
