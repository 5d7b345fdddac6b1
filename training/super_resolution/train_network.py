"""Trains the small RLFN of image_super_resolution: `make train NAME=super_resolution.network`.

It begins as RLFN without its last two blocks and learns to give RLFN's results.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import NAMES, psnr_and_ssim, resized
from containers.image_super_resolution.networks.rlfn import CELL, RLFN, rlfn
from serving.arrays import Pixels
from training.loop import Make, Options, Plan, Training, export
from training.material import photographs
from training.super_resolution.pairs import HELD_OUT, PATCH, SCALE, Pairs, pairs, teacher_file

PLAN = Plan(name="super_resolution", steps=8000, rate=8e-4, weight_decay=0.0, average=0.998)
BLOCKS = 2  # of RLFN's four
BATCH = 8
SIDE = PATCH // CELL * CELL  # px of a small square in a batch
LUMA = 65.481 / 255, 128.553 / 255, 24.966 / 255  # BT.601, 16 to 235, as in the measurement
FAINT = 0.5  # levels; reducing an error below this gains little
MARGIN = 30  # px that a picture is extended by, as a tile is

Batch = tuple[Tensor, Tensor]


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    training = Training(PLAN, lambda: student(teacher_file()), options)
    squares = pairs(PLAN.seed, options.out / "super_resolution.npz")
    network = training.run(batches(squares), loss, progress=progress(), every=250)
    exported = options.out / "rlfn_small.safetensors"
    export(network, exported)
    for scale in (2, 4):
        gains = {name: gain(rlfn(exported, scale), photograph(name), scale) for name in NAMES}
        figures = ", ".join(f"{name} {each:+.2f}" for name, each in gains.items())
        print(f"x{scale}: {np.mean(list(gains.values())):+.2f} dB over bicubic: {figures}")


def student(teacher: Path) -> RLFN:
    """Returns RLFN without its last blocks."""
    network = RLFN(SCALE, BLOCKS)
    state = rlfn(teacher, SCALE).state_dict()
    network.load_state_dict({name: state[name] for name in network.state_dict()})
    return network


def batches(found: Pairs) -> Make:
    """Returns a function that makes batches: (BATCH, 3, SIDE, SIDE) pictures and their enlargements."""

    def make(random: np.random.Generator) -> Batch:
        chosen = random.integers(len(found.small), size=BATCH)
        top, left = random.integers(PATCH - SIDE + 1, size=2)
        turns, flip = int(random.integers(4)), int(random.choice((-1, 1)))
        small, large = (
            each[chosen, size * top : size * (top + SIDE), size * left : size * (left + SIDE)]
            for each, size in zip(found, (1, SCALE), strict=True)
        )
        turned = (np.rot90(each, turns, (1, 2))[:, ::flip] for each in (small, large))
        first, second = (torch.from_numpy(each.transpose(0, 3, 1, 2).astype(np.float32)) for each in turned)
        return first, second

    return make


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Returns the root mean square error of each square, averaged over the squares.

    It is a sum over colours, luma, and luma at scale 2. The guard against implausible results is left out,
    because it has no gradient where it clips.
    """
    small, target = batch
    network = cast(RLFN, network)
    errors = network.shuffle(network.upsampler(network.features(small))) - target
    luma = (errors * errors.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return _root(errors) / 2 + _root(luma) * 3 / 4 + _root(functional.avg_pool2d(luma, 2)) / 2


def _root(errors: Tensor) -> Tensor:
    return (errors.square().mean((1, 2, 3)) + FAINT**2).sqrt().mean()


def progress() -> Callable[[nn.Module], str]:
    """Returns a function that gives the gain over bicubic for a part of each held-out photograph."""
    truths = [resized(photographs()[number], 0.5)[:512, :640] for number in HELD_OUT]

    def gains(network: nn.Module) -> str:
        found = [gain(network, truth, SCALE) for truth in truths]
        return "held out: " + ", ".join(f"{each:+.2f} dB" for each in found)

    return gains


def gain(network: nn.Module, picture: Pixels, scale: int) -> float:
    """Returns the luma's PSNR minus that of bicubic, in dB, as the benchmark measures it."""
    truth = picture[: len(picture) // scale * scale, : picture.shape[1] // scale * scale]
    small = resized(truth, 1 / scale)
    ours, bicubic = (
        psnr_and_ssim(each, truth, scale) for each in (enlarged(network, small, scale), resized(small, scale))
    )
    return ours[0] - bicubic[0]


def enlarged(network: nn.Module, small: Pixels, scale: int) -> Pixels:
    """Enlarges a picture in one piece, mirrored at its edges."""
    height, width = small.shape[:2]
    rest = ((MARGIN, MARGIN - height % -CELL), (MARGIN, MARGIN - width % -CELL), (0, 0))
    padded = np.pad(small, rest, mode="reflect").transpose(2, 0, 1)[None].astype(np.float32)
    device = next(network.parameters()).device
    with torch.inference_mode():
        large = network(torch.from_numpy(padded).to(device))[0].permute(1, 2, 0).cpu().numpy()
    inner = large[scale * MARGIN :, scale * MARGIN :][: scale * height, : scale * width]
    return np.asarray(inner.clip(0, 255).round(), np.uint8)


if __name__ == "__main__":
    main()
