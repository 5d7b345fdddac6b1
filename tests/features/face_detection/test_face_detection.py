"""Tests of face_detection with its real weights, on the example photograph and on changed copies of it."""

import io
from collections.abc import Sequence
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image

from containers.face_detection.detector import Face, FaceDetector
from serving.arrays import Pixels
from serving.feature import find
from serving.images.intake import Media
from serving.weights import Weights
from tests.support.ask import Ask, weights_of

FEATURE = find("face_detection")
FACE = (179, 54, 271, 178)  # the box of the face in the photograph, drawn by hand


@pytest.fixture(scope="module")
def weights() -> Weights:
    return weights_of(FEATURE)


@pytest.fixture(scope="module")
def detector(weights: Weights) -> FaceDetector:
    return FaceDetector.load(weights, "cpu")


@pytest.fixture(scope="module")
def photograph() -> Pixels:
    """The example photograph, (512, 512, 3), which shows one face."""
    return Media().decode((FEATURE.folder / "example.jpg").read_bytes())


@pytest.fixture
def faces(ask: Ask, weights: Weights) -> Any:
    """A function that requests the faces of a picture."""

    def found(pixels: Pixels, **options: object) -> list[dict[str, Any]]:
        body = msgspec.json.encode({"img": png(pixels), **options})
        (reply,) = ask(FEATURE, body)
        assert reply.status == 200, reply.body
        listed: list[dict[str, Any]] = msgspec.json.decode(reply.body)["Faces"]
        return listed

    return found


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def pasted(photograph: Pixels, width: int, at: tuple[int, int], size: tuple[int, int]) -> Pixels:
    """Returns a grey picture with the photograph, its face `width` px wide, pasted at x, y.

    size: width and height of the picture.
    """
    scale = width / (FACE[2] - FACE[0])
    small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    target = picture[at[1] : at[1] + small.shape[0], at[0] : at[0] + small.shape[1]]
    target[:] = small[: target.shape[0], : target.shape[1]]
    return picture


def close(one: Sequence[Face], other: Sequence[Face], pixels: float = 0.05) -> bool:
    return len(one) == len(other) and all(
        a.score == pytest.approx(b.score, abs=1e-3)
        and np.allclose(a.box, b.box, atol=pixels)
        and np.allclose(a.points, b.points, atol=pixels)
        for a, b in zip(one, other, strict=True)
    )


# Detection


def test_the_face_of_the_photograph_is_found(detector: FaceDetector, photograph: Pixels) -> None:
    ((face,),) = detector.detect([photograph])
    np.testing.assert_allclose(face.box, FACE, atol=6)
    np.testing.assert_allclose(
        face.points, [(203, 102), (246, 102), (224, 129), (203, 140), (246, 140)], atol=4
    )
    assert face.score > 0.99


def test_a_batch_gives_the_same_faces_as_its_pictures_one_by_one(
    detector: FaceDetector, photograph: Pixels
) -> None:
    pictures = [
        photograph,
        np.zeros((40, 3000, 3), np.uint8),
        pasted(photograph, 40, (700, 300), (1400, 900)),
        photograph[:400, 100:],
    ]
    together = detector.detect(pictures)
    assert [len(found) for found in together] == [1, 0, 1, 1]
    for picture, found in zip(pictures, together, strict=True):
        assert close(detector.detect([picture])[0], found)
    assert detector.detect([]) == []


def test_each_picture_of_a_batch_has_its_own_minimum_score(
    detector: FaceDetector, photograph: Pixels
) -> None:
    (face,) = detector.detect([photograph], [0.1])[0]
    above = (face.score + 1) / 2
    alone, with_doubtful = detector.detect([photograph], [above])[0], [face]
    assert alone == []
    together = detector.detect([photograph, photograph], [0.1, above])
    assert close(together[0], with_doubtful)
    assert close(together[1], alone)


@pytest.mark.parametrize("width", [32, 90, 300, 700])
def test_faces_of_all_sizes_are_found_once(detector: FaceDetector, photograph: Pixels, width: int) -> None:
    side = max(1200, 6 * width)
    ((face,),) = detector.detect([pasted(photograph, width, (100, 50), (side, side))])
    expected = np.array(FACE) * width / (FACE[2] - FACE[0]) + (100, 50, 100, 50)
    np.testing.assert_allclose(face.box, expected, atol=0.12 * width)


@pytest.mark.parametrize("cut", ["left", "right", "top", "bottom"])
def test_faces_at_the_border_are_found(faces: Any, photograph: Pixels, cut: str) -> None:
    left, top, right, bottom = FACE
    x, y = (right - left) // 4, (bottom - top) // 4
    edge = {
        "left": photograph[:, left + x :],
        "right": photograph[:, : right - x],
        "top": photograph[top + y :],
        "bottom": photograph[: bottom - y],
    }[cut]
    (face,) = faces(np.ascontiguousarray(edge))
    box = face["BoundingBox"]
    ends = {
        "left": box["Left"],
        "top": box["Top"],
        "right": 1 - box["Left"] - box["Width"],
        "bottom": 1 - box["Top"] - box["Height"],
    }
    assert min(ends.values()) >= -1e-6
    assert ends[cut] < 0.03


@pytest.mark.parametrize("shape", [(2, 2), (2, 900), (900, 2), (64, 64), (1000, 1000)])
def test_pictures_without_a_face_give_an_empty_list(faces: Any, shape: tuple[int, int]) -> None:
    assert faces(np.full((*shape, 3), 90, np.uint8)) == []


