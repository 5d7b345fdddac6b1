"""Measures how many plates the detector finds: `python -m training.plates.measure_detector [FILE]`.

FILE is the detector's weights. Prints Markdown.
"""

import sys
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from safetensors.torch import load_file

from benchmarks.data.composites import photograph
from serving.arrays import Pixels
from serving.images.intake import Media
from training.material import SHARED
from training.plates.scenes import Scene, scene
from training.plates.train_detector import HELD_OUT, PlateFinder, overlap, plates

DRAWN = 100  # scenes
WIDTHS = 40, 120  # px of a real plate
SIDE = 320


def main() -> None:
    network = PlateFinder()
    network.load_state_dict(
        load_file(sys.argv[1] if sys.argv[1:] else "out/training/plate_detector.safetensors")
    )
    network.eval()
    drawn = (scene(np.random.default_rng((HELD_OUT, number))) for number in range(DRAWN))
    print("| pictures | plates | found | false alarms |\n| --- | --- | --- | --- |")
    for name, scenes in (("drawn, held out", drawn), ("real plates in photographs", real())):
        known = found = false_alarms = 0
        for pixels, corners in scenes:
            image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
            seen = [each for each, _ in plates(network, image)[0]]
            hits = [any(overlap(each, one) >= 0.5 for one in seen) for each in corners]
            known, found = known + len(hits), found + sum(hits)
            false_alarms += sum(all(overlap(each, one) < 0.5 for each in corners) for one in seen)
        print(f"| {name} | {known} | {found} | {false_alarms} |", flush=True)


def real() -> Iterator[Scene]:
    """Yields every real crop unchanged, laid into a piece of one of scikit-image's photographs."""
    random, media = np.random.default_rng(HELD_OUT), Media()
    behind = [photograph(name) for name in ("coffee", "chelsea", "rocket", "astronaut")]
    for file in sorted((SHARED / "images" / "plate" / "crops").glob("*.jpg")):
        crop = media.decode(file.read_bytes())
        yield laid(random, crop, behind[int(random.integers(len(behind)))])


def laid(random: np.random.Generator, crop: Pixels, photo: Pixels) -> Scene:
    top, left = (int(random.integers(side - SIDE + 1)) if side > SIDE else 0 for side in photo.shape[:2])
    pixels = photo[top : top + SIDE, left : left + SIDE].copy()
    pixels = pixels[: len(pixels) // 8 * 8, : pixels.shape[1] // 8 * 8]
    width = int(random.integers(*WIDTHS))
    height = round(width * crop.shape[0] / crop.shape[1])
    x, y = (
        int(random.integers(limit - side))
        for limit, side in zip(pixels.shape[1::-1], (width, height), strict=True)
    )
    pixels[y : y + height, x : x + width] = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    corners = np.array(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), np.float32)
    return Scene(pixels, corners[None])


if __name__ == "__main__":
    main()
