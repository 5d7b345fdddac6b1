"""A homography is found among wrong matches, and refused when its image cannot be a document."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.documents import DOCUMENTS, photograph
from containers.custom_ocr.alignment import Matches, fit_homography, match_texts, project
from containers.custom_ocr.similarity import SIDES, Thumbnail, refined, similarity
from serving.arrays import Floats

SIZE, PHOTOGRAPH = (560, 900), (1200, 1600)


def scaled(across: float, down: float) -> Floats:
    return np.array(((across, 0, 100), (0, down, 50), (0, 0, 1)), np.float32)


def matches(matrix: Floats, seed: int, share: float = 1) -> Matches:
    """Returns a hundred matches. The given share of them obeys the matrix, and the others are random."""
    rng = np.random.default_rng(seed)
    points = rng.uniform((0, 0), SIZE[::-1], (100, 2)).astype(np.float32)
    found = project(matrix, points)
    wrong = int(100 * (1 - share))
    found[:wrong] = rng.uniform((0, 0), PHOTOGRAPH[::-1], (wrong, 2))
    return Matches(points, found)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.floats(-np.pi, np.pi), st.floats(0.5, 1.4), st.floats(0.3, 1))
def test_any_rotation_and_scale_is_found_among_wrong_matches(
    seed: int, turn: float, scale: float, share: float
) -> None:
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    true = np.array(((cosine, -sine, 800), (sine, cosine, 600), (1e-5, -2e-5, 1)), np.float32)
    found = fit_homography(matches(true, seed, share), SIZE, PHOTOGRAPH)
    assert found is not None
    assert found.support >= 100 * share - 1
    corners = np.array(((0, 0), (900, 0), (900, 560), (0, 560)), np.float32)
    np.testing.assert_allclose(project(found.matrix, corners), project(true, corners), atol=2)


@pytest.mark.parametrize(
    "matrix",
    [scaled(-1, 1), scaled(0.01, 0.01), scaled(9, 9), scaled(1, 0)],
    ids=["mirrored", "tiny", "huge", "a line"],
)
def test_a_homography_that_cannot_show_a_document_is_refused(matrix: Floats) -> None:
    assert fit_homography(matches(matrix, 1), SIZE, PHOTOGRAPH) is None


def test_matches_in_one_corner_are_not_enough() -> None:
    near = matches(scaled(1, 1), 1)
    corner = Matches(near.template / np.float32(9), near.photograph / np.float32(9))
    assert fit_homography(corner, SIZE, PHOTOGRAPH) is None


def test_texts_match_when_they_occur_once_in_both_images() -> None:
    box = np.array(((0, 0), (9, 0), (9, 5), (0, 5)), np.float32)
    ours = [("合 计：", box), ("元", box + 1), ("日期", box + 2), ("日期", box + 3), ("Total", box + 4)]
    theirs = [("合计:", box + 5), ("元", box + 6), ("日期", box + 7)]
    found = match_texts(ours, theirs)
    np.testing.assert_array_equal(found.template, box)
    np.testing.assert_array_equal(found.photograph, box + 5)


def test_a_rough_alignment_is_refined_until_the_images_are_similar() -> None:
    rng = np.random.default_rng(4)
    page = DOCUMENTS["voucher"].render(DOCUMENTS["voucher"].values(rng))
    image, true = photograph(page, rng)
    corners = np.array(((0, 0), (1000, 0), (1000, 620), (0, 620)), np.float32)
    matrix = rough = (true @ np.array(((1.02, 0.01, -12), (0, 0.98, 9), (0, 0, 1)))).astype(np.float32)
    thumbnails = [Thumbnail.of(page, side) for side in SIDES]
    for thumbnail in thumbnails:
        matrix = refined(thumbnail, image, matrix)
    before, after = (
        np.abs(project(one, corners) - project(true.astype(np.float32), corners)).max()
        for one in (rough, matrix)
    )
    assert before > 8, "px by which the corners are wrong"
    assert after < 6
    fine = thumbnails[-1]
    assert similarity(fine, image, matrix) > 0.8 > similarity(fine, image, rough)
