"""A small YOLOX with random weights, in an .onnx file with the operators, input and output of YOLOX-S."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 640


def write(file: Path, *, seed: int = 0) -> Path:
    """Writes the network to the file, and returns its path."""
    graph = _Graph(seed)
    stem = graph.stem("images")
    middle = graph.add("MaxPool", [stem], kernel_shape=[2, 2], strides=[2, 2])
    coarse = graph.add("MaxPool", [middle], kernel_shape=[2, 2], strides=[2, 2])
    mixed = graph.add("Add", [middle, graph.grown(coarse)])
    levels = [graph.level(features) for features in (stem, mixed, coarse)]
    every = graph.add("Concat", levels, axis=2)
    graph.add("Transpose", [every], output="output", perm=[0, 2, 1])
    made = helper.make_graph(
        graph.nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 8400, 85])],
        graph.tensors,
    )
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), file)
    return file


class _Graph:
    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.tensors: list[onnx.TensorProto] = []
        self.nodes: list[onnx.NodeProto] = []

    def add(self, kind: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        name = output or f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: Any) -> str:
        name = f"constant{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def convolve(self, features: str, shape: tuple[int, ...], **attributes: Any) -> str:
        weight = self.constant(self._random.normal(scale=0.3, size=shape).astype(np.float32))
        bias = self.constant(self._random.normal(size=shape[:1]).astype(np.float32))
        return self.add("Conv", [features, weight, bias], **attributes)

    def stem(self, images: str) -> str:
        """Adds the stem: every second row and column become channels, then it reduces to 1/8 resolution."""
        halves = []
        for column, row in ((0, 0), (0, 1), (1, 0), (1, 1)):
            ends = map(self.constant, ([row, column], [2**31 - 1] * 2, [2, 3], [2, 2]))
            halves.append(self.add("Slice", [images, *ends]))
        small = self.add("Mul", [self.add("Concat", halves, axis=1), self.constant(np.float32(1 / 255))])
        features = self.convolve(small, (8, 12, 4, 4), strides=[4, 4])
        return self.add("Mul", [features, self.add("Sigmoid", [features])])

    def grown(self, features: str) -> str:
        """Adds an operator that doubles the resolution."""
        scales = [self.constant(np.array(values, np.float32)) for values in ([], [1, 1, 2, 2])]
        rule = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", [features, *scales], mode="nearest", **rule)

    def level(self, features: str) -> str:
        """Adds the outputs of one level, (1, 85, cells): raw box, objectness, classes."""
        box, thing, classes = (self.convolve(features, (count, 8, 1, 1)) for count in (4, 1, 80))
        scores = [self.add("Sigmoid", [part]) for part in (thing, classes)]
        return self.add("Reshape", [self.add("Concat", [box, *scores], axis=1), self.constant([1, 85, -1])])
