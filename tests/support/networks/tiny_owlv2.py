"""A small OWLv2 with random weights, in files like those of the hub."""

import json
from pathlib import Path

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import Owlv2Config, Owlv2ForObjectDetection

from containers.object_recognition.feature import OWLV2_MERGES, OWLV2_NETWORK, OWLV2_VOCABULARY

_TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
TOKENS = 48  # letters of a text


def write(folder: Path, *, seed: int = 0) -> Path:
    """Writes the hub's files under their names in a profile, and returns the folder."""
    letters = sorted(ByteLevel.alphabet())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    start, end = len(pieces) - 2, len(pieces) - 1
    config = Owlv2Config(
        text_config={
            **_TOWER,
            "vocab_size": len(pieces),
            "max_position_embeddings": TOKENS,
            "bos_token_id": start,
            "eos_token_id": end,
        },
        vision_config={**_TOWER, "image_size": 64, "patch_size": 8},
        projection_dim=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Owlv2ForObjectDetection(config)
        for part in (model.owlv2.vision_model.embeddings.patch_embedding, model.class_head.dense0):
            torch.nn.init.normal_(part.weight)  # large enough that pictures matter
        torch.nn.init.normal_(model.owlv2.text_model.embeddings.token_embedding.weight)  # words matter, too
        torch.nn.init.normal_(model.box_head.dense2.weight, std=0.1)  # boxes of about a patch
    model.save_pretrained(folder / Path(OWLV2_NETWORK.name).parent)
    (folder / OWLV2_VOCABULARY.name).write_text(json.dumps({piece: n for n, piece in enumerate(pieces)}))
    (folder / OWLV2_MERGES.name).write_text("#version: 0.2\n")
    return folder
