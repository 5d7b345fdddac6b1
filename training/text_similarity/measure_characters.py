"""Measures the lexical vector, the network and both together on pairs that the network has not seen.

Run in the repository root:
`python -m training.text_similarity.measure_characters out/training/text_similarity.safetensors`.
Prints Markdown.
"""

import argparse
import gettext
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.data.text_pairs import PAIRS, Pair, spearman
from containers.text_similarity.characters import Characters
from containers.text_similarity.feature import IDF
from containers.text_similarity.grams import kind_of
from containers.text_similarity.lexical import Lexical, LiteEncoder
from serving.arrays import Floats
from serving.feature import find

Embed = Callable[[str], Floats]
"""A function from a text to its vector, which has length 1."""

HELD_OUT = [Pair(*row) for row in json.loads(Path(__file__).with_name("held_out.json").read_text("utf-8"))]

CATALOGUES = Path("/usr/share/locale/zh_CN/LC_MESSAGES")
MESSAGES = 900

_MARKS = re.compile(r"\(_?&?[A-Za-z]\)|[_&]|%\S+|\{.*?\}|<[^>]+>")  # shortcut keys, placeholders and markup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    weights = parser.parse_args().weights
    idf = find("text_similarity").folder / IDF.name
    lexical, both = Lexical.load(idf), LiteEncoder.load(idf, weights)
    methods: dict[str, Embed] = {
        "lexical": lambda text: lexical.embed(lexical.prepare([text]))[0],
        "network": Characters.load(weights).embed,
        "both": lambda text: both.embed(both.prepare([text]))[0],
    }
    twice = translated_twice(CATALOGUES)
    print(f"| | {len(PAIRS)} pairs | {len(HELD_OUT)} held out | {len(twice)} messages: nearest | 1/rank |")
    print("|---|---|---|---|---|")
    for name, embed in methods.items():
        first, inverse = retrieval(twice, embed)
        figures = agreement(PAIRS, embed), agreement(HELD_OUT, embed), first, inverse
        print(f"| {name} | {' | '.join(f'{figure:.3f}' for figure in figures)} |")


def agreement(pairs: list[Pair], embed: Embed) -> float:
    """Returns Spearman's correlation of the pairs' grades and cosines."""
    cosines = [float(embed(pair.first) @ embed(pair.second)) for pair in pairs]
    return spearman([pair.grade for pair in pairs], cosines)


def retrieval(pairs: list[tuple[str, str]], embed: Embed) -> tuple[float, float]:
    """Searches for each first text among all second ones.

    Returns the share whose own second text is nearest, and the mean of 1/rank.
    """
    first, second = (np.stack([embed(pair[side]) for pair in pairs]) for side in (0, 1))
    cosines = first @ second.T
    ranks = (cosines >= np.diag(cosines)[:, None]).sum(1)
    return float((ranks == 1).mean()), float((1 / ranks).mean())


def translated_twice(folder: Path) -> list[tuple[str, str]]:
    """Returns pairs of different Chinese texts for one English message, in a fixed random order."""
    texts = defaultdict(set)
    for file in sorted(folder.glob("*.mo")):
        for english, chinese in messages(file):
            texts[english].add(chinese)
    pairs = [tuple(sorted(each)[:2]) for _, each in sorted(texts.items()) if len(each) > 1]
    order = np.random.default_rng(0).permutation(len(pairs))[:MESSAGES]
    return [(pairs[place][0], pairs[place][1]) for place in order]


def messages(file: Path) -> Iterator[tuple[str, str]]:
    """Yields English and Chinese texts without marks; the Chinese has at least four Han characters."""
    with file.open("rb") as opened:
        catalogue = gettext.GNUTranslations(opened)._catalog  # type: ignore[attr-defined]
    for key, chinese in catalogue.items():
        english = key[0] if isinstance(key, tuple) else key
        plain = _plain(chinese)
        if english and sum(kind_of(character) == "han" for character in plain) >= 4:
            yield _plain(english.split("\x04")[-1]).lower(), plain


def _plain(text: str) -> str:
    return _MARKS.sub("", text).strip(" .…。:：\n")


if __name__ == "__main__":
    main()
