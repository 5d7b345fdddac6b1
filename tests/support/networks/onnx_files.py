"""Writes networks as .onnx files."""

import warnings
from pathlib import Path

import torch


def export(network: torch.nn.Module, file: Path, *shape: int, open_axes: dict[int, str]) -> None:
    """For inputs of that shape, whose open axes may have any length; the output's have names as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is old, as are those of the real files
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
