"""Measures a linear classifier on the frozen network: `python -m training.image_similarity.measure_transfer`.

It is compared with the same network with random weights, with the match kernel, which is not learnt, and
with a histogram of colours. scikit-learn's digits are left out where it is not installed, as it is no
dependency. Prints Markdown.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from skimage import data
from torch import Tensor, nn
from torch.nn import functional

from containers.image_similarity.feature import COPIES
from containers.image_similarity.networks.descriptor import Descriptor, descriptor
from containers.image_similarity.view import view
from serving.arrays import Pixels
from serving.feature import find
from serving.settings import Settings
from serving.weights import resolve
from training.material import photographs

PATCH = 64  # px
DECAY = 1e-3  # weight of the classifier's squared weights in its loss
Describe = Callable[[list[Pixels]], Tensor]


class Labelled(NamedTuple):
    """A set of labelled pictures. learn, test: the pictures of each class."""

    name: str
    learn: list[list[Pixels]]
    test: list[list[Pixels]]


def main() -> None:
    torch.manual_seed(0)
    trained = descriptor(resolve(find("image_similarity"), Settings.read(profile="lite"))[COPIES.name])
    random = _settled(Descriptor())
    describers: dict[str, Describe] = {
        "trained": lambda pictures: _described_by(trained, trained.learned, pictures),
        "random weights": lambda pictures: _described_by(random, random.learned, pictures),
        "match kernel": lambda pictures: _described_by(trained, trained.kernel, pictures),
        "colours": _histograms,
    }
    print("| set | classes, pictures of each to learn and to test | " + " | ".join(describers) + " |")
    print("|---|---|" + "---|" * len(describers))
    for task in (_digits(5), _digits(50), _textures(), _scenes()):
        if task is not None:
            found = " | ".join(f"{accuracy(task, describe):.1%}" for describe in describers.values())
            size = f"{len(task.learn)}, {len(task.learn[0])}, {len(task.test[0])}"
            print(f"| {task.name} | {size} | {found} |", flush=True)


def accuracy(task: Labelled, describe: Describe) -> float:
    """Returns the accuracy on the test pictures of logistic regression on standardised vectors."""
    learn, learn_classes = _described(task.learn, describe)
    test, test_classes = _described(task.test, describe)
    mean, deviation = learn.mean(0), learn.std(0) + 1e-6
    layer = nn.Linear(learn.shape[1], len(task.learn))
    nn.init.zeros_(layer.weight)
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def step() -> Tensor:
        optimiser.zero_grad()
        cost = functional.cross_entropy(layer((learn - mean) / deviation), learn_classes)
        cost = cost + DECAY * layer.weight.square().sum()
        cost.backward()  # type: ignore[no-untyped-call]
        return cost

    optimiser.step(step)  # type: ignore[no-untyped-call]
    return float((layer((test - mean) / deviation).argmax(1) == test_classes).float().mean())


def _described(classes: list[list[Pixels]], describe: Describe) -> tuple[Tensor, Tensor]:
    vectors = [describe(pictures) for pictures in classes]
    return torch.cat(vectors), torch.tensor([i for i, each in enumerate(vectors) for _ in each])


def _described_by(network: Descriptor, half: nn.Module, pictures: list[Pixels]) -> Tensor:
    views = torch.from_numpy(np.stack([view(picture) for picture in pictures]))
    with torch.no_grad():
        return torch.cat([half(network.local(batch)) for batch in torch.split(views, 32)])


def _settled(network: Descriptor) -> Descriptor:
    """Lets the batch norms see pieces of photographs, as in a network at the start of its training."""
    views = np.stack([view(piece) for each in photographs() for piece in _patches(each, 256)[:8]])
    with torch.no_grad():
        local = network.local(torch.from_numpy(views))
        for _ in range(20):
            network.train().learned(local)
    return network.eval()


def _histograms(pictures: list[Pixels]) -> Tensor:
    """Returns histograms over 4x4x4 cells of RGB, as square roots of shares."""
    found = [cv2.calcHist([each], [0, 1, 2], None, [4] * 3, [0, 256] * 3).ravel() for each in pictures]
    return torch.from_numpy(np.sqrt(np.stack(found) / pictures[0][..., 0].size))


def _digits(count: int) -> Labelled | None:
    if find_spec("sklearn") is None:
        return None
    held = import_module("sklearn.datasets").load_digits()
    classes = [[_grey(16 * image) for image in held.images[held.target == digit]] for digit in range(10)]
    learn, test = [each[:count] for each in classes], [each[-100:] for each in classes]
    return Labelled("handwritten digits, 8x8 px", learn, test)


def _textures() -> Labelled:
    """Cuts patches to learn from the upper quarter of each photograph, and to test from its lower half."""
    whole = [_grey(getattr(data, name)()) for name in ("brick", "grass", "gravel")]
    learn = [_patches(each[: len(each) // 4], PATCH) for each in whole]
    test = [_patches(each[len(each) // 2 :], PATCH) for each in whole]
    return Labelled("brick, grass, gravel", learn, test)


def _scenes() -> Labelled:
    """Cuts patches to learn from the left third of each photograph, and to test from its right third.

    The descriptor was trained on these photographs.
    """
    random = np.random.default_rng(0)
    learn: list[list[Pixels]] = []
    test: list[list[Pixels]] = []
    for each in photographs():
        third = each.shape[1] // 3
        for part, into in ((each[:, :third], learn), (each[:, -third:], test)):
            patches = _patches(part, 2 * PATCH)
            into.append([patches[i] for i in random.permutation(len(patches))[:20]])
    return Labelled("nine photographs (trained on)", learn, test)


def _patches(image: Pixels, side: int) -> list[Pixels]:
    return list(_cut(image, side))


def _cut(image: Pixels, side: int) -> Iterator[Pixels]:
    for top in range(0, image.shape[0] - side + 1, side):
        for left in range(0, image.shape[1] - side + 1, side):
            yield np.ascontiguousarray(image[top : top + side, left : left + side])


def _grey(values: NDArray[np.generic]) -> Pixels:
    return np.dstack([np.clip(values, 0, 255).astype(np.uint8)] * 3)


if __name__ == "__main__":
    main()
