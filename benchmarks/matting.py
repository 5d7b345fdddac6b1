"""Measures human_image_segmentation: its error on pictures with a known matte, and its time by size.

Prints Markdown. It compares with pymatting where that is installed.
"""

import importlib.util
import sys
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.data.composites import PAIRS, Composite, composite, photograph
from containers.human_image_segmentation.feature import SegmentationRequest
from containers.human_image_segmentation.foreground import cut_out
from containers.human_image_segmentation.model import Model
from containers.human_image_segmentation.refinement import contrast, matte
from containers.human_image_segmentation.segmenter import SELFIE_KIND
from serving.arrays import Array, Flags, Floats, Pixels
from serving.errors import PayloadTooLarge
from serving.feature import find
from serving.images.intake import ImageBytes
from serving.settings import Settings
from serving.weights import resolve

Method = Callable[[Pixels, Floats], Array]
SIDES = (640, 1280, 4096)


def main() -> None:
    cases = [composite(pair, 768, seed) for seed, pair in enumerate(PAIRS)]
    sys.stdout.writelines(f"{line}\n" for part in (errors(cases), colours(cases), times()) for line in part)


def errors(cases: list[Composite]) -> Iterator[str]:
    """Measures the matte's mean absolute error in thousandths, over all pixels and over those near edges."""
    yield from ("| matte | all | near edges | seconds |", "|---|---|---|---|")
    for name, method in methods().items():
        start = time.perf_counter()
        found = [method(case.image, contrast(case.coarse, SELFIE_KIND.margin)) for case in cases]
        seconds = (time.perf_counter() - start) / len(cases)
        off = [np.abs(one - case.opacity) for one, case in zip(found, cases, strict=True)]
        near = [one[_edges(case.opacity)].mean() for one, case in zip(off, cases, strict=True)]
        yield f"| {name} | {np.mean(off) * 1000:.1f} | {np.mean(near) * 1000:.1f} | {seconds:.2f} |"


def methods() -> dict[str, Method]:
    """Returns the methods that turn an image and a coarse map into a matte, 0..1."""
    ways: dict[str, Method] = {
        "coarse map, enlarged": lambda image, coarse: cv2.resize(coarse, image.shape[1::-1]).astype(
            np.float32
        ),
        "ours": lambda image, coarse: matte(image, coarse, SELFIE_KIND.radius) / np.float32(255),
    }
    if importlib.util.find_spec("pymatting"):
        ways["pymatting, closed form at 384 px"] = _closed_form
    return ways


def _closed_form(image: Pixels, coarse: Floats) -> Array:
    from pymatting import estimate_alpha_cf  # type: ignore[import-not-found]

    small = cv2.resize(image, (384, 384), interpolation=cv2.INTER_AREA) / 255
    map_, kernel = cv2.resize(coarse, (384, 384)), np.ones((15, 15))
    known = np.where(cv2.erode(map_, kernel) > 0.9, 1, np.where(cv2.dilate(map_, kernel) < 0.1, 0, 0.5))
    return np.asarray(cv2.resize(estimate_alpha_cf(small, known), image.shape[1::-1]))


def colours(cases: list[Composite]) -> Iterator[str]:
    """Measures the foreground colours' mean absolute error at half-covered pixels, in levels of 255."""
    plain: list[float] = []
    ours: list[float] = []
    for case in cases:
        edge = (case.opacity > 0.1) & (case.opacity < 0.9)
        clean = cut_out(case.image, np.rint(case.opacity * 255).astype(np.uint8))
        for errors_, found in ((plain, case.image), (ours, clean[..., :3])):
            errors_.append(np.abs(found[edge].astype(float) - case.colours[edge]).mean())
    yield ""
    yield f"Colour error at edges: {np.mean(plain):.1f} levels as photographed, {np.mean(ours):.1f} cleaned."


def times() -> Iterator[str]:
    """Measures the milliseconds of the three steps for one request at a time, the best of three."""
    model = Model.load(resolve(find("human_image_segmentation"), Settings.read()), "cpu")
    yield from (
        "",
        "| longest side | type | decode | networks | matte and encoding | reply |",
        "|---|---|---|---|---|---|",
    )
    for side in SIDES:
        picture = cv2.resize(photograph("astronaut")[..., ::-1], (side, side), interpolation=cv2.INTER_CUBIC)
        encoded = ImageBytes(cv2.imencode(".jpg", picture)[1].tobytes())
        for request in (
            SegmentationRequest(img=encoded),
            SegmentationRequest(img=encoded, type="foreground"),
            SegmentationRequest(img=encoded, type="foreground", format="webp"),
        ):
            rounds = [_steps(model, request) for _ in range(3)]
            steps = np.min([spent for spent, _ in rounds], 0) * 1000
            kind = f"{request.type or 'matte'} {request.format}"
            yield f"| {side} | {kind} | {' | '.join(f'{step:.0f}' for step in steps)} | {rounds[0][1]} |"


def _steps(model: Model, request: SegmentationRequest) -> tuple[list[float], str]:
    moments = [time.perf_counter()]
    item = model.preprocess(request)
    moments.append(time.perf_counter())
    (output,) = model.predict([item])
    moments.append(time.perf_counter())
    try:
        reply = f"{len(model.postprocess(output, item).result) / 1000:.0f} kB"
    except PayloadTooLarge:
        reply = "413"
    return np.diff([*moments, time.perf_counter()]).tolist(), reply


def _edges(opacity: Floats) -> Flags:
    soft = ((opacity > 0.02) & (opacity < 0.98)).astype(np.uint8)
    return np.asarray(cv2.dilate(soft, np.ones((15, 15)))) > 0


if __name__ == "__main__":
    main()
