"""The lexical vectors of text_similarity: what they see, and what they do not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.data.text_pairs import PAIRS, spearman
from containers.text_similarity.grams import counted, is_blank
from containers.text_similarity.lexical import Lexical, projected
from containers.text_similarity.weight_files import IDF
from serving.embeddings import cosine
from serving.feature import find

LEXICAL = Lexical.load(find("text_similarity").folder / IDF.name)
VISIBLE = st.text(min_size=1, max_size=60).filter(lambda text: not is_blank(text))


def alike(first: str, second: str) -> float:
    """The cosine."""
    return cosine(*LEXICAL.embed(LEXICAL.prepare([first, second])))


def test_han_characters_count_alone_and_with_neighbours() -> None:
    assert counted("狗咬人") == dict.fromkeys(["狗", "咬", "人", "狗咬", "咬人", "狗咬人"], 1)


def test_words_of_letters_count_in_twos_and_threes_with_their_ends() -> None:
    assert counted("Ox") == dict.fromkeys([" o", "ox", "x ", " ox", "ox "], 1)


def test_scripts_and_punctuation_part_runs() -> None:
    assert counted("好人。坏人a") == counted("好人") + counted("。") + counted("坏人") + counted("a")


@pytest.mark.parametrize(
    ("first", "second"),
    [("ＡＢＣ１２３", "abc123"), ("ﾃｽﾄ", "テスト"), ("HELLO", "hello"), ("Straße", "STRASSE"), ("❤️", "❤")],
)
def test_width_case_and_glyph_variants_are_the_same(first: str, second: str) -> None:
    assert alike(first, second) == 1


def test_traditional_characters_are_other_characters() -> None:
    assert abs(alike("愛", "爱")) < 0.2


@pytest.mark.parametrize(
    ("said", "also_said", "otherwise"),
    [
        ("火车下午三点到站", "列车下午三点到", "打印机又卡纸了"),
        ("How do I reset my password?", "I want to reset the password.", "The stock market fell sharply."),
        ("东京是日本的首都", "日本的首都是东京", "他在河边钓鱼"),
        ("我喜欢喝咖啡☕", "喝咖啡☕", "我喜欢跑步"),
    ],
)
def test_what_shares_more_is_more_alike(said: str, also_said: str, otherwise: str) -> None:
    assert alike(said, also_said) > alike(said, otherwise) + 0.2


def test_order_counts() -> None:
    assert 0.5 < alike("狗咬人", "人咬狗") < 0.9


def test_rare_characters_count_more_than_common_ones() -> None:
    assert alike("鲸鱼的歌", "鲸鱼是宝") > alike("鲸鱼的歌", "老虎的山") + 0.2


def test_it_sees_characters_and_not_meaning() -> None:
    """Told in the feature's README."""
    assert alike("我喜欢你", "我不喜欢你") > 0.8
    assert alike("他很高兴", "她十分开心") < 0.2


def test_unrelated_texts_have_a_cosine_near_zero() -> None:
    unrelated = [alike(pair.first, pair.second) for pair in PAIRS if pair.grade == 0]
    assert abs(np.mean(unrelated)) < 0.05
    assert max(map(abs, unrelated)) < 0.2


def test_the_projection_has_no_bias() -> None:
    """Over many pairs of sets of grams, half of each shared, the mean of the cosine is one half."""
    found = []
    for trial in range(300):
        sets = ([f"{trial} {kind} {one}" for one in range(20)] for kind in ("common", "mine", "yours"))
        common, mine, yours = sets
        weights = np.ones(40)
        found.append(projected(common + mine, weights) @ projected(common + yours, weights) / 40)
    assert np.mean(found) == pytest.approx(0.5, abs=0.01)
    assert np.std(found) < 0.05


def test_human_grades_are_followed_on_the_projects_own_pairs() -> None:
    grades = [pair.grade for pair in PAIRS]
    assert spearman(grades, [alike(pair.first, pair.second) for pair in PAIRS]) > 0.7


@given(first=VISIBLE, second=VISIBLE)
def test_likeness_has_no_direction_and_a_text_is_its_own(first: str, second: str) -> None:
    assert alike(first, second) == alike(second, first)
    assert -1 <= alike(first, second) <= 1
    assert alike(first, first) == 1


@given(text=VISIBLE)
def test_every_vector_has_length_one(text: str) -> None:
    assert np.linalg.norm(LEXICAL.embed(LEXICAL.prepare([text]))[0]) == pytest.approx(1, abs=1e-5)


def test_the_table_names_the_commonest_first_and_is_small() -> None:
    lines = (find("text_similarity").folder / IDF.name).read_text("utf-8").splitlines()
    values = [float(line.split(" ")[0]) for line in lines]
    assert values == sorted(values)
    assert Path(find("text_similarity").folder / IDF.name).stat().st_size < 200_000
