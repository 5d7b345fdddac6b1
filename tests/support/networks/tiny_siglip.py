"""A small SigLIP 2 with random weights, in files like those of the hub."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import SiglipConfig, SiglipModel

from containers.human_attribute_recognition.attributes import ATTRIBUTES, values_with_prompts
from containers.human_attribute_recognition.feature import NETWORK, TOKENIZER

_TOWER = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}


def write(folder: Path, *, seed: int = 0) -> Path:
    """Writes the hub's files under their names in a profile, and returns the folder."""
    words = {
        word
        for value in values_with_prompts(ATTRIBUTES)
        for prompt in value.prompts
        for word in prompt.split()
    }
    vocabulary = {
        name: index for index, name in enumerate(["<pad>", "<eos>", "<bos>", "<unk>", *sorted(words)])
    }
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    config = SiglipConfig(
        text_config={
            **_TOWER,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 16,
            "bos_token_id": 2,
            "eos_token_id": 1,
        },
        vision_config={**_TOWER, "image_size": 32, "patch_size": 8},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = SiglipModel(config)
        torch.nn.init.normal_(model.vision_model.embeddings.patch_embedding.weight)  # makes pictures matter
        torch.nn.init.constant_(model.logit_scale, 4.7)  # about the trained values
        torch.nn.init.constant_(model.logit_bias, -16.0)
    model.save_pretrained(folder / Path(NETWORK.name).parent)
    tokenizer.save(str(folder / TOKENIZER.name))
    return folder
