"""Trains PlainNet on photographs, portraits and collages: `make train NAME=super_resolution.network`."""

from collections.abc import Callable
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.data.composites import photograph
from benchmarks.data.photographs import NAMES, psnr_and_ssim, resized
from serving.arrays import Pixels
from training.loop import Make, Options, Plan, Training, export
from training.material import photographs
from training.super_resolution.muon import Muon
from training.super_resolution.pairs import HELD_OUT, Pairs, pairs
from training.super_resolution.plain import PlainNet, plain

PLAN = Plan(name="super_resolution", steps=6400, rate=2e-3, weight_decay=0.01, average=0.998)
BATCH = 8
LUMA = 65.481 / 255, 128.553 / 255, 24.966 / 255  # BT.601, 16 to 235, as in the measurement
FAINT = 0.5  # levels; reducing an error below this gains little
MARGIN = 12  # px, reach of the network

Batch = tuple[Tensor, Tensor]


def main() -> None:
    cv2.setNumThreads(0)
    options = Options.read()
    training = Training(PLAN, PlainNet, options, muon)
    network = training.run(
        batches(pairs(PLAN.seed, options.out / "super_resolution.npz")), loss, progress=progress(), every=250
    )
    exported = options.out / "super_resolution.safetensors"
    export(network, exported)
    for scale in (2, 4):
        gains = {name: gain(plain(exported, scale), photograph(name)) for name in NAMES}
        figures = ", ".join(f"{name} {each:+.2f}" for name, each in gains.items())
        print(f"x{scale}: {np.mean(list(gains.values())):+.2f} dB over bicubic: {figures}")


def muon(network: nn.Module, plan: Plan) -> Muon:
    """Returns the optimiser, which uses Muon for the blocks' convolutions."""
    blocks = [each for name, each in network.named_parameters() if "blocks" in name and each.ndim == 4]
    return Muon(network, blocks, plan.rate)


def batches(found: Pairs) -> Make:
    """Returns a function that makes batches: (BATCH, 3, PATCH, PATCH) pictures and their enlargements."""

    def make(random: np.random.Generator) -> Batch:
        chosen = random.integers(len(found.small), size=BATCH)
        turns, flip = int(random.integers(4)), int(random.choice((-1, 1)))
        turned = (np.rot90(each[chosen], turns, (1, 2))[:, ::flip] for each in found)
        first, second = (torch.from_numpy(each.transpose(0, 3, 1, 2).astype(np.float32)) for each in turned)
        return first, second

    return make


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """Returns the root mean square error of each patch, of colours and of luma, averaged over the patches."""
    small, target = batch
    errors = network(small) - target
    luma = (errors * errors.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return (_root(errors) / 2 + _root(luma) * 3 / 4) / 32


def _root(errors: Tensor) -> Tensor:
    return (errors.square().mean((1, 2, 3)) + FAINT**2).sqrt().mean()


def progress() -> Callable[[nn.Module], str]:
    """Returns a function that gives the gain over bicubic for the held-out photograph, at two sizes."""
    truths = [resized(photographs()[HELD_OUT], size)[:512, :640] for size in (0.8, 0.4)]

    def gains(network: nn.Module) -> str:
        found = [gain(cast(PlainNet, network), truth) for truth in truths]
        return "held out: " + ", ".join(f"{each:+.2f} dB" for each in found)

    return gains


def gain(network: PlainNet, picture: Pixels) -> float:
    """Returns the luma's PSNR minus that of bicubic, in dB, as the benchmark measures it."""
    scale = network.scale
    truth = picture[: len(picture) // scale * scale, : picture.shape[1] // scale * scale]
    small = resized(truth, 1 / scale)
    ours, bicubic = (
        psnr_and_ssim(each, truth, scale) for each in (enlarged(network, small), resized(small, scale))
    )
    return ours[0] - bicubic[0]


def enlarged(network: PlainNet, small: Pixels) -> Pixels:
    """Enlarges a picture in one piece, mirrored at its edges."""
    padded = np.pad(small, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="reflect")
    device = network.bicubic.device
    with torch.inference_mode():
        images = torch.from_numpy(padded.transpose(2, 0, 1)[None].astype(np.float32)).to(device)
        large = network(images)[0].permute(1, 2, 0).cpu().numpy()
    edge = network.scale * MARGIN
    return np.asarray(large[edge:-edge, edge:-edge].clip(0, 255).round(), np.uint8)


if __name__ == "__main__":
    main()
