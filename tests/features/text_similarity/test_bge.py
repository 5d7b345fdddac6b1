"""Tests of text similarity's profile `standard`, with a random BERT in files like the published ones."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from containers.text_similarity.bge import LENGTHS, Bge
from containers.text_similarity.feature import BGE
from containers.text_similarity.network import Bert, parameters
from serving.adapters.in_process import SyncService
from serving.arrays import Floats
from serving.codec import JSON
from serving.errors import UnprocessableInput
from serving.feature import find
from serving.settings import Settings
from serving.weights import resolve
from tests.support.networks import tiny_bert

FEATURE = find("text_similarity")
SENTENCE = "今天天气很好"
TEXTS = [
    "好",
    SENTENCE,
    SENTENCE * 5,
    SENTENCE * 8,
    SENTENCE * 30,
    SENTENCE * 60,
    SENTENCE * 90,
    "ABC def",
    "😀",
    "",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def chosen(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    cache = tmp_path_factory.mktemp("cache")
    return Settings.read(profile="standard", model_dir=str(folder), cache_dir=str(cache), device="cpu")


@pytest.fixture(scope="module")
def bge(chosen: Settings) -> Bge:
    return Bge.load(resolve(FEATURE, chosen), "cpu")


@pytest.fixture(scope="module")
def service(chosen: Settings, bge: Bge) -> Iterator[SyncService]:
    """A service with the profile `standard`. It depends on `bge`, which has cached the compiled network."""
    service = SyncService(FEATURE, chosen)
    yield service
    service.close()


def embed(bge: Bge, *texts: str) -> Floats:
    return bge.embed(bge.prepare(texts))


def test_vectors_equal_those_of_onnxruntime_without_padding(bge: Bge, folder: Path) -> None:
    session = onnxruntime.InferenceSession(str(folder / BGE.name))
    vectors = embed(bge, *TEXTS)
    assert vectors.shape == (len(TEXTS), 768)
    for text, vector in zip(TEXTS, vectors, strict=True):
        tokens = bge.prepare([text])[0].content[None]
        kinds = {"attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        (states,) = session.run(None, {"input_ids": tokens, **kinds})
        first = np.asarray(states)[0, 0]
        np.testing.assert_allclose(vector, first / np.linalg.norm(first), atol=1e-5)


def test_padding_changes_nothing(folder: Path) -> None:
    network = Bert(folder / BGE.name).eval()
    tokens = torch.tensor([[2, 5, 9, 12, 3]])
    with torch.inference_mode():
        alone = network(tokens)
        for length in LENGTHS[:3]:
            padded = torch.nn.functional.pad(tokens, (0, length - tokens.shape[1]))
            torch.testing.assert_close(network(padded), alone, atol=1e-5, rtol=1e-5)


def test_a_batch_of_all_lengths_answers_as_singles(bge: Bge) -> None:
    texts = [*TEXTS, *(SENTENCE * count + "狗" for count in range(1, 40, 8))]
    together = embed(bge, *texts)
    alone = np.concatenate([embed(bge, text) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_different_texts_have_different_vectors(bge: Bge) -> None:
    vectors = embed(bge, "狗咬你", "你咬狗", "狗咬你")
    assert np.abs(vectors[0] - vectors[2]).max() < 1e-6
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-2


def test_a_long_text_keeps_its_first_tokens_and_the_end_token(bge: Bge) -> None:
    fits, long = bge.prepare(["好" * 510, "好" * 511])
    assert (fits.truncated, long.truncated) == (False, True)
    assert fits.content.tolist() == long.content.tolist()
    assert len(fits.content) == 512


def test_replies_carry_the_version_of_the_profile(service: SyncService) -> None:
    texts = ["好", "好" * 600]
    reply = service.invoke(msgspec.json.encode({"texts": texts}), JSON)
    answer = msgspec.json.decode(reply.body)
    assert (reply.status, answer["model_version"]) == (200, "bge-base-zh-v1.5/1")
    assert answer["truncated"] == [False, True]
    same = service.invoke(msgspec.json.encode({"text_1": "好", "text_2": "好"}), JSON)
    assert msgspec.json.decode(same.body)["similarity"] == 1


def test_a_call_with_too_many_tokens_for_a_cpu_is_refused(bge: Bge) -> None:
    texts = ["好"] * 256
    assert len(bge.prepare(texts)) == 256
    with pytest.raises(UnprocessableInput, match="texts: 8224 tokens together, at most 8192 in one call"):
        bge.prepare([*texts[1:], "好" * 40])


def test_every_tensor_of_the_file_is_loaded(folder: Path) -> None:
    named = parameters(folder / BGE.name)
    network = Bert(folder / BGE.name)
    state = network.bert.state_dict()
    assert len(state) == 5 + 16 * 2
    for name, tensor in state.items():
        np.testing.assert_array_equal(tensor.numpy(), named[name])


def test_a_file_that_lacks_a_tensor_is_refused_with_its_name(folder: Path, tmp_path: Path) -> None:
    model = onnx.load(folder / BGE.name)
    lost = "encoder.layer.1.output.LayerNorm.weight"
    kept = [tensor for tensor in model.graph.initializer if tensor.name != lost]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    onnx.save(model, tmp_path / BGE.name)
    with pytest.raises(RuntimeError, match=lost):
        Bert(tmp_path / BGE.name)
