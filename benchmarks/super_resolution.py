"""Measures image_super_resolution: likeness to the truth compared with bicubic, and time and memory by size.

Prints Markdown. `ARGS="photo.jpg …"` adds photographs to those of scikit-image. At most 2048 px of each side
are used.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import NAMES, psnr_and_ssim, resized
from containers.image_super_resolution.feature import EnlargementRequest
from containers.image_super_resolution.model import Model
from serving.errors import PayloadTooLarge
from serving.feature import find
from serving.images.encoding import encode_image
from serving.images.intake import ImageBytes, Media
from serving.settings import Settings
from serving.weights import resolve

SIZES = ((64, 64), (256, 256), (640, 480), (1280, 720), (1920, 1080))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--no-times", action="store_true")
    options = parser.parse_args()
    model = Model.load(resolve(find("image_super_resolution"), Settings.read()), "cpu")
    pictures: dict[str, Path | None] = {name: None for name in NAMES}
    pictures |= {path.stem: path for path in options.photos}
    for part in (qualities(model, pictures), compressed(model), () if options.no_times else times(model)):
        for line in part:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def qualities(model: Model, pictures: dict[str, Path | None]) -> Iterator[str]:
    """Measures PSNR in dB and SSIM of the luma, for pictures shrunk by bicubic.

    The pictures are then enlarged by bicubic and by the feature.
    """
    yield "| picture | scale | bicubic | enlarged | gain | bicubic SSIM | enlarged SSIM |"
    yield "|---|---|---|---|---|---|---|"
    for scale in (2, 4):
        gains = []
        for name, path in pictures.items():
            truth = (Media().decode(path.read_bytes()) if path else photograph(name))[:2048, :2048]
            truth = truth[: len(truth) // scale * scale, : truth.shape[1] // scale * scale]
            small = resized(truth, 1 / scale)
            request = EnlargementRequest(img=ImageBytes(encode_image(small[:9, :9], "png")), scale=scale)
            (found,) = model.predict([model.preprocess(request)._replace(colours=small)])
            (plain, plain_ssim), (ours, ours_ssim) = (
                psnr_and_ssim(each, truth, scale) for each in (resized(small, scale), found)
            )
            gains.append(ours - plain)
            figures = f"{plain:.2f} | {ours:.2f} | {gains[-1]:+.2f} | {plain_ssim:.4f} | {ours_ssim:.4f}"
            yield f"| {name} | {scale} | {figures} |"
        yield f"| mean | {scale} | | | {np.mean(gains):+.2f} | | |"


def compressed(model: Model) -> Iterator[str]:
    """Measures the mean gain of PSNR at scale 4 on scikit-image's photographs, for small pictures in JPEG."""
    yield from ("", "| JPEG quality | mean gain, dB |", "|---|---|")
    for quality in (90, 75, 50):
        gains = []
        for name in NAMES:
            truth = photograph(name)
            truth = truth[: len(truth) // 4 * 4, : truth.shape[1] // 4 * 4]
            file = cv2.imencode(
                ".jpg", resized(truth, 1 / 4)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality)
            )[1]
            item = model.preprocess(EnlargementRequest(img=ImageBytes(file.tobytes()), scale=4))
            (found,) = model.predict([item])
            gains.append(
                psnr_and_ssim(found, truth, 4)[0] - psnr_and_ssim(resized(item.colours, 4), truth, 4)[0]
            )
        yield f"| {quality} | {np.mean(gains):+.2f} |"


def times(model: Model) -> Iterator[str]:
    """Measures the milliseconds of the three steps, one request at a time, and the peak memory so far."""
    yield from (
        "",
        "| size | scale | decode | network | ms per output megapixel | CPU s | webp | reply | peak MB |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    for width, height in SIZES:
        picture = cv2.resize(photograph("coffee")[..., ::-1], (width, height), interpolation=cv2.INTER_CUBIC)
        file = ImageBytes(cv2.imencode(".jpg", picture)[1].tobytes())
        for scale in (2, 4):
            request = EnlargementRequest(img=file, scale=scale, format="webp")
            _steps(model, request)
            steps, cpu, reply = _steps(model, request)
            decode, network, encode = (1000 * step for step in steps)
            pace = network / (width * height * scale**2 / 1e6)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            row = (
                f"{decode:.0f} | {network:.0f} | {pace:.0f} | {cpu:.1f} | {encode:.0f} | {reply} | {peak:.0f}"
            )
            yield f"| {width}x{height} | {scale} | {row} |"


def _steps(model: Model, request: EnlargementRequest) -> tuple[list[float], float, str]:
    moments = [time.perf_counter()]
    item = model.preprocess(request)
    moments.append(time.perf_counter())
    busy = time.process_time()
    (output,) = model.predict([item])
    busy = time.process_time() - busy
    moments.append(time.perf_counter())
    try:
        reply = f"{len(model.postprocess(output, item).result) / 1000:.0f} kB"
    except PayloadTooLarge:
        reply = "413"
    return np.diff([*moments, time.perf_counter()]).tolist(), busy, reply


if __name__ == "__main__":
    main()
