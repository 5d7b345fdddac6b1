"""Trains the portrait matte network: `make train NAME=faces.matte`."""

from collections.abc import Callable
from functools import partial
from typing import cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Pixels
from training.faces.data.matte_labels import Labelled, labelled
from training.faces.data.matte_scenes import scene, shown
from training.faces.networks.matte import SIDE, MatteNetwork
from training.loop import Options, Plan, Training, export
from training.material import photographs

PLAN = Plan(name="matte", steps=1500, rate=3e-3, warm_up=100, average=0.995)
BATCH = 16
VIEWS = 2  # views of each scene; composing a scene costs more than half a training step


def main() -> None:
    options = Options.read()
    cv2.setNumThreads(0)
    torch.set_num_threads(options.threads)
    known = labelled(options.out / "mattes.npz").sure()
    heads, unseen = known.where(~known.held_out), known.where(known.held_out)
    training = Training(PLAN, MatteNetwork, options)
    network = training.run(
        partial(batch, heads=heads, backgrounds=photographs()), loss, progress=watched(unseen), every=100
    )
    export(network, options.out / "matte.safetensors")


def batch(
    random: np.random.Generator, *, heads: Labelled, backgrounds: tuple[Pixels, ...]
) -> tuple[Tensor, Tensor]:
    """Returns pictures (16, 3, S, S) in -1..1 and opacities (16, 1, S, S) in 0..1."""
    whole = [scene(random, heads, backgrounds, SIDE) for _ in range(BATCH // VIEWS)]
    scenes = [shown(random, one) for one in whole for _ in range(VIEWS)]
    opacities = torch.from_numpy(np.stack([one.opacity for one in scenes])[:, None])
    return network_input([one.image for one in scenes]), opacities.float() / 255


def network_input(images: list[Pixels]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


def loss(network: nn.Module, examples: tuple[Tensor, Tensor]) -> Tensor:
    """Returns cross-entropy plus one minus the soft intersection over union of the scenes with people."""
    images, wanted = examples
    logits = cast(MatteNetwork, network).logits(images)
    found = logits.sigmoid()
    common = (found * wanted).sum((1, 2, 3))
    union = (found + wanted - found * wanted).sum((1, 2, 3))
    peopled = wanted.mean((1, 2, 3)) > 0.01
    missed = 1 - (common[peopled] / union[peopled]).mean()
    return F.binary_cross_entropy_with_logits(logits, wanted) + missed


def watched(unseen: Labelled) -> Callable[[nn.Module], str]:
    """Returns a function that gives the intersection over union with the teacher on people held out."""
    size = (SIDE, SIDE)
    images = network_input([cv2.resize(one, size).astype(np.uint8) for one in unseen.pixels])
    wanted = torch.from_numpy(np.stack([cv2.resize(one, size) > 127 for one in unseen.opacities]))

    def figure(network: nn.Module) -> str:
        with torch.inference_mode():
            found = torch.cat([network(part)[:, 0] > 0.5 for part in torch.split(images, 32)])
        ratio = (found & wanted).sum((1, 2)) / (found | wanted).sum((1, 2))
        return f"IoU {ratio.mean():.4f}, 10th percentile {ratio.quantile(0.1):.4f}"

    return figure


if __name__ == "__main__":
    main()
