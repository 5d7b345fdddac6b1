"""Tests of the rules of the profile `lite`, with drawn skeletons and drawn pixels."""

from itertools import chain
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from containers.face_detection.age_gender import Person as AgeGender
from containers.face_detection.crops import Square
from containers.face_detection.detection import Face
from containers.human_attribute_recognition import carried, face, occlusion, orientation, skin, texture
from containers.human_attribute_recognition.attributes import ATTRIBUTES
from containers.human_attribute_recognition.judgement import USUAL, Evidence
from containers.human_attribute_recognition.lite import RULES, head, own_faces
from containers.human_attribute_recognition.pose import POINTS, Pose, decode
from containers.object_recognition.detection import Detection
from containers.object_recognition.labels import COCO_NAMES
from serving.arrays import Floats, Pixels

SKIN, CLOTH = (214, 160, 130), (30, 60, 160)
WIDTH, HEIGHT = 200, 400
# x for a person who faces the viewer, from the middle; the person's own left is on the right of the image
STANDING = {
    0: (0, 50),
    11: (40, 100),
    12: (-40, 100),
    13: (55, 160),
    14: (-55, 160),
    15: (60, 220),
    16: (-60, 220),
    19: (60, 235),
    20: (-60, 235),
    23: (28, 220),
    24: (-28, 220),
    25: (30, 300),
    26: (-30, 300),
    27: (30, 380),
    28: (-30, 380),
}


def pose(turn: float = 0.0) -> Pose:
    """Returns a standing person, turned by degrees: 90 faces the viewer's right, 180 shows the back."""
    points, depth = np.full((POINTS, 2), 1.0, np.float32), np.zeros(POINTS, np.float32)
    visible = np.zeros(POINTS, np.float32)
    for index, (x, y) in STANDING.items():
        points[index] = WIDTH / 2 + x * np.cos(np.radians(turn)), y
        depth[index] = 2 * x * np.sin(np.radians(turn))
        visible[index] = 0.9
    return Pose(points, depth, visible, 1.0)


def a_face(x: float = WIDTH / 2, y: float = 50) -> Face:
    points = np.array(((-10, -8), (10, -8), (0, 0), (-8, 10), (8, 10)), np.float32)
    middle = np.array((x, y), np.float32)
    return Face(np.array((x - 20, y - 25, x + 20, y + 25), np.float32), 1.0, points + middle)


def evidence(**changes: Any) -> Evidence:
    """Returns a standing person in blue whose face is seen, with changes."""
    whole = np.array((20, 20, 180, 390), np.float32)
    standard = Evidence(drawn(), whole, pose(), a_face(), AgeGender(30.0, 0.5), [], [])
    return standard._replace(**changes)


