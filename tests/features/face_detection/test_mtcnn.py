"""Tests of MTCNN: its networks, and faces in photographs that are dark, blurred, rotated or small."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from benchmarks.data.composites import photograph
from containers.face_detection import mtcnn
from containers.face_detection.detector import FaceDetector
from containers.face_detection.networks import mtcnn as networks
from containers.face_detection.weight_files import ONET, PNET, RNET
from serving.arrays import Doubles, Pixels
from serving.feature import WeightFile, find
from tests.support.ask import weights_of

FACE = (179, 54, 271, 178)  # the box of the astronaut's face, drawn by hand
FEATURE = find("face_detection")

# The first row of each output of facenet-pytorch 2.6.0's own networks for the same input; of the first
# network, the mean over all places.
FINGERPRINTS = (
    (networks.ProposalNetwork, PNET, (61, 48), (0.0088, 0.1718, 0.0903, -0.1840, -0.0336)),
    (networks.RefinementNetwork, RNET, (24, 24), (0.0067, 0.0387, -0.0031, -0.1958, 0.0316)),
    (
        networks.OutputNetwork,
        ONET,
        (48, 48),
        (
            *(0.0004, 0.1035, -0.0327, -0.1292, -0.0110),
            *(0.2721, 0.6460, 0.4195, 0.2599, 0.5513, 0.2587, 0.2614, 0.4511, 0.7668, 0.7883),
        ),
    ),
)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.load(weights_of(FEATURE), "cpu")


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    return photograph("astronaut")


@pytest.mark.parametrize(("network", "file", "size", "expected"), FINGERPRINTS)
def test_the_networks_answer_as_the_packages_own(
    network: Callable[[], torch.nn.Module],
    file: WeightFile,
    size: tuple[int, int],
    expected: tuple[float, ...],
) -> None:
    loaded = networks.load(network, weights_of(FEATURE)[file.name])
    noise = np.random.default_rng(0).uniform(-1, 1, (2, 3, *size)).astype(np.float32)
    found = loaded(torch.from_numpy(noise))[0]
    np.testing.assert_allclose(found.reshape(len(expected), -1).mean(1), expected, atol=1e-4)


def rotated(image: Pixels, degrees: float) -> tuple[Pixels, Doubles]:
    """Returns the image rotated about the face, and the (2, 3) matrix."""
    turn = cv2.getRotationMatrix2D((225, 116), degrees, 1)
    shown = cv2.warpAffine(image, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
    return shown, np.asarray(turn, np.float64)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "dark": lambda image: (image * 0.3).astype(np.uint8),
    "very dark": lambda image: (image * 0.1).astype(np.uint8),
    "blurred": lambda image: cv2.GaussianBlur(image, (0, 0), 3).astype(np.uint8),
    "grey": lambda image: np.repeat(image.mean(2, keepdims=True), 3, 2).astype(np.uint8),
    "compressed": lambda image: np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 15])[1], cv2.IMREAD_COLOR)
    ).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_face_is_found_in_a_bad_photograph(
    detector: FaceDetector, astronaut: Pixels, change: str
) -> None:
    ((face,),) = detector.detect([CHANGES[change](astronaut)])
    np.testing.assert_allclose(face.box, FACE, atol=14)


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40])
def test_a_tilted_face_is_found_with_its_angle(
    detector: FaceDetector, astronaut: Pixels, degrees: int
) -> None:
    image, turn = rotated(astronaut, degrees)
    face = detector.detect([image])[0][0]
    assert np.degrees(face.angle) == pytest.approx(-degrees, abs=8)
    eyes = np.array([(203, 102), (246, 102)]) @ turn[:, :2].T + turn[:, 2]
    np.testing.assert_allclose(face.points[:2], eyes, atol=6)


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_face_that_lies_is_found_with_its_points(
    detector: FaceDetector, astronaut: Pixels, quarters: int
) -> None:
    ((face,),) = detector.detect([np.ascontiguousarray(np.rot90(astronaut, quarters))])
    places = np.array([(203, 102), (246, 102), (224, 129), (203, 140), (246, 140)])
    for _ in range(quarters):
        places = np.stack((places[:, 1], 512 - places[:, 0]), 1)
    np.testing.assert_allclose(face.points, places, atol=6)
    assert 0.5 < np.ptp(face.box[::2]) / np.ptp(face.box[1::2]) < 2


@pytest.mark.parametrize("width", [16, 20, 28])
def test_a_small_face_is_found(detector: FaceDetector, astronaut: Pixels, width: int) -> None:
    scale = width / (FACE[2] - FACE[0])
    small = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ((face,),) = detector.detect([small.astype(np.uint8)])
    np.testing.assert_allclose(face.box, np.array(FACE) * scale, atol=0.15 * width)


@pytest.mark.parametrize("margin", [0, 10])
def test_a_face_that_fills_the_image_is_found(detector: FaceDetector, astronaut: Pixels, margin: int) -> None:
    left, top, right, bottom = FACE
    tight = astronaut[top - margin : bottom + margin, left - margin : right + margin]
    ((face,),) = detector.detect([np.ascontiguousarray(tight)])
    np.testing.assert_allclose(
        face.points[:2], np.array([(203, 102), (246, 102)]) - (left - margin, top - margin), atol=5
    )


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "brick", "coins"])
def test_no_face_is_found_where_there_is_none(detector: FaceDetector, name: str) -> None:
    image = np.asarray(getattr(skimage.data, name)(), np.uint8)
    colour = image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)
    assert detector.detect([colour]) == [[]]


# Parts


def test_beyond_the_image_the_pixels_of_its_edge_are_repeated() -> None:
    image = np.arange(100, dtype=np.uint8).reshape(10, 10, 1).repeat(3, 2)
    corner = mtcnn.crop(image, np.array((-5, -5, 5, 5), np.float32), 10)
    assert (corner[:6, :6] == 0).all()
    assert corner[9, 9, 0] == image[4, 4, 0]
    assert mtcnn.crop(image, np.array((90, 90, 99, 99), np.float32), 12).shape == (12, 12, 3)


def test_only_a_dark_image_is_brightened() -> None:
    bright = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    assert mtcnn.brightened(bright) is bright
    assert mtcnn.brightened((bright * 0.3).astype(np.uint8)).max() > 200
    assert not mtcnn.brightened(np.zeros((40, 40, 3), np.uint8)).any()
