"""The image tower of CLIP (https://arxiv.org/abs/2103.00020), from a file in the layout of open_clip."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from serving.arrays import Floats, Pixels

HEAD_WIDTH = 64  # channels of an attention head, the same in every published CLIP
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)

_LAYER = "visual.transformer.resblocks."
_NAMES = {
    "visual.class_embedding": "vision_model.embeddings.class_embedding",
    "visual.conv1.": "vision_model.embeddings.patch_embedding.",
    "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
    "visual.ln_pre.": "vision_model.pre_layrnorm.",
    "visual.ln_post.": "vision_model.post_layernorm.",
    _LAYER: "vision_model.encoder.layers.",
    ".ln_1.": ".layer_norm1.",
    ".ln_2.": ".layer_norm2.",
    ".attn.": ".self_attn.",
    ".mlp.c_fc.": ".mlp.fc1.",
    ".mlp.c_proj.": ".mlp.fc2.",
}
"""Parts of tensor names: the name in open_clip and the name in transformers."""


def view(image: Pixels, side: int) -> Floats:
    """Returns the middle square of an (H, W, 3) RGB image as (3, side, side), normalised as CLIP expects."""
    height, width = image.shape[:2]
    margin_x, margin_y = (max(0, length - min(width, height)) / 2 for length in (width, height))
    middle = (margin_x, margin_y, width - margin_x, height - margin_y)
    square = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC, middle)
    normalised = (np.asarray(square, np.float32) / 255 - MEAN) / DEVIATION
    return normalised.transpose(2, 0, 1).astype(np.float32)


class ImageTower(nn.Module):
    """Turns images into vectors of any length.

    The input is (N, 3, side, side) float32: values of 0..1, normalised by MEAN and DEVIATION.
    The output is (N, D).
    """

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, images: Tensor) -> Tensor:
        embeddings: Tensor = self.tower(images).image_embeds
        return embeddings


def image_tower(file: Path) -> ImageTower:
    """Returns the frozen tower of a file; its tensors give the sizes.

    Raises RuntimeError with the names of tensors that do not fit.
    """
    with safe_open(file, "pt") as opened:
        names = [name for name in opened.keys() if name.startswith("visual.")]  # noqa: SIM118  (no mapping)
        tensors = {name: opened.get_tensor(name).float() for name in names}
    tower = CLIPVisionModelWithProjection(_config(tensors))
    tower.load_state_dict(dict(_renamed(tensors)))
    return ImageTower(tower).eval().requires_grad_(False)


def side(file: Path) -> int:
    """Returns the side of the tower's square input in pixels."""
    with safe_open(file, "np") as opened:
        positions, patch = (
            opened.get_slice(f"visual.{name}").get_shape()
            for name in ("positional_embedding", "conv1.weight")
        )
    return _side(positions[0], patch[-1])


def _side(positions: int, patch: int) -> int:
    return patch * math.isqrt(positions - 1)  # one of the positions belongs to the class token


def _config(tensors: dict[str, Tensor]) -> CLIPVisionConfig:
    width, _, _, patch = tensors["visual.conv1.weight"].shape
    positions = len(tensors["visual.positional_embedding"])
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=len(tensors[f"{_LAYER}0.mlp.c_fc.weight"]),
        projection_dim=tensors["visual.proj"].shape[1],
        num_hidden_layers=len({name.split(".")[3] for name in tensors if name.startswith(_LAYER)}),
        num_attention_heads=width // HEAD_WIDTH,
        image_size=_side(positions, patch),
        patch_size=patch,
        hidden_act="quick_gelu",
    )


def _renamed(tensors: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in tensors.items():
        if name == "visual.proj":
            yield "visual_projection.weight", tensor.T
            continue
        for ours, theirs in _NAMES.items():
            name = name.replace(ours, theirs)  # noqa: PLW2901
        stem, joint, kind = name.partition(".in_proj_")
        if joint:
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                yield f"{stem}.{part}_proj.{kind}", rows
        else:
            yield name, tensor
