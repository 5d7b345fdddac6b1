"""BERT (https://arxiv.org/abs/1810.04805) with the parameters of BGE (https://arxiv.org/abs/2309.07597)."""

from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from serving.arrays import Array

PADDING = 0
"""The padding token, the same in every BERT vocabulary of its authors."""

_HEAD = 64  # width of an attention head of BERT


class Bert(nn.Module):
    """Turns int64 tokens padded with `PADDING`, (N, L), into the state of the first token, (N, D)."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        tensors = parameters(file)
        self.bert = BertModel(_config(tensors), add_pooling_layer=False)
        expected = self.bert.state_dict()
        found = {name: torch.tensor(tensors[name]) for name in expected if name in tensors}
        self.bert.load_state_dict(found)

    def forward(self, tokens: Tensor) -> Tensor:
        states: Tensor = self.bert(tokens, attention_mask=(tokens != PADDING).long()).last_hidden_state
        return states[:, 0]


def parameters(file: Path) -> dict[str, Array]:
    """Returns the tensors of an exported BERT by their names in torch.

    The export keeps all names except those of the weights of linear layers, which it also transposes. Such a
    weight gets its name from the bias that is added to its product.
    """
    graph = onnx.load(file).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weight_of = {
        node.output[0]: tensors[node.input[1]]
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in tensors
    }
    for node in graph.node:
        product = next((name for name in node.input if name in weight_of), None)
        bias = next((name for name in node.input if name.endswith(".bias")), None)
        if node.op_type == "Add" and product and bias:
            tensors[f"{bias.removesuffix('.bias')}.weight"] = weight_of[product].T
    return tensors


def _config(tensors: Mapping[str, Array]) -> BertConfig:
    """Reads the configuration from the shapes of the tensors. The rest are BERT's default values."""
    embeddings, first = "embeddings.{}_embeddings.weight", "encoder.layer.0.intermediate.dense.bias"
    words, positions, types = (
        tensors[embeddings.format(kind)].shape[0] for kind in ("word", "position", "token_type")
    )
    width = tensors[embeddings.format("word")].shape[1]
    return BertConfig(
        vocab_size=words,
        max_position_embeddings=positions,
        type_vocab_size=types,
        hidden_size=width,
        num_attention_heads=width // _HEAD,
        num_hidden_layers=sum(name.endswith(".intermediate.dense.bias") for name in tensors),
        intermediate_size=tensors[first].shape[0],
    )
