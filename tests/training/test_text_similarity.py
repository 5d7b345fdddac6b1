"""The training of text_similarity's character encoder: its texts, and the network as it is served."""

import bz2
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.data.text_pairs import PAIRS, Pair, spearman
from containers.text_similarity.characters import SIZE, Characters, codes_of
from containers.text_similarity.feature import IDF, TextRequest
from containers.text_similarity.lexical import Lexical
from containers.text_similarity.model import Model
from serving.embeddings import cosine
from serving.feature import find
from serving.weights import Store
from training.loop import Options, Plan, Training
from training.text_similarity import sentences, train_characters, words
from training.text_similarity.frames import FRAMES
from training.text_similarity.measure_characters import HELD_OUT
from training.text_similarity.network import CharacterEncoder

FEATURE = find("containers.text_similarity.feature")
LITE = Model.load(Store(cache_dir=Path("absent")).resolve(FEATURE, "lite", download=False), "cpu")
LEXICAL = Lexical.load(FEATURE.folder / IDF.name)


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Provides a dictionary of three words, and definitions of three characters, two of them alike."""
    definitions = {"买": "buy; purchase", "购": "purchase; buy", "河": "river, stream"}
    rows = "".join(f"U+{ord(each):04X}\tkDefinition\t{text}\n" for each, text in definitions.items())
    (tmp_path / "readings.bz2").write_bytes(bz2.compress(rows.encode()))
    (tmp_path / "dict.txt").write_text("的 300000 uj\n窗台 900 n\n瞌睡 700 n\n", "utf-8")
    monkeypatch.setattr(words, "JIEBA", tmp_path / "dict.txt")
    monkeypatch.setattr(words, "DEFINITIONS", tmp_path / "readings.bz2")
    clear_caches()
    yield
    clear_caches()


def clear_caches() -> None:
    for cached in (words.thesaurus, words.dictionary, words.definitions, words.character_meaning):
        cached.cache_clear()
    sentences.word_kinds.cache_clear()


def test_synonyms_are_nearer_than_related_words_and_related_words_are_nearer_than_others() -> None:
    found = {word.text: word for kind in words.thesaurus().values() for word in kind}
    dog, puppy, cat, rain = (found[text].meaning for text in ("狗", "犬", "猫", "暴雨"))
    assert dog @ puppy > 0.6 > dog @ cat > 0.2 > abs(dog @ rain)
    assert found["犬"] in found["狗"].synonyms
    assert found["猫"] in found["狗"].related


def test_characters_with_the_same_definition_are_alike() -> None:
    buy, purchase, river = map(words.character_meaning, "买购河")
    assert buy @ purchase > 0.4 > abs(buy @ river)


def test_every_slot_of_a_frame_has_a_kind_of_the_thesaurus() -> None:
    for frame in sentences.frames():
        assert {slot for pattern in frame.patterns for slot in pattern[1::2]} == frame.kinds.keys()
        assert {kind for kinds in frame.kinds.values() for kind in kinds} <= words.thesaurus().keys()
    assert len(sentences.frames()) == len(FRAMES)


def test_a_family_varies_one_text_and_its_second_means_the_same() -> None:
    generator = np.random.default_rng(0)
    families = [sentences.family(generator) for _ in range(60)]
    likeness = np.array([[meaning @ family[0][1] for _, meaning in family] for family in families])
    assert {len(family) for family in families} == {sentences.FAMILY}
    assert np.median(likeness[:, 1]) > 0.9 > np.median(likeness[:, 2:]) > 0.2
    strangers = [one[0][1] @ other[0][1] for one, other in itertools.pairwise(families)]
    assert abs(np.mean(strangers)) < 0.15


def test_two_steps_of_training_stay_finite(tmp_path: Path) -> None:
    plan = Plan(name="try", steps=2, rate=1e-3, warm_up=1)
    training = Training(plan, CharacterEncoder, Options(out=tmp_path))
    network = training.run(train_characters.batch, train_characters.loss)
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())


def test_a_right_ranking_costs_less_than_a_wrong_one() -> None:
    wanted = torch.tensor([0.1, 0.5, 0.9])
    right, wrong = (train_characters.cosent(found, wanted) for found in (wanted, wanted.flip(0)))
    assert right < 0.1 < wrong


def test_the_served_network_gives_the_vectors_of_the_trained_one() -> None:
    torch.manual_seed(0)
    network = CharacterEncoder().eval()
    train_characters.centre(network)
    served = Characters({name: tensor.numpy() for name, tensor in network.state_dict().items()})
    texts = ["今天天气很好，适合出去散步。", "好", "abc好def人"]
    assert network.mean.any()
    with torch.no_grad():
        expected = network(*train_characters.texts_of(texts)).numpy()
    for text, vector in zip(texts, expected, strict=True):
        assert vector.shape == (SIZE,)
        np.testing.assert_allclose(served.embed(text), vector, atol=1e-5)


def test_a_text_without_han_characters_has_the_vector_0() -> None:
    served = Characters({name: tensor.numpy() for name, tensor in CharacterEncoder().state_dict().items()})
    assert not served.embed("3.14 no").any()


def test_other_characters_than_han_are_gaps() -> None:
    assert codes_of("好a人").tolist() == [ord("好"), 0, ord("人")]


def test_held_out_pairs_have_every_grade_equally_often_and_are_not_in_the_benchmark() -> None:
    grades = [pair.grade for pair in HELD_OUT]
    assert {grade: grades.count(grade) for grade in range(6)} == dict.fromkeys(range(6), 14)
    assert not {pair[1:] for pair in HELD_OUT} & {pair[1:] for pair in PAIRS}


def alike(first: str, second: str) -> float:
    """Returns the cosine that `lite` gives two texts."""
    (vectors,) = LITE.predict([LITE.preprocess(TextRequest(text_1=first, text_2=second))])
    return cosine(*vectors)


def lexically_alike(first: str, second: str) -> float:
    return cosine(*LEXICAL.embed(LEXICAL.prepare([first, second])))


def test_lite_reproduces_its_example_without_cache_mirror_and_network() -> None:
    example = FEATURE.example["others"]["two_texts"]
    found = alike(example["request"]["text_1"], example["request"]["text_2"])
    assert found == pytest.approx(example["response"]["cosine"], abs=1e-5)


@pytest.mark.parametrize("pairs", [PAIRS, HELD_OUT], ids=["benchmark", "held out"])
def test_lite_agrees_with_the_grades_better_than_the_lexical_vector(pairs: list[Pair]) -> None:
    grades = [pair.grade for pair in pairs]
    found, before = (
        spearman(grades, [measure(pair.first, pair.second) for pair in pairs])
        for measure in (alike, lexically_alike)
    )
    assert found > before + 0.05
    assert abs(np.mean([alike(pair.first, pair.second) for pair in pairs if pair.grade == 0])) < 0.05


def test_lite_sees_synonyms() -> None:
    assert alike("他很高兴", "她十分开心") > lexically_alike("他很高兴", "她十分开心") + 0.2
    assert alike("土豆多少钱一斤", "马铃薯怎么卖") > 0.2


def test_other_scripts_are_compared_by_their_letters_alone() -> None:
    assert alike("the cat sleeps", "a cat slept") == pytest.approx(
        lexically_alike("the cat sleeps", "a cat slept"), abs=0.15
    )
    assert abs(alike("the cat sleeps", "猫在睡觉")) < 0.15
