"""Finds a template in a photograph: a homography from local features, or from texts that both images show.

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

LONG_SIDE = 1000  # px; a larger image gives more features, but they do not pay for the time
MAX_FEATURES = 3000
CONTRAST = 0.02  # half of the usual value, so that blurred pictures have features too
RATIO = 0.8  # of the distances to the nearest and the second nearest descriptor, at most
TOLERANCE = 0.005  # distance of an inlier, at most, as a share of the photograph's longest side
MIN_INLIERS = 8
MIN_COVERAGE = 0.05  # share of the template's area that the hull of the inliers covers
AREA = 0.01, 4.0  # of the template in the photograph, as a share of the photograph's area
MIN_TEXT = 2  # characters


class Features(NamedTuple):
    """Local features. points: (N, 2) x and y in pixels of the image. descriptors: (N, 128), of length 1."""

    points: Floats
    descriptors: Floats


class Homography(NamedTuple):
    """A homography. matrix: (3, 3) float32, from template to photograph. support: number of inliers."""

    matrix: Floats
    support: int


class Matches(NamedTuple):
    """Pairs of points that may correspond, both (N, 2) x and y in pixels."""

    template: Floats
    photograph: Floats


def features(image: Pixels) -> Features:
    """Returns the RootSIFT features of an (H, W, 3) RGB image."""
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
    """Matches each feature of the photograph with the template's nearest one, if that is clearly the best."""
    if len(template.points) < 2:  # the ratio test needs two
        return Matches(template.points[:0], photograph.points[:0])
    pairs = cv2.BFMatcher().knnMatch(photograph.descriptors, template.descriptors, k=2)
    clear = [best for best, second in pairs if best.distance < RATIO * second.distance]
    return Matches(
        template.points[[match.trainIdx for match in clear]],
        photograph.points[[match.queryIdx for match in clear]],
    )


def match_texts(template: Iterable[tuple[str, Floats]], photograph: Iterable[tuple[str, Floats]]) -> Matches:
    """Matches the corners of lines with a text that is unique in both images. Lines: text, (4, 2) corners."""
    ours, theirs = _unique(template), _unique(photograph)
    shared = sorted(ours.keys() & theirs.keys())
    none = np.empty((0, 2), np.float32)
    return Matches(
        np.concatenate([none, *(ours[text] for text in shared)]),
        np.concatenate([none, *(theirs[text] for text in shared)]),
    )


def _unique(lines: Iterable[tuple[str, Floats]]) -> dict[str, Floats]:
    """Returns the corners of each text that occurs once, without spaces and differences of width."""
    plain = [("".join(unicodedata.normalize("NFKC", text).split()), corners) for text, corners in lines]
    count = Counter(text for text, _ in plain)
    return {text: corners for text, corners in plain if len(text) >= MIN_TEXT and count[text] == 1}


def fit_homography(matches: Matches, template: Size, photograph: Size) -> Homography | None:
    """Fits a homography that as many matches as possible obey, or returns None when it is not plausible.

    The inliers of a plausible homography are spread over the template, and the template in the photograph is
    not mirrored and has a plausible size. Wrong matches can meet these conditions by chance, so compare the
    images under the homography before you rely on it.
    """
    if len(matches.template) < MIN_INLIERS:
        return None
    tolerance = TOLERANCE * max(photograph)
    found, is_inlier = cv2.findHomography(
        matches.template, matches.photograph, cv2.USAC_MAGSAC, tolerance, maxIters=5000, confidence=0.9999
    )
    if found is None:
        return None
    matrix = found.astype(np.float32)
    inliers = matches.template[is_inlier.ravel() > 0]
    if len(inliers) < MIN_INLIERS:
        return None
    height, width = template
    if cv2.contourArea(cv2.convexHull(inliers)) < MIN_COVERAGE * height * width:
        return None
    corners = project(matrix, np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32))
    area = cv2.contourArea(corners, oriented=True) / (photograph[0] * photograph[1])
    plausible = AREA[0] < area < AREA[1] and cv2.isContourConvex(corners)
    return Homography(matrix, len(inliers)) if plausible else None


def project(matrix: Floats, points: Floats) -> Floats:
    """Maps points, (..., 2), with a (3, 3) homography."""
    if not points.size:
        return points
    return cast(Floats, cv2.perspectiveTransform(points.reshape(-1, 1, 2), matrix).reshape(points.shape))
