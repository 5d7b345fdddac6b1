"""Writes idf.txt, the table of how rare runs of a few characters are in Chinese and in English.

Run it from the repository root: `python -m containers.text_similarity.count_idf dict.txt`. The argument is
the dictionary of jieba 0.42.1 (MIT, by Sun Junyi), which has 350,000 words and their frequencies. `pip
download --no-deps jieba==0.42.1` fetches an archive that has it as jieba/dict.txt. The English text is the
reference that `help()` of Python 3.11.7 shows (PSF-2.0). The program prints the size and sha256 of idf.txt
for the declaration.
"""

import argparse
import hashlib
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from pydoc_data.topics import topics

from containers.text_similarity.grams import count_grams, kind_of

TARGET = Path(__file__).with_name("idf.txt")
DICTIONARY = "7197c3211ddd98962b036cdf40324d1ea2bfaa12bd028e68faa70111a88e12a8"
STEP = 0.1  # precision of an IDF


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionary", type=Path)
    data = parser.parse_args().dictionary.read_bytes()
    if hashlib.sha256(data).hexdigest() != DICTIONARY:
        raise SystemExit("dictionary: sha256 differs from that of jieba 0.42.1's dict.txt")
    english = Counter(re.findall("[a-z]+", "\n".join(topics.values()).lower()))
    every = {**idfs(english, 60, 5), **idfs(dict(han(data.decode())), 20, 500)}
    written = "".join(f"{line}\n" for line in lines(every)).encode()
    TARGET.write_bytes(written)
    sys.stdout.write(f"{len(written)} bytes, sha256 {hashlib.sha256(written).hexdigest()}\n")


def han(dictionary: str) -> Iterator[tuple[str, int]]:
    """Yields the words that have only Han characters, with their frequencies."""
    for line in dictionary.splitlines():
        word, frequency, _ = line.rsplit(" ", 2)
        if [kind for kind, _ in groupby(word, kind_of)] == ["han"]:
            yield word, int(frequency)


def idfs(words: Mapping[str, int], sentence: int, fewest: int) -> dict[str, float]:
    """Returns the IDF of each gram.

    It is minus the logarithm of the share of sentences that have the gram, if occurrences were independent.
    sentence: characters of a sentence. fewest: grams with fewer occurrences are left out and count as rarest.
    """
    occurrences: Counter[str] = Counter()
    for word, frequency in words.items():
        for gram, count in count_grams(word).items():
            occurrences[gram] += count * frequency
    characters = sum(len(word) * frequency for word, frequency in words.items())
    return {
        gram: -math.log(-math.expm1(-sentence * count / characters))
        for gram, count in occurrences.items()
        if count >= fewest
    }


def lines(idfs: Mapping[str, float]) -> Iterator[str]:
    """Yields lines of an IDF and the grams that have it, the most frequent first.

    `_` is the end of a word.
    """
    grams_by_steps: defaultdict[int, list[str]] = defaultdict(list)
    for gram, idf in idfs.items():
        grams_by_steps[round(idf / STEP)].append(gram.replace(" ", "_"))
    for steps in sorted(grams_by_steps):
        yield " ".join([f"{steps * STEP:.1f}", *sorted(grams_by_steps[steps])])


if __name__ == "__main__":
    main()
