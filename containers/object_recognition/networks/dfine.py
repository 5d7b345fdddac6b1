"""D-FINE from the files of its Hugging Face repository. Paper: https://arxiv.org/abs/2410.13842."""

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import DFineConfig, DFineForObjectDetection

from containers.object_recognition.feature import DFINE_CONFIG, DFINE_NETWORK
from serving.weights import Weights


class Detector(nn.Module):
    """Turns (N, 3, 640, 640) RGB in 0..1 into (N, Q, 84), a guess for each of Q queries.

    A guess has 80 scores in 0..1, centre x and y, width and height as ratios of the sides.
    Raises RuntimeError with the names of the tensors that the file lacks.
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        # from_pretrained, because it knows the names that tensors have in files of older versions
        kind: Any = DFineForObjectDetection
        self.network, report = kind.from_pretrained(
            None,
            config=DFineConfig.from_json_file(weights[DFINE_CONFIG.name]),
            state_dict=load_file(weights[DFINE_NETWORK.name]),
            dtype=torch.float32,
            output_loading_info=True,
        )
        if missing := report["missing_keys"]:
            raise RuntimeError(f"{DFINE_NETWORK.name}: no {', '.join(sorted(missing))}")

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.network(images)
        return torch.cat((outputs.logits.sigmoid(), outputs.pred_boxes), 2)
