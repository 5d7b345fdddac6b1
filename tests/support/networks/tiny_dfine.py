"""A small D-FINE with random weights, in files like those of the hub."""

from pathlib import Path
from typing import Any

import torch
from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config

from containers.object_recognition.feature import DFINE_NETWORK

QUERIES = 30
_WIDTH = 32
# passed by name, because the types of transformers lack them
_OUTPUTS: dict[str, Any] = {"out_features": ["stage3", "stage4"]}
_NAMES: dict[str, Any] = {"num_labels": 80}


def write(folder: Path, *, seed: int = 0) -> Path:
    """Writes the hub's files under their names in a profile, and returns the folder."""
    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8],
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 16],
        stage_in_channels=[8, 8, 16, 16],
        stage_mid_channels=[8] * 4,
        stage_out_channels=[8, 16, 16, 16],
        stage_num_blocks=[1] * 4,
        stage_numb_of_layers=[1] * 4,
        depths=[1] * 4,
        **_OUTPUTS,
    )
    config = DFineConfig(
        backbone_config=backbone,
        encoder_hidden_dim=_WIDTH,
        encoder_in_channels=[16, 16],
        encoder_ffn_dim=_WIDTH,
        encoder_attention_heads=2,
        encode_proj_layers=[1],
        feat_strides=[16, 32],
        num_feature_levels=2,
        d_model=_WIDTH,
        decoder_in_channels=[_WIDTH] * 2,
        decoder_ffn_dim=_WIDTH,
        decoder_attention_heads=2,
        decoder_layers=2,
        decoder_n_points=[4, 4],
        num_queries=QUERIES,
        num_denoising=0,
        **_NAMES,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = DFineForObjectDetection(config)
        for name, values in model.named_parameters():
            if values.ndim > 1 and "backbone" not in name:
                torch.nn.init.xavier_normal_(values, gain=1.5)  # large enough that pictures matter
    model.save_pretrained(folder / Path(DFINE_NETWORK.name).parent)
    return folder