def test_no_face_is_found_in_photographs_of_things(detector: FaceDetector, photographs: Any) -> None:
    files = [*sorted(photographs.glob("*.jpg")), photographs.parent / "plate" / "single_blue.jpg"]
    assert len(files) > 5
    found = detector.detect([Media().decode(file.read_bytes()) for file in files])
    assert [len(each) for each in found] == [0] * len(files)


# Landmarks, gender and age


def test_the_astronaut_is_a_woman_of_about_thirty(faces: Any, photograph: Pixels) -> None:
    (face,) = faces(photograph, detail=True)
    assert face["gender"] == "female"
    assert 20 <= face["age"] <= 40
    assert face["AgeRange"] == {"Low": face["age"] - 8, "High": face["age"] + 8}
    assert len(face["landmarks_5"]) == 5


def test_age_range_and_five_landmarks_are_returned_only_with_detail(faces: Any, photograph: Pixels) -> None:
    (face,) = faces(photograph)
    assert set(face) == {"BoundingBox", "Confidence", "landmark_106", "gender", "age"}


def test_landmarks_are_in_the_order_of_the_table(faces: Any, photograph: Pixels) -> None:
    (face,) = faces(photograph)
    points = np.array([(point["x"], point["y"]) for point in face["landmark_106"]])
    assert points.shape == (106, 2)
    left, top, right, bottom = FACE
    assert (points > (left - 20, top - 20)).all()
    assert (points < (right + 20, bottom + 20)).all()
    x, y = points.T
    assert (np.diff(x[:33]) >= -2).all()  # contour, from left to right
    assert y[16] == y.max()  # chin
    assert (np.diff(x[33:43]) > 0).all()  # eyebrows
    assert (np.diff(y[43:47]) > 0).all()  # ridge of the nose
    assert (np.diff(x[47:52]) > 0).all()  # base of the nose
    for outer, inner in ((52, 55), (61, 58)):
        assert abs(x[outer] - 224) > abs(x[inner] - 224) + 10  # the ridge of the nose is at x = 224
    assert (y[64:72] > y[[34, 35, 36, 37, 38, 39, 40, 41]]).all()  # lower edges of the eyebrows
    assert (y[[53, 54, 59, 60, 72, 75]] < y[[57, 56, 63, 62, 73, 76]]).all()  # upper and lower lids
    assert (x[[78, 80, 82]] < 224).all()
    assert (x[[79, 81, 83]] > 224).all()
    assert (np.diff(x[84:91]) > 0).all()  # outer edge of the lips
    assert (np.diff(x[91:96]) < 0).all()
    assert (np.diff(x[96:101]) > 0).all()  # inner edge of the lips
    assert (np.diff(x[101:104]) < 0).all()
    assert y[87] < y[98] <= y[102] < y[93]
    np.testing.assert_allclose(points[[104, 105]], [(203, 101), (246, 102)], atol=4)


def test_landmarks_rotate_with_the_picture(faces: Any, photograph: Pixels) -> None:
    turn = cv2.getRotationMatrix2D((225, 115), 20, 1)
    turned = cv2.warpAffine(photograph, turn, (512, 512), borderMode=cv2.BORDER_REFLECT)
    (upright,), (tilted,) = faces(photograph), faces(turned)
    before, after = (
        np.array([(point["x"], point["y"]) for point in face["landmark_106"]]) for face in (upright, tilted)
    )
    away = np.linalg.norm(before @ turn[:, :2].T + turn[:, 2] - after, axis=1)
    assert np.median(away) < 3
    assert away.max() < 9


def test_a_photograph_is_rotated_as_its_exif_orientation_says(
    ask: Ask, faces: Any, photograph: Pixels
) -> None:
    lying, stored = Image.fromarray(np.ascontiguousarray(np.rot90(photograph))), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: upright after a clockwise rotation by 90 degrees
    lying.save(stored, "PNG", exif=exif)
    (reply,) = ask(FEATURE, stored.getvalue(), content_type="image/png")
    assert msgspec.json.decode(reply.body)["Faces"] == faces(photograph)


# Options


def test_the_face_with_the_highest_score_is_first_and_can_be_requested_alone(
    faces: Any, photograph: Pixels
) -> None:
    blurred = cv2.GaussianBlur(photograph, (0, 0), 2.5)
    pair = np.concatenate((blurred, photograph), 1)
    found = faces(pair)
    assert len(found) == 2
    assert found[0]["Confidence"] >= found[1]["Confidence"]
    assert faces(pair, max_faces=1) == found[:1]
    between = (found[0]["Confidence"] + found[1]["Confidence"]) / 2
    assert faces(pair, min_confidence=between) == found[:1]
    assert faces(photograph, min_confidence=1) == []


@pytest.mark.parametrize("options", [{"max_faces": 0}, {"max_faces": 101}, {"min_confidence": 1.5}])
def test_the_error_names_an_option_that_is_out_of_range(
    ask: Ask, weights: Weights, options: dict[str, float]
) -> None:
    (reply,) = ask(FEATURE, msgspec.json.encode({**FEATURE.example["request"], **options}))
    assert reply.status == 400
    assert next(iter(options)) in msgspec.json.decode(reply.body)["detail"]
