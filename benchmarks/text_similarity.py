"""Measures text_similarity: agreement with the grades of the project's own pairs, and texts a second.

Prints Markdown. `standard` is measured when its files are on this machine.
"""

import sys
import time
from collections.abc import Iterator

import numpy as np

from benchmarks.data.text_pairs import PAIRS, spearman
from containers.text_similarity.feature import TextRequest
from containers.text_similarity.model import Model
from serving.embeddings import cosine
from serving.errors import UnprocessableInput
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store, WeightsError

FEATURE = find("text_similarity")
SENTENCES = [sentence for pair in PAIRS for sentence in (pair.first, pair.second)]
GRADES = range(6)
LENGTHS = (1, 8, 32)  # sentences of a text


def main() -> None:
    models = dict(loaded())
    sys.stdout.writelines(f"{line}\n" for part in (agreement(models), speed(models)) for line in part)


def loaded() -> Iterator[tuple[str, Model]]:
    """Yields the profiles that have all files on this machine."""
    store = Store.of(Settings.read())
    for profile in FEATURE.profiles:
        try:
            yield profile, Model.load(store.resolve(FEATURE, profile, download=False), "cpu")
        except WeightsError as error:
            sys.stderr.write(f"{error}\n")


def agreement(models: dict[str, Model]) -> Iterator[str]:
    """Measures Spearman's rank correlation of cosine and grade, and the mean cosine of each grade's pairs."""
    yield f"| profile | Spearman, {len(PAIRS)} pairs | {' | '.join(f'grade {grade}' for grade in GRADES)} |"
    yield "|---|---|" + "---|" * len(GRADES)
    for name, model in models.items():
        items = [model.preprocess(TextRequest(text_1=pair.first, text_2=pair.second)) for pair in PAIRS]
        cosines = [cosine(*vectors) for vectors in model.predict(items)]
        means = (
            np.mean([found for found, pair in zip(cosines, PAIRS, strict=True) if pair.grade == grade])
            for grade in GRADES
        )
        correlation = spearman([pair.grade for pair in PAIRS], cosines)
        yield f"| {name} | {correlation:.3f} | {' | '.join(f'{mean:.2f}' for mean in means)} |"


def speed(models: dict[str, Model]) -> Iterator[str]:
    """Measures the texts a second without HTTP, as the best of three."""
    yield from ("", "| profile | characters | one at a time | eight in a call | 256 in a call |")
    yield "|---|---|---|---|---|"
    for name, model in models.items():
        for sentences in LENGTHS:
            texts = ["".join(SENTENCES[start : start + sentences]) for start in range(8)]
            rates = (_rate(model, (texts * 32)[:count]) for count in (1, 8, 256))
            yield f"| {name} | {np.mean([len(text) for text in texts]):.0f} | {' | '.join(rates)} |"


def _rate(model: Model, texts: list[str]) -> str:
    spent = []
    try:
        for _ in range(3):
            start = time.perf_counter()
            item = model.preprocess(TextRequest(texts=texts))
            (vectors,) = model.predict([item])
            model.postprocess(vectors, item)
            spent.append(time.perf_counter() - start)
    except UnprocessableInput:
        return "over the limit"
    return f"{len(texts) / min(spent):.0f}"


if __name__ == "__main__":
    main()
