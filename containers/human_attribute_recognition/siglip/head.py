"""The head: a linear layer from an image's embedding to the values of the attributes.

Its weights come from the prompts, or from training.
"""

from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from containers.human_attribute_recognition.attributes import Table, digest, values_with_prompts
from containers.human_attribute_recognition.feature import CONFIG, NETWORK, TOKENIZER
from serving.arrays import Floats
from serving.weights import Weights
from serving.weights.array_cache import cached_arrays

TRAINED = "head.safetensors"
"""Name of the file with a trained head. A profile that declares it uses it in place of the prompts."""


class Head(NamedTuple):
    """The weights of the head.

    weight: (values, D). bias: (values,). The values are those of `attributes.values_with_prompts`, in order.
    """

    weight: Floats
    bias: Floats

    def __call__(self, embeddings: Floats) -> Floats:
        """Returns (N, values) logits from (N, D) embeddings of any length.

        Logits can be compared only within an attribute.
        """
        length = np.linalg.norm(embeddings, axis=1, keepdims=True)
        logits: Floats = embeddings / length @ self.weight.T + self.bias
        return logits


def load_head(weights: Weights, table: Table) -> Head:
    """Returns the trained head when the weights contain one, otherwise the head of the prompts.

    The head of the prompts is computed once and then read from the cache.
    """
    if TRAINED in weights:
        return Head(**load_file(weights[TRAINED]))
    file = weights.derived(f"prompts-{digest(table)}.safetensors")
    return Head(**cached_arrays(file, lambda: head_of_prompts(weights, table)._asdict()))


def head_of_prompts(weights: Weights, table: Table) -> Head:
    """Computes the head: the mean direction of each value's prompts, times the learnt scale.

    SigLIP is trained with one sigmoid per pair of image and text, sigmoid(scale * cosine + bias). The values
    of an attribute exclude each other, so exactly one of them is true. Under this condition the odds of the
    sigmoids give each value the probability softmax(scale * cosine). The bias is common to all values and
    cancels out.
    """
    # Imported here because a start with a cached head needs no text tower.
    from containers.human_attribute_recognition.siglip.network import scale, text_embeddings

    values = values_with_prompts(table)
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
