"""Measures car_license_plate on real crops, photographs and rendered plates: `python -m benchmarks.plates`.

It needs ../shared/images. With AIKIT_WEIGHTS_MIRROR, or after a pull, it measures the `standard` weights too.
Prints Markdown. The crops are those of LPRNet's repository, nearly all from one province.
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.renders.plate_example import SAMPLES, Sample, photograph
from containers.car_license_plate.agreement import Reading, agreed_texts
from containers.car_license_plate.grammar import Grammar, best_texts
from containers.car_license_plate.line_readers import LPRReader, PlateNetReader
from containers.car_license_plate.plates import DetectedPlate, PlateReader
from containers.general_ocr.reader import TextReader
from containers.general_ocr.recognition import ScoredText
from serving.arrays import Pixels
from serving.errors import ServingError
from serving.feature import find
from serving.images.intake import Media
from serving.settings import Settings
from serving.weights import Store, Weights

ROOT = Path(__file__).parents[1]
IMAGES = ROOT.parent / "shared" / "images"
CROPS, PHOTOGRAPH, TEXT = IMAGES / "plate/crops", IMAGES / "plate/single_blue.jpg", IMAGES / "ocr"
SEEDS = 3


def main() -> None:
    crops = {file.stem: decoded(file) for file in sorted(CROPS.glob("*.jpg"))}
    weights = standard()
    reader = TextReader.load(weights or lite(), "cpu")
    platenet = PlateNetReader.load(lite(), "cpu")
    readers = {"general recogniser only": PlateReader(reader), "lite": PlateReader(reader, platenet)}
    second = LPRReader.load(weights, "cpu") if weights else None
    if second:
        readers["standard"] = PlateReader(reader, platenet, second)
    recognisers(crops, reader, platenet, second)
    scores(crops, reader)
    for profile, plates in readers.items():
        row(f"{profile}: the feature, the crop being the photograph", crops, partial(words, plates))
    for profile, plates in readers.items():
        on_photographs(profile, plates)
        on_rendered_plates(profile, plates)
        processor_time(profile, plates, reader)


def recognisers(
    crops: dict[str, Pixels], reader: TextReader, platenet: PlateNetReader, second: LPRReader | None
) -> None:
    """Measures each recogniser on the crops alone."""
    write("| plates | whole plates | characters |", "| --- | --- | --- |")
    grammar = Grammar(reader.characters)
    row("general recogniser, greedy", crops, lambda crop: [greedy(reader, crop)])
    row("general recogniser, constrained", crops, lambda crop: [constrained(reader, grammar, crop)[0]])
    row(
        "PlateNet, constrained",
        crops,
        lambda crop: [best(best_texts(platenet.log_probabilities([crop]))[0])[0]],
    )
    row("both, agreed", crops, lambda crop: [together(reader, grammar, platenet, crop)])
    if second:
        row("LPRNet, constrained", crops, lambda crop: [second.read([crop])[0][0][0]])
        row(
            "general and LPRNet, LPRNet where the general one is below 0.5",
            crops,
            lambda crop: [both(reader, grammar, second, crop)],
        )


def scores(crops: dict[str, Pixels], reader: TextReader) -> None:
    """Measures the share of right texts by score."""
    read = [(constrained(reader, Grammar(reader.characters), crop), text) for text, crop in crops.items()]
    for low, high in ((0.0, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 1.0)):
        right = [words == text for (words, score), text in read if low <= score < high + (high == 1)]
        write(f"| constrained, score {low} to {high}: {len(right)} | {np.mean(right):.0%} | |")


def greedy(reader: TextReader, crop: Pixels) -> str:
    """Returns the general recogniser's text without dots and other signs."""
    return "".join(character for character in reader.recognise([crop])[0][0] if character.isalnum())


def constrained(reader: TextReader, grammar: Grammar, crop: Pixels) -> ScoredText:
    (found,) = best_texts(reader.decode_lines([crop], grammar.log_probabilities))
    return best(found)


def best(found: Sequence[ScoredText]) -> ScoredText:
    return max(found, key=lambda text: text[1] ** len(text[0]) if text[0] else 0)


def together(reader: TextReader, grammar: Grammar, platenet: PlateNetReader, crop: Pixels) -> str:
    """Returns the agreed text of both recognisers.

    The feature asks PlateNet only when the general recogniser's score is low.
    """
    (first,) = reader.decode_lines([crop], grammar.log_probabilities)
    (second,) = platenet.log_probabilities([crop])
    one, other = (Reading(line, best_texts([line])[0]) for line in (first, second))
    return best(agreed_texts(one, other))[0]


