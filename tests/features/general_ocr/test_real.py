"""general_ocr on a few real photographs, if their folder exists next to the repository.

`make bench` compares all photographs with RapidOCR, which takes longer.
"""

import json
from pathlib import Path

import pytest

from benchmarks.ocr import character_error
from benchmarks.rapid import reader as rapidocr
from containers.general_ocr.reader import TextReader
from serving.images.intake import Media
from tests.support.paths import SNAPSHOTS

GOLDEN = SNAPSHOTS / "ocr_photographs.json"


@pytest.fixture(scope="module")
def read(reader: TextReader, photographs: Path) -> dict[str, list[str]]:
    """The texts that the reader returns for each photograph."""
    files = [photographs / name for name in json.loads(GOLDEN.read_text())]
    images = [Media().decode(file.read_bytes()) for file in files]
    return {
        file.name: [line.text for line in lines]
        for file, lines in zip(files, reader.read(images), strict=True)
    }


def test_the_texts_are_those_of_rapidocr(read: dict[str, list[str]], photographs: Path) -> None:
    theirs = rapidocr("openvino")
    expected = [list(getattr(theirs(photographs / name), "txts", None) or ()) for name in read]
    assert character_error(read.values(), expected) <= 0.005


def test_the_texts_are_those_of_the_snapshot(read: dict[str, list[str]]) -> None:
    golden = json.loads(GOLDEN.read_text())
    assert len(golden) >= 4
    assert character_error(read.values(), golden.values()) <= 0.005
