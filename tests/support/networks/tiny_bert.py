"""A small BERT with random weights, in files like those of text_similarity's profile `standard`."""

import string
import warnings
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor
from transformers import BertConfig, BertModel

from containers.text_similarity.feature import BGE, TOKENIZER

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
CHARACTERS = "今天气很好不适合出去散步人狗咬你是我的在有中国大上了一二三，。！？"
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


class Exported(BertModel):  # type: ignore[no-untyped-call]
    """A BERT that has the inputs and the output of the file on the hub."""

    def forward(self, tokens: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        kinds = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        states: Tensor = super().forward(tokens, **kinds).last_hidden_state
        return states


def write(folder: Path, *, seed: int = 0) -> Path:
    """Writes the two files under their names in the profile, and returns the folder."""
    pieces = [*MARKS, *CHARACTERS, *string.ascii_lowercase, *(f"##{one}" for one in string.ascii_lowercase)]
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=768,
        num_attention_heads=12,
        num_hidden_layers=2,
        intermediate_size=64,
        attn_implementation="eager",  # type: ignore[call-arg]
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Exported(config, add_pooling_layer=False)
        for name, parameter in model.named_parameters():  # large enough that words and their order matter
            torch.nn.init.normal_(parameter, mean=float(name.endswith("Norm.weight")), std=0.2)
    _export(model, folder / BGE.name)
    _tokenizer(pieces).save(str(folder / TOKENIZER.name))
    return folder


def _export(model: Exported, file: Path) -> None:
    tokens = torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is old, like the one of the file on the hub
        torch.onnx.export(
            model,
            (tokens, (tokens != 0).long(), torch.zeros_like(tokens)),
            str(file),
            input_names=INPUTS,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in INPUTS},
            opset_version=14,
            dynamo=False,
        )


def _tokenizer(pieces: list[str]) -> Tokenizer:
    ids = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    tokenizer.enable_truncation(16)  # a limit as such files often have; the feature replaces it by its own
    tokenizer.enable_padding()
    return tokenizer
