"""The text detector and recogniser of PP-OCRv6 as torch modules.

Their parts come from transformers' `pp_ocrv6_*` classes. The forward passes of those classes are not used,
because they record hidden states, warn when traced and, in the recogniser, end in a softmax.
"""

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from transformers import (
    PPLCNetV4Config,
    PPOCRV6MediumDetForObjectDetection,
    PPOCRV6SmallDetConfig,
    PPOCRV6SmallDetForObjectDetection,
    PPOCRV6SmallRecConfig,
    PPOCRV6SmallRecForTextRecognition,
)

from containers.general_ocr.onnx_weights import layers

DETECTORS = {
    "pp_ocrv6_small_det": PPOCRV6SmallDetForObjectDetection,
    "pp_ocrv6_medium_det": PPOCRV6MediumDetForObjectDetection,
}
RECOGNISERS = {
    "pp_ocrv6_small_rec": PPOCRV6SmallRecForTextRecognition
}  # also the type of the medium recogniser


def detector(weights: Path, config: Path | None = None) -> "Detector":
    """Loads the detector, frozen, from the PP-OCRv6 small .onnx file.

    With `config`, a config.json of transformers, `weights` are safetensors. Raises ValueError, which names
    the file and the first tensor that does not fit.
    """
    if config:
        return Detector(_pretrained(weights, config, DETECTORS))
    with torch.device("meta"):
        network = Detector(PPOCRV6SmallDetForObjectDetection(_small_detector_config()))
    _fill(network, weights)
    return network


def recogniser(weights: Path, config: Path | None = None) -> "Recogniser":
    """Loads the recogniser, frozen, with the same kinds of weights and the same errors as `detector`."""
    if config:
        return Recogniser(_pretrained(weights, config, RECOGNISERS))
    with torch.device("meta"):
        network = Recogniser(
            PPOCRV6SmallRecForTextRecognition(PPOCRV6SmallRecConfig(head_out_channels=18710))
        )
    _fill(network, weights)
    return network


class Backbone(nn.Module):
    """PP-LCNetV4. It turns (N, 3, H, W) into one feature map per stage, the finest first."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        encoder = network.model.backbone.encoder
        self.stem, self.stages = encoder.convolution, encoder.blocks

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class Detector(nn.Module):
    """The text probability of each pixel: (N, 3, H, W) float32 -> (N, 1, H, W) in [0, 1].

    H and W are multiples of 32.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.backbone, self.neck, self.head = Backbone(network), network.model.neck, network.head
        _freeze(self)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.neck(self.backbone(images)))  # type: ignore[no-any-return]

    def execution_order(self) -> Iterator[nn.Module]:
        """Yields the layers with weights in the .onnx file's order. Its neck starts at the coarsest level."""
        yield from _weighted(self.backbone, *self.neck.insert_conv[::-1])
        for block in self.neck.input_conv[::-1]:
            yield block.depthwise_convolution
            yield block.pointwise_convolution
            yield from _weighted(block.squeeze_excitation_module)
        yield from _weighted(self.head)


class Recogniser(nn.Module):
    """The character logits of text lines: (N, 3, 48, W) float32 -> (N, W / 8, classes).

    W is a multiple of 8, and class 0 is the CTC blank. The neck is SVTR with an additive shortcut.
    Paper: https://arxiv.org/abs/2205.00159.
    """

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.backbone = Backbone(network)
        encoder = network.head.encoder
        self.shortcut, self.reduce, self.local = encoder.conv_block
        self.blocks, self.norm, self.classify = encoder.svtr_block, encoder.norm, network.head.head
        _freeze(self)

    def forward(self, images: Tensor) -> Tensor:
        features = F.avg_pool2d(self.backbone(images)[-1], (3, 2))  # (N, C, 1, W / 8)
        reduced = self.reduce(features)
        tokens = (reduced + self.local(reduced)).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        shortcut = self.shortcut(features).flatten(2).transpose(1, 2)
        return self.classify(self.norm(tokens) + shortcut)  # type: ignore[no-any-return]

    def execution_order(self) -> Iterator[nn.Module]:
        """Yields the layers with weights in the .onnx file's order."""
        yield from _weighted(self.backbone, self.shortcut, self.reduce, self.local)
        for block in self.blocks:
            yield from _weighted(block.layer_norm1, block.self_attn, block.layer_norm2, block.mlp)
        yield from _weighted(self.norm, self.classify)


def _weighted(*modules: nn.Module) -> Iterator[nn.Module]:
    for module in modules:
        yield from (part for part in module.modules() if list(part.parameters(recurse=False)))


def _freeze(module: nn.Module) -> None:
    """Sets evaluation mode without gradients, and folds each batch norm into the convolution before it."""
    layers_inside: list[Any] = list(module.eval().requires_grad_(False).modules())
    for layer in layers_inside:
        for name, norm in list(layer.named_children()):
            if isinstance(norm, nn.BatchNorm2d):
                transposed = isinstance(layer.convolution, nn.ConvTranspose2d)
                layer.convolution = fuse_conv_bn_eval(layer.convolution, norm, transposed)
                setattr(layer, name, nn.Identity())


def _fill(network: Detector | Recogniser, file: Path) -> None:
    names = {part: name for name, part in network.named_modules()}
    for part, layer in zip_longest(network.execution_order(), layers(file)):
        needed = {key: tuple(value.shape) for key, value in part.named_parameters()} if part else None
        found = {key: value.shape for key, value in layer.parameters.items()} if layer else None
        if needed != found:
            raise ValueError(
                f"{file}: tensor {layer.name if layer else '(none left)'} is {found}, but "
                f"{type(network).__name__} needs {needed} for {names.get(part, 'nothing more')}"
            )
        values = {key: torch.tensor(value) for key, value in layer.parameters.items()}
        part.load_state_dict(values, assign=True)


def _pretrained(weights: Path, config: Path, classes: dict[str, Any]) -> Any:
    values = json.loads(config.read_bytes())
    kind = values.get("model_type")
    if kind not in classes:
        raise ValueError(f"{config}: model_type {kind!r}, must be one of {', '.join(classes)}")
    network, report = classes[kind].from_pretrained(
        None,
        config=classes[kind].config_class.from_dict(values),
        state_dict=load_file(weights),
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # reported below, together with the missing ones
        output_loading_info=True,
    )
    if wrong := sorted([*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])]):
        raise ValueError(f"{weights}: tensor {wrong[0]} is missing, or its shape differs from {config}")
    return network


def _small_detector_config() -> PPOCRV6SmallDetConfig:
    stages, before = [], 48
    for width, pairs in ((48, 1), (96, 1), (192, 2), (384, 1)):
        # kernel, width before, width after, stride, squeeze and excitation
        halving = [] if width == before else [[3, before, width, 2, False]]
        stages.append(halving + [[3, width, width, 1, True], [3, width, width, 1, False]] * pairs)
        before = width
    return PPOCRV6SmallDetConfig(
        backbone_config=PPLCNetV4Config(stem_channels=(3, 24, 48), block_configs=stages),
        layer_list_out_channels=(48, 96, 192, 384),
    )