def drawn(*, arms: tuple[int, int, int] = CLOTH, shins: tuple[int, int, int] = CLOTH) -> Pixels:
    """Draws the standing person before a colourful wall: (400, 200, 3)."""
    tiles = np.random.default_rng(3).integers(60, 200, (20, 10, 3)).astype(np.uint8)
    image: Pixels = np.asarray(cv2.resize(tiles, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST), np.uint8)
    places = {index: (WIDTH // 2 + x, y) for index, (x, y) in STANDING.items()}
    cv2.rectangle(image, (60, 100), (140, 220), CLOTH, -1)
    cv2.ellipse(image, (WIDTH // 2, 50), (20, 27), 0, 0, 360, SKIN, -1)
    for start, end, colour in (
        *((a, b, CLOTH) for a, b in ((11, 13), (12, 14), (23, 25), (24, 26))),
        *((a, b, arms) for a, b in ((13, 15), (14, 16))),
        *((a, b, shins) for a, b in ((25, 27), (26, 28))),
    ):
        cv2.line(image, places[start], places[end], colour, 16)
    return image


@pytest.mark.parametrize(
    ("turn", "expected"), [(0, "front"), (90, "right"), (180, "back"), (-90, "left"), (20, "front")]
)
def test_the_side_that_a_person_shows_follows_from_shoulders_and_hips(turn: float, expected: str) -> None:
    shares, detail = orientation.judge(evidence(pose=pose(turn), face=None))
    labels = next(one for one in ATTRIBUTES if one.key == "orientation").labels("en")
    assert labels[int(np.argmax(shares))] == expected
    assert "shoulders" in detail


def test_a_visible_face_speaks_against_the_back() -> None:
    with_face = orientation.judge(evidence(pose=pose(180))).shares
    without = orientation.judge(evidence(pose=pose(180), face=None)).shares
    assert with_face[1] < without[1] / 2


@pytest.mark.parametrize(
    ("arms", "shins", "short_sleeves", "short_trousers"),
    [(SKIN, SKIN, True, True), (CLOTH, CLOTH, False, False), (SKIN, CLOTH, True, False)],
    ids=["bare", "covered", "bare arms"],
)
def test_bare_forearms_and_shins_mean_short_sleeves_and_trousers(
    arms: tuple[int, int, int], shins: tuple[int, int, int], short_sleeves: bool, short_trousers: bool
) -> None:
    person = evidence(image=drawn(arms=arms, shins=shins))
    for rule, short in ((skin.sleeves, short_sleeves), (skin.trousers, short_trousers)):
        shares, detail = rule(person)
        assert max(shares) > 0.75
        assert (shares[0] > 0.5) == short
        assert detail.endswith("like the face")


def test_without_a_face_the_colour_of_any_skin_counts_less() -> None:
    image = drawn(arms=SKIN)
    sure, unsure = (skin.sleeves(evidence(image=image, face=own)).shares[0] for own in (a_face(), None))
    assert 0.5 < unsure < sure


def test_a_grey_or_sepia_image_gives_the_usual_lengths_and_says_so() -> None:
    grey = cv2.cvtColor(drawn(arms=SKIN), cv2.COLOR_RGB2GRAY)
    sepia = (grey[..., None] * np.array((1.0, 0.9, 0.7))).astype(np.uint8)
    for image in (np.dstack([grey] * 3), sepia):
        for rule, key in ((skin.sleeves, "upper_wear"), (skin.trousers, "lower_wear")):
            shares, detail = rule(evidence(image=image))
            assert shares == USUAL[key]
            assert detail == "usual share, because the image has no colours"


def test_hidden_limbs_give_the_usual_lengths() -> None:
    hidden = pose()._replace(visible=np.zeros(POINTS, np.float32))
    assert skin.sleeves(evidence(pose=hidden)).shares == USUAL["upper_wear"]
    assert skin.trousers(evidence(pose=hidden)).shares == USUAL["lower_wear"]


def test_a_plain_a_striped_and_a_checked_torso_differ() -> None:
    side = texture.SIDE
    plain = np.full((side, side, 3), CLOTH, np.uint8)
    waves = (np.arange(side) // 4 % 2).astype(bool)
    stripes, checks = plain.copy(), plain.copy()
    stripes[waves] = 255
    checks[waves[:, None] ^ waves] = 255
    assert np.argmax(texture.shares_of(plain)) == 1
    assert np.argmax(texture.shares_of(stripes)) == 2
    assert texture.measures(checks)[0] > texture.BUSY
    noise = np.random.default_rng(1).integers(0, 256, (side // 4, side // 4, 3)).astype(np.uint8)
    blotches = cv2.resize(noise, (side, side), interpolation=cv2.INTER_NEAREST)
    assert np.argmax(texture.shares_of(np.asarray(blotches, np.uint8))) == 0


def test_light_that_fades_slowly_is_no_pattern() -> None:
    fading = np.repeat(np.linspace(60, 200, texture.SIDE, dtype=np.uint8)[:, None], texture.SIDE, 1)
    assert np.argmax(texture.shares_of(np.dstack([fading] * 3))) == 1


def thing(name: str, box: tuple[float, ...], score: float = 0.7) -> Detection:
    return Detection(np.array(box, np.float32), score, COCO_NAMES.index(name))


def test_a_thing_belongs_to_the_person_whose_hand_or_back_it_touches() -> None:
    in_the_hand, far_away = (155, 215, 170, 240), (155, 330, 170, 360)
    assert carried.phone(evidence(objects=[thing("cell phone", in_the_hand)])).shares[0] > 0.8
    assert carried.phone(evidence(objects=[thing("cell phone", far_away)])).shares[0] < 0.05
    assert carried.item(evidence(objects=[thing("umbrella", in_the_hand)])).shares[0] > 0.8
    assert carried.bag(evidence(objects=[thing("backpack", (70, 90, 130, 180))])).shares[0] > 0.8
    without_a_pose = evidence(pose=None, objects=[thing("handbag", (100, 200, 150, 260))])
    shares, detail = carried.item(without_a_pose)
    assert shares[0] > 0.8
    assert detail == "by a handbag with a score of 0.70"


def test_people_in_front_occlude_those_behind() -> None:
    nearer, farther = np.array((20, 150, 180, 399), np.float32), np.array((20, 20, 180, 380), np.float32)
    assert np.argmax(occlusion.judge(evidence()).shares) == 0
    assert np.argmax(occlusion.judge(evidence(others=[nearer])).shares) == 2
    assert np.argmax(occlusion.judge(evidence(others=[farther])).shares) == 0


def test_dark_frames_around_the_eyes_are_glasses() -> None:
    bare = np.full((HEIGHT, WIDTH, 3), SKIN, np.uint8)
    points = np.array(((60, 100), (140, 100), (100, 140), (70, 170), (130, 170)), np.float32)
    one = Face(np.zeros(4, np.float32), 1.0, points)
    noisy = (bare + np.random.default_rng(2).integers(-9, 9, bare.shape)).clip(0, 255).astype(np.uint8)
    framed = noisy.copy()
    for x in (60, 140):
        cv2.circle(framed, (x, 100), 30, (20, 20, 20), 4)
    cv2.line(framed, (88, 97), (112, 97), (20, 20, 20), 4)
    for start, end in ((10, 30), (170, 190)):
        cv2.line(framed, (start, 97), (end, 97), (20, 20, 20), 4)
    assert face.glasses(evidence(image=framed, face=one)).shares[0] > 0.5
    assert face.glasses(evidence(image=noisy, face=one)).shares[0] < 0.2


@pytest.mark.parametrize(("years", "group"), [(4, 0), (22, 1), (48, 2), (78, 3)])
def test_the_age_decides_the_group(years: float, group: int) -> None:
    assert np.argmax(face.age(evidence(age_gender=AgeGender(years, 0.5))).shares) == group


def test_gender_is_never_certain() -> None:
    for male in (0.0, 1.0):
        shares = face.gender(evidence(age_gender=AgeGender(30, male))).shares
        assert shares[0] == pytest.approx(0.98 if male else 0.02)


NOTHING = evidence(pose=None, face=None, age_gender=None)


@given(st.sampled_from(sorted(RULES)), st.sampled_from([evidence(), NOTHING, evidence(pose=None)]))
def test_shares_are_probabilities(key: str, person: Evidence) -> None:
    shares, detail = RULES[key](person)
    attribute = next(one for one in ATTRIBUTES if one.key == key)
    assert len(shares) == len(attribute.values)
    assert sum(shares) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares)
    assert detail


def test_every_attribute_that_the_frame_does_not_decide_has_a_usual_share() -> None:
    free = [one for one in ATTRIBUTES if not any(value.touches for value in one.values)]
    assert {one.key: len(one.values) for one in free} == {key: len(each) for key, each in USUAL.items()}
    assert all(sum(each) == pytest.approx(1) for each in USUAL.values())


def test_a_person_of_whom_only_the_box_is_known_gets_usual_shares() -> None:
    for key in ("upper_wear", "upper_wear_texture", "lower_wear", "glasses", "orientation", "gender", "age"):
        assert RULES[key](NOTHING).shares == USUAL[key]
        assert RULES[key](NOTHING).detail.startswith("usual share")


def test_a_face_goes_to_the_person_with_the_nearest_head() -> None:
    left, right = np.array((0, 0, 120, 300), np.float32), np.array((60, 0, 200, 300), np.float32)
    nobody = pose()._replace(score=0.0)
    heads = [head(box, nobody) for box in (left, right)]
    first, second = a_face(60, 40), a_face(130, 40)
    assert own_faces([second, first], [left, right], heads) == [first, second]
    assert own_faces([a_face(60, 280)], [left], heads[:1]) == [None]
    assert own_faces([first], [], []) == []


def boxes() -> st.SearchStrategy[Floats]:
    return st.tuples(*[st.floats(-3, 3)] * 195).map(lambda row: np.array(row, np.float32))


@given(boxes())
def test_points_of_the_square_become_points_of_the_image(row: Floats) -> None:
    square = Square(np.array((300, 200), np.float32), 512.0)
    found, _ = decode(row, 0.9, square)
    expected = row.reshape(39, 5)[:POINTS, :2] * 2 + (300 - 256, 200 - 256)
    assert found.points == pytest.approx(expected, abs=1e-2)
    assert all(0 <= value <= 1 for value in chain(found.visible))


def test_the_second_square_is_placed_by_the_two_auxiliary_points() -> None:
    values = np.zeros((39, 5), np.float32)
    values[33, :2], values[34, :2] = (128, 128), (228, 128)
    _, better = decode(values.ravel(), 1.0, Square(np.array((128, 128), np.float32), 256.0))
    assert better.side == pytest.approx(250)
    assert better.angle == pytest.approx(np.pi / 2)
    assert better.centre == pytest.approx((128, 128))
