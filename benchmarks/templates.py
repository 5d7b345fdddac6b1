"""Measures how well custom_ocr reads the fields of rendered documents: `python -m benchmarks.templates [N]`.

One page of each kind of document is the template. N photographs (8 by default) show the kind with other
values, turned by up to 25 degrees and in perspective (see benchmarks/documents/photograph.py). A field is
right when all its characters are, except for spaces and the width of signs. The first photographs are also
compared with the templates of all other kinds, and none of these may be found in them. Prints rows of a
Markdown table, and below each row the values that are wrong.
"""

import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.documents import DOCUMENTS, Document, photograph
from containers.custom_ocr.prepared import AlignedPhotograph, FieldReading, PreparedTemplate, read_fields
from containers.custom_ocr.template import Anchor, Corners, Template, fields_of
from containers.general_ocr.reader import TextReader
from serving.arrays import Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import resolve

STRANGE = 3  # photographs of each kind that are compared with the other templates


class Shot(NamedTuple):
    """A photograph, (H, W, 3) RGB, of a document, and the values of its fields."""

    image: Pixels
    values: dict[str, str]


class Result(NamedTuple):
    """The result of reading a photograph. by_text: whether the template was found by its texts only."""

    found: bool
    by_text: bool
    wrong: list[str]
    seconds: float


def template_of(document: Document, reader: TextReader) -> PreparedTemplate:
    """Returns the document as a template, drawn with other values than the photographs."""
    page = document.render(document.values(np.random.default_rng(0)))
    definitions = [(_four(corners), name) for corners, name in document.fields]
    anchors = [Anchor(line.text, _four(line.polygon.tolist())) for line in reader.read([page])[0]]
    return PreparedTemplate.of(Template.of(page, fields_of(definitions, *document.size), anchors))


def _four(points: Sequence[Sequence[float]]) -> Corners:
    first, second, third, fourth = ((float(x), float(y)) for x, y in points)
    return first, second, third, fourth


def shots(document: Document, count: int) -> Iterator[Shot]:
    """Yields photographs of the document, each with other values."""
    for seed in range(1, count + 1):
        rng = np.random.default_rng(seed)
        values = document.values(rng)
        yield Shot(photograph(document.render(values), rng)[0], values)


def wrong(fields: list[FieldReading], values: dict[str, str]) -> list[str]:
    """Returns the printed and the read value of each field that is wrong."""
    return [
        f"{field.name}: {values[field.name]!r} read {field.value.text!r}"
        for field in fields
        if _plain(field.value.text) != _plain(values[field.name])
    ]


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def attempt(reader: TextReader, template: PreparedTemplate, shot: Shot) -> Result:
    """Finds the template in the photograph and reads its fields, in the same steps as the model."""
    start = time.perf_counter()
    matrix = template.align(shot.image)
    by_text = matrix is None
    if matrix is None:
        matrix = template.align_by_texts(shot.image, reader.read([shot.image])[0])
    if matrix is None:
        return Result(False, False, list(shot.values), time.perf_counter() - start)
    (fields,) = read_fields(reader, [AlignedPhotograph(template, shot.image, matrix)])
    return Result(True, by_text, wrong(fields, shot.values), time.perf_counter() - start)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    reader = TextReader.load(resolve(find("general_ocr"), Settings.read()), "cpu")
    templates = {name: template_of(document, reader) for name, document in DOCUMENTS.items()}
    fields = right = strangers = refused = 0
    for name, template in templates.items():
        taken = list(shots(DOCUMENTS[name], count))
        results = [attempt(reader, template, shot) for shot in taken]
        others = [templates[other] for other in templates if other != name]
        refusals = [other.align(shot.image) is None for shot in taken[:STRANGE] for other in others]
        total, faults = count * len(template.names), [fault for result in results for fault in result.wrong]
        fields, right = fields + total, right + total - len(faults)
        strangers, refused = strangers + len(refusals), refused + sum(refusals)
        found, by_text = sum(one.found for one in results), sum(one.by_text for one in results)
        pace = 1000 * float(np.median([one.seconds for one in results]))
        seen = f"{found} of {count} ({by_text} by text)"
        row = f"| {name} | {seen} | {total - len(faults)} of {total} | {pace:.0f} |"
        sys.stdout.write("\n    ".join([row, *faults]) + "\n")
        sys.stdout.flush()
    sys.stdout.write(f"{right} of {fields} fields right, {right / fields:.1%}\n")
    sys.stdout.write(f"other templates refused: {refused} of {strangers}\n")


if __name__ == "__main__":
    main()
