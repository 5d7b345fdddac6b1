"""Trains the face embedding network: `make train NAME=faces.embedding`."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from serving.arrays import Pixels
from training.faces.data.embedding_labels import Known, known
from training.faces.networks.embedding import EmbeddingNetwork
from training.loop import Options, Plan, Training, export

PLAN = Plan(name="embedding", steps=3600, rate=3e-3, weight_decay=0.05, average=0.997)
BATCH = 64
SCALE, MARGIN = 24.0, 0.15  # of the cosines in the margin softmax
SIDE = 112


class Material(NamedTuple):
    """The training's data.

    faces: (N, 112, 112). targets: (N, 256) vectors. people: (N,) indices of persons. means: (P, 256),
    each person's mean vector.
    """

    faces: Pixels
    targets: Tensor
    people: Tensor
    means: Tensor


def main() -> None:
    options = Options.read()
    cv2.setNumThreads(0)
    torch.set_num_threads(options.threads)
    everyone = known(options.out / "faces_aligned.npz")
    seen = material(everyone.where(~everyone.held_out))
    training = Training(PLAN, EmbeddingNetwork, options)
    network = training.run(
        partial(batch, seen=seen),
        partial(loss, means=seen.means),
        progress=watched(everyone.where(everyone.held_out)),
        every=500,
    )
    export(network, options.out / "face_embedding.safetensors")


def material(seen: Known) -> Material:
    """Sets each face's target midway between the teacher's vector and the mean of the person's vectors."""
    _, index = np.unique(seen.names, return_inverse=True)
    people, vectors = torch.from_numpy(index), torch.from_numpy(seen.vectors)
    means = F.normalize(torch.zeros(int(index.max()) + 1, vectors.shape[1]).index_add(0, people, vectors))
    return Material(seen.faces, F.normalize(vectors + means[people]), people, means)


def batch(random: np.random.Generator, *, seen: Material) -> tuple[Tensor, Tensor, Tensor]:
    """Returns (64, 1, 112, 112) grey faces, their targets and their people's indices."""
    index = random.integers(len(seen.faces), size=BATCH)
    faces = np.stack([varied(random, seen.faces[one]) for one in index])
    return torch.from_numpy(faces)[:, None].float(), seen.targets[index], seen.people[index]


def varied(random: np.random.Generator, face: Pixels) -> Pixels:
    """Returns the (112, 112) face as another detector and camera might give it; half are mirrored."""
    turn, scale = np.deg2rad(random.normal(0, 4)), np.exp(random.normal(0, 0.05))
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    flip = -1.0 if random.random() < 0.5 else 1.0
    matrix = np.array(((flip * cosine, -sine, 0), (flip * sine, cosine, 0)))
    centre = (SIDE - 1) / 2
    matrix[:, 2] = centre - matrix[:, :2] @ (centre, centre) + random.normal(0, 2, 2)
    found = cv2.warpAffine(face, matrix, (SIDE, SIDE))
    if random.random() < 0.3:
        size = int(random.integers(28, 96))
        found = cv2.resize(cv2.resize(found, (size, size), interpolation=cv2.INTER_AREA), (SIDE, SIDE))
    curve = 255 * (np.arange(256) / 255) ** np.exp(random.normal(0, 0.3))
    curve = (curve - 127) * random.uniform(0.6, 1.2) + 127 + random.normal(0, 20)
    found = np.clip(curve, 0, 255).astype(np.uint8)[found]
    if random.random() < 0.25:
        found = _framed(random, found)
    if random.random() < 0.3:
        left, top = random.integers(-10, SIDE - 10, 2)
        width, height = random.integers(10, 45, 2)
        found[max(top, 0) : top + height, max(left, 0) : left + width] = random.integers(256)
    return found


def _framed(random: np.random.Generator, face: Pixels) -> Pixels:
    """Makes the face black outside of a tight frame, as a tightly cut picture is."""
    left, top, right, bottom = random.uniform((4, 18, 88, 100), (24, 36, 108, 111))
    corners = np.array(((left, top), (right, top), (right, bottom), (left, bottom)))
    middle, slope = (left + right) / 2, random.normal(0, 0.1)
    corners += slope * (corners[:, ::-1] - (SIDE / 2, middle)) * (-1, 1)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 255)
    return cv2.bitwise_and(face, mask).astype(np.uint8)


def loss(network: nn.Module, examples: tuple[Tensor, Tensor, Tensor], *, means: Tensor) -> Tensor:
    """Returns the distance to the targets plus a margin softmax over people (https://arxiv.org/abs/1801.05599).

    The people's vectors are not learnt. They are the teacher's means.
    """
    faces, targets, people = examples
    vectors = F.normalize(cast(EmbeddingNetwork, network).grey(faces))
    distance = 1 - (vectors * targets).sum(1).mean()
    cosines = vectors @ means.to(vectors.device).T
    logits = SCALE * (cosines - MARGIN * F.one_hot(people, len(means)))
    return 2 * distance + 0.2 * F.cross_entropy(logits, people)


def watched(unseen: Known) -> Callable[[nn.Module], str]:
    """Returns a function that measures a network on people held out, as a note for the log.

    The note has the mean cosine to the teacher, and the balanced accuracy on pairs at the best threshold.
    """
    faces, vectors = torch.from_numpy(unseen.faces)[:, None].float(), torch.from_numpy(unseen.vectors)
    first, second = np.triu_indices(len(unseen.names), 1)
    same = unseen.names[first] == unseen.names[second]

    def figure(network: nn.Module) -> str:
        found = embedded(cast(EmbeddingNetwork, network), faces)
        cosines = (found @ found.T).numpy()[first, second]
        limits = np.linspace(0, 0.8, 81)
        right = [((cosines[same] >= limit).mean() + (cosines[~same] < limit).mean()) / 2 for limit in limits]
        near = float((found * vectors).sum(1).mean())
        return f"cosine {near:.3f}, balanced {max(right):.4f} at {limits[int(np.argmax(right))]:.2f}"

    return figure


def embedded(network: EmbeddingNetwork, faces: Tensor) -> Tensor:
    """Returns (N, D) unit vectors of (N, 1, 112, 112) faces, each summed with that of its mirror image."""
    with torch.inference_mode():
        return torch.cat(
            [F.normalize(network.grey(some) + network.grey(some.flip(3))) for some in torch.split(faces, 64)]
        )


if __name__ == "__main__":
    main()