def both(reader: TextReader, grammar: Grammar, second: LPRReader, crop: Pixels) -> str:
    first = constrained(reader, grammar, crop)
    if first[1] >= PlateReader.SURE:
        return first[0]
    return max(first, second.read([crop])[0][0], key=lambda text: text[1])[0]


def row(name: str, crops: dict[str, Pixels], read: Callable[[Pixels], Sequence[str]]) -> None:
    """Measures the shares of whole plates and of characters at their places.

    A crop with several texts or none counts as wrong.
    """
    pairs = []
    for text, crop in crops.items():
        found = list(read(crop))
        pairs.append((text, found[0] if len(found) == 1 else ""))
    right = sum(text == found for text, found in pairs)
    characters = sum(a == b for text, found in pairs for a, b in zip(text, found, strict=False))
    total = sum(map(len, crops))
    write(f"| {name} | {right / len(crops):.1%} | {characters / total:.1%} |")


def on_photographs(profile: str, plates: PlateReader) -> None:
    """Reads the photograph, and counts the plates that are found in pictures of text."""
    found = plates.read([decoded(PHOTOGRAPH)])[0]
    write(
        "",
        f"{profile}, {PHOTOGRAPH.name}: {', '.join(f'{plate.text} ({plate.score:.2f})' for plate in found)}",
    )
    texts = pictures_of_text()
    alarms = sum(len(plates.read([picture])[0]) for picture in texts)
    write(f"{profile}, plates in {len(texts)} pictures of text: {alarms}")


def pictures_of_text() -> list[Pixels]:
    files = (*sorted(TEXT.glob("*.jpg")), *sorted(ROOT.glob("containers/*ocr*/example.jpg")))
    return [decoded(file) for file in files]


def on_rendered_plates(profile: str, plates: PlateReader) -> None:
    """Counts rendered plates of every kind, and of several widths, that are read correctly."""
    right = []
    for sample in SAMPLES:
        for seed in range(SEEDS):
            found = plates.read([rendered(sample, seed)])[0]
            right.append([(plate.text, plate.colour) for plate in found] == [(sample.text, sample.colour)])
    write(f"{profile}, rendered plates, text and colour right: {sum(right)} of {len(right)}")
    for width in (90, 70, 56, 44):
        read = [words(plates, rendered(sample, 0, width)) == [sample.text] for sample in SAMPLES[::3]]
        write(f"{profile}, rendered plates {width} px wide, text right: {sum(read)} of {len(read)}")


def rendered(sample: Sample, seed: int, width: int = 120) -> Pixels:
    return np.asarray(photograph(sample, np.random.default_rng(seed), width))


def processor_time(profile: str, plates: PlateReader, reader: TextReader) -> None:
    """Measures the feature's processor time as a multiple of that which general_ocr takes."""
    for name, images in ((PHOTOGRAPH.name, [decoded(PHOTOGRAPH)]), ("pictures of text", pictures_of_text())):
        ratio = seconds(plates.read, images) / seconds(reader.read, images)
        write(f"{profile}, {name}: {ratio:.2f} times general_ocr's processor time")


def seconds(read: Callable[[Sequence[Pixels]], object], images: Sequence[Pixels]) -> float:
    """Returns the processor time of all threads, the best of three runs after a first one.

    Other processes hardly change it.
    """
    times = []
    for _ in range(4):
        start = time.process_time()
        for image in images:
            read([image])
        times.append(time.process_time() - start)
    return min(times[1:])


def words(plates: PlateReader, image: Pixels) -> list[str]:
    found: list[DetectedPlate] = plates.read([image])[0]
    return [plate.text for plate in found]


def lite() -> Weights:
    return Store.of(Settings.read()).resolve(find("car_license_plate"), "lite")


def standard() -> Weights | None:
    try:
        return Store.of(Settings.read()).resolve(find("car_license_plate"), "standard", download=False)
    except ServingError as error:
        write(f"{error}", "")
        return None


def decoded(file: Path) -> Pixels:
    return Media().decode(file.read_bytes())


def write(*lines: str) -> None:
    sys.stdout.write("\n".join((*lines, "")))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
