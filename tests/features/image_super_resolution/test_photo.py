"""Tests of profile `photo`: Real-ESRGAN in ncnn's files, and a small random network in such files."""

from dataclasses import replace
from pathlib import Path

import msgspec
import ncnn
import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.data.composites import photograph
from containers.image_super_resolution.enlarger import Enlarger
from containers.image_super_resolution.feature import REAL_ESRGAN
from containers.image_super_resolution.networks.rrdb import RRDBNet, real_esrgan
from serving.feature import find
from serving.settings import Settings
from serving.weights import Store, Weights
from tests.support.ask import weights_of
from tests.support.networks import tiny_real_esrgan

FEATURE = find("image_super_resolution")


def tiny(folder: Path) -> tuple[RRDBNet, Weights]:
    network = tiny_real_esrgan.write(folder)
    store = replace(Store.of(Settings.read()), model_dir=folder, cache_dir=folder)
    return network, store.resolve(FEATURE, "photo", download=False)


def crop(height: int, width: int) -> Tensor:
    pixels = photograph("coffee")[100 : 100 + height, 200 : 200 + width]
    return torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))


def test_files_of_the_layout_run_at_both_scales_as_profile_photo(tmp_path: Path) -> None:
    network, weights = tiny(tmp_path)
    enlarger = Enlarger.load(weights, "cpu-eager")
    image = photograph("coffee")[100:150, 100:460]
    four, two = enlarger.enlarge([image, image], [4, 2])
    assert (four.shape, two.shape) == ((200, 1440, 3), (100, 720, 3))
    assert np.ptp(four) > 20
    halved = four.reshape(100, 2, 720, 2, 3).mean((1, 3))
    assert np.abs(two - halved).max() <= 1
    expected = network(torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32)))[0].numpy()
    inner = np.s_[80:120, 80:-80]  # the tiles mirror the image beyond its edges
    assert np.abs(four[inner].astype(int) - expected.transpose(1, 2, 0)[inner]).max() <= 1


def test_files_with_another_number_of_convolutions_are_refused(tmp_path: Path) -> None:
    tiny_real_esrgan.write(tmp_path)
    layers, parameters = (tmp_path / file.name for file in REAL_ESRGAN)
    lines = layers.read_text().splitlines()
    layers.write_text("\n".join((lines[0], "3 4", *lines[2:5])))
    parameters.write_bytes(parameters.read_bytes()[: 3 * 8 + 2 * (216 + 288 + 432) + 4 * 16])
    with pytest.raises(ValueError, match=r"realesrgan-x4plus\.\w+: "):
        real_esrgan(layers, parameters, 4)


def test_the_published_network_gives_the_same_as_ncnn() -> None:
    weights = weights_of(FEATURE, msgspec.structs.replace(Settings.read(), profile="photo"))
    layers, parameters = (weights[file.name] for file in REAL_ESRGAN)
    image = crop(16, 20)
    found = real_esrgan(layers, parameters, 4)(image)[0].numpy()
    network = ncnn.Net()
    network.opt.use_fp16_storage = network.opt.use_fp16_packed = network.opt.use_fp16_arithmetic = False
    network.load_param(str(layers))
    network.load_model(str(parameters))
    extractor = network.create_extractor()
    scaled = np.ascontiguousarray((image[0] / 255).numpy())  # a name: ncnn does not keep it alive
    extractor.input("data", ncnn.Mat(scaled).clone())
    expected = np.array(extractor.extract("output")[1]).clip(0, 1) * 255
    assert np.abs(found - expected).max() < 0.01
