"""Tests of image similarity's standard profile, with a small random CLIP in a file in open_clip's layout."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.data.composites import photograph
from containers.image_similarity.embedder import Embedder
from containers.image_similarity.feature import CLIP
from containers.image_similarity.networks import clip
from serving.adapters.in_process import SyncService
from serving.codec import JSON
from serving.feature import find
from serving.settings import Settings
from serving.weights import WeightsError, resolve

FEATURE = find("image_similarity")
WIDTH, SIDE, PATCH, LAYERS = 2 * clip.HEAD_WIDTH, 32, 8, 2


class Block(nn.Module):
    """A transformer layer that uses the names of open_clip."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attn = nn.MultiheadAttention(WIDTH, WIDTH // clip.HEAD_WIDTH, batch_first=True)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(WIDTH, 96), "c_proj": nn.Linear(96, WIDTH)})

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y)[0]
        y = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](y * torch.sigmoid(1.702 * y))  # type: ignore[no-any-return]


class Visual(nn.Module):
    """An image tower of CLIP, written from the paper with torch's own attention."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn((SIDE // PATCH) ** 2 + 1, WIDTH))
        self.ln_pre, self.ln_post = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.transformer = nn.ModuleDict({"resblocks": nn.Sequential(*(Block() for _ in range(LAYERS)))})
        self.proj = nn.Parameter(torch.randn(WIDTH, 512) / math.sqrt(WIDTH))

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_embedding.expand(len(images), 1, -1), patches), 1)
        x = self.ln_pre(x + self.positional_embedding)
        x = self.transformer["resblocks"](x)
        return self.ln_post(x[:, 0]) @ self.proj  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def visual() -> Visual:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Visual().eval()
        for parameter in network.parameters():  # biases and gains that are not 0 and 1
            parameter.data += 0.1 * torch.randn_like(parameter)
    return network


@pytest.fixture(scope="module")
def folder(visual: Visual, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with the weights; the file also holds a tensor of the text tower."""
    folder = tmp_path_factory.mktemp("clip")
    tensors = {f"visual.{name}": tensor for name, tensor in visual.state_dict().items()}
    save_file({**tensors, "positional_embedding": torch.zeros(77, 512)}, folder / CLIP.name)
    return folder


@pytest.fixture(scope="module")
def settings(folder: Path) -> Settings:
    return Settings.read(profile="standard", model_dir=str(folder), device="cpu")


def test_the_tower_equals_the_network_that_wrote_the_file(visual: Visual, folder: Path) -> None:
    images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    tower = clip.image_tower(folder / CLIP.name)
    with torch.inference_mode():
        torch.testing.assert_close(tower(images), visual(images), atol=1e-4, rtol=1e-4)
    assert clip.side(folder / CLIP.name) == SIDE


def test_the_compiled_tower_embeds_the_middle_square_of_an_image(visual: Visual, settings: Settings) -> None:
    embedder = Embedder.load(resolve(FEATURE, settings), "cpu")
    image = photograph("chelsea")
    views = [embedder.view(image), embedder.view(np.ascontiguousarray(image[::-1]))]
    with torch.inference_mode():
        expected = nn.functional.normalize(visual(torch.from_numpy(np.stack(views))))
    np.testing.assert_allclose(embedder.embed(views), expected, atol=1e-3)
    edges = image.copy()
    edges[:, :60] = edges[:, -60:] = 0  # 451x300 px: the square in the middle begins at 75
    np.testing.assert_array_equal(embedder.view(edges), views[0])


def test_a_view_is_normalised_as_in_training() -> None:
    white = clip.view(np.full((50, 70, 3), 255, np.uint8), SIDE)
    assert white.shape == (3, SIDE, SIDE)
    assert white[:, 0, 0] == pytest.approx((1 - np.array(clip.MEAN)) / clip.DEVIATION)


def test_replies_carry_the_version_of_the_profile(settings: Settings) -> None:
    service = SyncService(FEATURE, settings)
    try:
        image = FEATURE.example["request"]["img"]
        single = msgspec.json.decode(service.invoke(msgspec.json.encode({"img": image}), JSON).body)
        pair = {"img_1": image, "img_2": image}
        same = msgspec.json.decode(service.invoke(msgspec.json.encode(pair), JSON).body)
    finally:
        service.close()
    assert (len(single["result"]), single["ModelVersion"]) == (512, "clip-vit-b32-openai/1")
    assert same["similarity"] == 1.0


def test_tensors_that_do_not_fit_are_named(visual: Visual, tmp_path: Path) -> None:
    tensors = {f"visual.{name}": tensor for name, tensor in visual.state_dict().items()}
    del tensors["visual.ln_post.bias"]
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(RuntimeError, match=r"post_layernorm\.bias"):
        clip.image_tower(tmp_path / "odd.safetensors")


def test_a_missing_file_is_reported_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    nowhere = Settings.read(profile="standard", cache_dir=str(tmp_path), random_weights=False)
    with pytest.raises(WeightsError, match=r"no clip-vit-b32\.safetensors \(licence MIT\).*aikit pull"):
        resolve(FEATURE, msgspec.structs.replace(nowhere, weights_mirror=None))
