"""Tests of grams and lexical vectors: the likeness that they measure, and its limits."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data.text_pairs import PAIRS, spearman
from containers.text_similarity.feature import IDF
from containers.text_similarity.grams import count_grams, is_blank
from containers.text_similarity.lexical import Lexical, projected
from serving.embeddings import cosine
from serving.feature import find

LEXICAL = Lexical.load(find("text_similarity").folder / IDF.name)
VISIBLE = st.text(min_size=1, max_size=60).filter(lambda text: not is_blank(text))


def cosine_of(first: str, second: str) -> float:
    """Returns the cosine of the lexical vectors of two texts."""
    return cosine(*LEXICAL.embed(LEXICAL.prepare([first, second])))


def test_han_characters_count_alone_and_with_neighbours() -> None:
    assert count_grams("狗咬人") == dict.fromkeys(["狗", "咬", "人", "狗咬", "咬人", "狗咬人"], 1)


def test_words_of_letters_count_in_twos_and_threes_with_their_ends() -> None:
    assert count_grams("Ox") == dict.fromkeys([" o", "ox", "x ", " ox", "ox "], 1)


def test_grams_do_not_cross_scripts_and_punctuation() -> None:
    assert count_grams("好人。坏人a") == count_grams("好人") + count_grams("。") + count_grams(
        "坏人"
    ) + count_grams("a")


@pytest.mark.parametrize(
    ("first", "second"),
    [("ＡＢＣ１２３", "abc123"), ("ﾃｽﾄ", "テスト"), ("HELLO", "hello"), ("Straße", "STRASSE"), ("❤️", "❤")],
)
def test_variants_of_width_case_and_glyph_are_equal(first: str, second: str) -> None:
    assert cosine_of(first, second) == 1


def test_traditional_characters_count_as_different() -> None:
    assert abs(cosine_of("愛", "爱")) < 0.2


@pytest.mark.parametrize(
    ("text", "similar", "unrelated"),
    [
        ("火车下午三点到站", "列车下午三点到", "打印机又卡纸了"),
        ("How do I reset my password?", "I want to reset the password.", "The stock market fell sharply."),
        ("东京是日本的首都", "日本的首都是东京", "他在河边钓鱼"),
        ("我喜欢喝咖啡☕", "喝咖啡☕", "我喜欢跑步"),
    ],
)
def test_texts_that_share_more_are_more_similar(text: str, similar: str, unrelated: str) -> None:
    assert cosine_of(text, similar) > cosine_of(text, unrelated) + 0.2


def test_word_order_changes_the_cosine() -> None:
    assert 0.5 < cosine_of("狗咬人", "人咬狗") < 0.9


def test_rare_characters_count_more_than_common_ones() -> None:
    assert cosine_of("鲸鱼的歌", "鲸鱼是宝") > cosine_of("鲸鱼的歌", "老虎的山") + 0.2


def test_lexical_vectors_do_not_know_meaning() -> None:
    """The README of the feature reports these cosines."""
    assert cosine_of("我喜欢你", "我不喜欢你") > 0.8
    assert cosine_of("他很高兴", "她十分开心") < 0.2


def test_unrelated_texts_have_a_cosine_near_zero() -> None:
    unrelated = [cosine_of(pair.first, pair.second) for pair in PAIRS if pair.grade == 0]
    assert abs(np.mean(unrelated)) < 0.05
    assert max(map(abs, unrelated)) < 0.2


def test_the_projection_has_no_bias() -> None:
    """The mean cosine is one half over many pairs of sets that share half of their grams."""
    found = []
    for trial in range(300):
        kinds = "common", "first", "second"
        common, first, second = ([f"{trial} {kind} {one}" for one in range(20)] for kind in kinds)
        weights = np.ones(40)
        found.append(projected(common + first, weights) @ projected(common + second, weights) / 40)
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)
    assert np.std(found) < 0.05


def test_cosines_correlate_with_human_grades() -> None:
    grades = [pair.grade for pair in PAIRS]
    assert spearman(grades, [cosine_of(pair.first, pair.second) for pair in PAIRS]) > 0.7


@given(first=VISIBLE, second=VISIBLE)
def test_the_cosine_is_symmetric_and_1_for_equal_texts(first: str, second: str) -> None:
    assert cosine_of(first, second) == cosine_of(second, first)
    assert -1 <= cosine_of(first, second) <= 1
    assert cosine_of(first, first) == 1


@given(text=VISIBLE)
def test_every_vector_has_length_one(text: str) -> None:
    assert np.linalg.norm(LEXICAL.embed(LEXICAL.prepare([text]))[0]) == pytest.approx(1, abs=1e-5)


def test_the_table_of_idfs_is_sorted_and_small() -> None:
    lines = (find("text_similarity").folder / IDF.name).read_text("utf-8").splitlines()
    values = [float(line.split(" ")[0]) for line in lines]
    assert values == sorted(values)
    assert Path(find("text_similarity").folder / IDF.name).stat().st_size < 200_000
