"""What an image's embedding says of each value: a linear layer, of sentences or trained."""

from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from containers.human_attribute_recognition.attributes import Table, digest, prompted
from containers.human_attribute_recognition.weight_files import CONFIG, NETWORK, TOKENIZER
from serving.arrays import Floats
from serving.weights import Weights
from serving.weights.array_cache import cached_arrays

TRAINED = "head.safetensors"
"""A profile that declares a file of this name is served with it in place of the prompts."""


class Head(NamedTuple):
    """weight: (values, D), bias: (values,); the values are those of `attributes.prompted`."""

    weight: Floats
    bias: Floats

    def __call__(self, embeddings: Floats) -> Floats:
        """(N, D) of any length -> (N, values) logits, to be compared within an attribute."""
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        logits: Floats = embeddings / length @ self.weight.T + self.bias
        return logits


def of(weights: Weights, table: Table) -> Head:
    """The weights' own head, else the prompts' embeddings: from an earlier start, or computed and kept."""
    if TRAINED in weights:
        return Head(**load_file(weights[TRAINED]))
    file = weights.derived(f"prompts-{digest(table)}.safetensors")
    return Head(**cached_arrays(file, lambda: of_prompts(weights, table)._asdict()))


def of_prompts(weights: Weights, table: Table) -> Head:
    """The mean direction of each value's prompts, times the learnt scale.

    SigLIP is trained with a sigmoid per pair of image and text, sigmoid(scale * cosine + bias). Of values
    that exclude each other exactly one is true: given that, the odds of the sigmoids make the probability of
    each value its softmax over scale * cosine, and the bias, common to all, falls out.
    """
    # late: once the head is stored, a start needs no text tower
    from containers.human_attribute_recognition.network import scale, text_embeddings

    values = prompted(table)
    embeddings = text_embeddings(
        [prompt for value in values for prompt in value.prompts],
        config=weights[CONFIG.name],
        network=weights[NETWORK.name],
        tokenizer=weights[TOKENIZER.name],
    )
    starts = np.cumsum([0, *(len(value.prompts) for value in values[:-1])])
    sums = np.add.reduceat(embeddings, starts)
    directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return Head(directions * np.float32(scale(weights[NETWORK.name])), np.zeros(len(values), np.float32))
