"""The image tower and the text tower of SigLIP 2 (https://arxiv.org/abs/2502.14786)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import SiglipConfig, SiglipTextModel, SiglipVisionModel

from serving.arrays import Floats

_END, _PADDING = "<eos>", "<pad>"


class ImageTower(nn.Module):
    """The image tower: (N, 3, side, side) RGB in -1..1 -> (N, D) embeddings, not normalised."""

    def __init__(self, config: Path, network: Path) -> None:
        super().__init__()
        self.tower = _loaded(SiglipVisionModel(_config(config).vision_config), network, "vision_model.")

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.tower(images).pooler_output
        return pooled


def scale(network: Path) -> float:
    """Returns the learnt factor by which a cosine is multiplied."""
    with safe_open(network, "pt") as file:
        return float(file.get_tensor("logit_scale").exp())


def text_embeddings(texts: Sequence[str], *, config: Path, network: Path, tokenizer: Path) -> Floats:
    """Returns (texts, D) embeddings of length 1.

    Like in training, a text has no start token, but an end token and padding to the full length.
    """
    text_config = _config(config).text_config
    tower = _loaded(SiglipTextModel(text_config), network, "text_model.")
    words, length = Tokenizer.from_file(str(tokenizer)), text_config.max_position_embeddings
    end, padding = words.token_to_id(_END), words.token_to_id(_PADDING)
    rows = [
        [*encoding.ids[: length - 1], end]
        for encoding in words.encode_batch(list(texts), add_special_tokens=False)
    ]
    tokens = torch.tensor([row + [padding] * (length - len(row)) for row in rows])
    with torch.inference_mode():
        pooled = tower(tokens).pooler_output
    embeddings: Floats = nn.functional.normalize(pooled).numpy()
    return embeddings


def _config(file: Path) -> Any:
    return SiglipConfig.from_json_file(file)


def _loaded(tower: Any, network: Path, prefix: str) -> Any:
    """Loads the file's tensors with the prefix into the frozen tower.

    Raises RuntimeError naming the tensors that do not fit.
    """
    with safe_open(network, "pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118  (the file is not a mapping)
        tower.load_state_dict({name.removeprefix(prefix): file.get_tensor(name) for name in names})
    return tower.eval().requires_grad_(False)
