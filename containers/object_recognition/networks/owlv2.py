"""OWLv2 in two halves, one for images and one for words, from the files of its Hugging Face repository.

Paper: https://arxiv.org/abs/2306.09683.
"""

from collections.abc import Sequence
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers.models import BPE
from torch import Tensor, nn
from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection

from containers.object_recognition.feature import (
    OWLV2_CONFIG,
    OWLV2_MERGES,
    OWLV2_NETWORK,
    OWLV2_VOCABULARY,
)
from serving.arrays import Floats
from serving.weights import Weights

# those of CLIP, for values in 0..255
_MEAN, _DEVIATION = (122.7709, 116.7460, 104.0937), (68.5005, 66.6322, 70.3232)


class ImageSide(nn.Module):
    """Turns (N, 3, side, side) RGB in 0..255 into a box, an embedding and a calibration for each patch.

    The boxes of P patches are (N, P, 4): centre x and y, width and height as ratios of the side. Their
    embeddings are unit vectors, (N, P, D). Their calibrations are (N, P, 2): shift and scale >= 0. The score
    of a patch for a query is sigmoid((cosine of embedding and query + shift) * scale).
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.network = _owlv2(weights)
        self.mean, self.deviation = (
            nn.Buffer(torch.tensor(values).view(3, 1, 1)) for values in (_MEAN, _DEVIATION)
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        grid = self.network.image_embedder((images - self.mean) / self.deviation)[0]  # (N, rows, columns, D)
        patches, head = grid.flatten(1, 2), self.network.class_head
        embeddings = nn.functional.normalize(head.dense0(patches), dim=-1)
        scale = nn.functional.elu(head.logit_scale(patches)) + 1
        calibration = torch.cat((head.logit_shift(patches), scale), -1)
        return self.network.box_predictor(patches, grid), embeddings, calibration


class WordSide:
    """Turns texts into tokens and tokens into embeddings. It runs on the CPU, because few texts are new.

    longest: the number of tokens that a text may have.
    """

    def __init__(self, weights: Weights) -> None:
        vocabulary, merges = (str(weights[file.name]) for file in (OWLV2_VOCABULARY, OWLV2_MERGES))
        pairs: Any
        pieces, pairs = BPE.read_file(vocabulary, merges)
        self._tokenizer = CLIPTokenizer(pieces, pairs)
        network = _owlv2(weights).owlv2
        self._tower, self._projection = network.text_model, network.text_projection
        self.longest: int = self._tower.embeddings.position_embedding.num_embeddings

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the tokens of each text, with the start and end tokens."""
        rows: list[list[int]] = self._tokenizer(list(texts)).input_ids
        return rows

    def embed(self, rows: Sequence[Sequence[int]]) -> Floats:
        """Returns unit vectors, (rows, D). A row has the tokens of one text."""
        longest = max(map(len, rows))
        # padding at the end changes nothing, because attention is causal
        padded = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
        with torch.inference_mode():
            projected = self._projection(self._tower(padded).pooler_output)
        vectors: Floats = nn.functional.normalize(projected).numpy()
        return vectors


def _owlv2(weights: Weights) -> Any:
    """Loads the frozen network. Raises RuntimeError with the names of the tensors that the file lacks."""
    network: Any = Owlv2ForObjectDetection(Owlv2Config.from_json_file(weights[OWLV2_CONFIG.name]))
    # strict=False: files also hold constants that older versions of the class stored
    missing = network.load_state_dict(load_file(weights[OWLV2_NETWORK.name]), strict=False).missing_keys
    if missing:
        raise RuntimeError(f"{OWLV2_NETWORK.name}: no {', '.join(missing)}")
    return network.eval().requires_grad_(False)
