"""Writes networks as .onnx files."""

import warnings
from pathlib import Path

import torch


def export(network: torch.nn.Module, file: Path, *shape: int, open_axes: dict[int, str]) -> None:
    """Writes a network for inputs of this shape. The open axes of input and output may have any length."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is old, like the exporters of the real files
        torch.onnx.export(
            network,
            (torch.zeros(shape),),
            str(file),
            input_names=["input"],
            output_names=["output"],
            dynamic_axes={"input": open_axes, "output": open_axes},
            opset_version=12,
            dynamo=False,
        )
