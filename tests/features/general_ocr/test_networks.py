"""The torch text networks and onnxruntime give the same outputs with the same weights."""

import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn
from transformers import (
    PPOCRV6MediumDetConfig,
    PPOCRV6MediumDetForObjectDetection,
    PPOCRV6SmallDetConfig,
    PPOCRV6SmallDetForObjectDetection,
    PPOCRV6SmallRecConfig,
    PPOCRV6SmallRecForTextRecognition,
)

from containers.general_ocr.network import Detector, Recogniser, detector, recogniser
from containers.general_ocr.onnx_weights import characters
from serving.arrays import Pixels
from serving.executor import compile
from serving.feature import find
from serving.settings import Settings
from serving.weights import resolve
from tests.support.paths import ROOT, SHARED

MODELS = Path(str(files("rapidocr"))) / "models"
DETECTION, RECOGNITION = MODELS / "PP-OCRv6_det_small.onnx", MODELS / "PP-OCRv6_rec_small.onnx"
PHOTOGRAPHS = SHARED / "images/ocr"

# names of the tensors inside the .onnx files
LEVELS = [f"p2o.pd_op.add.{number}.0" for number in (14, 27, 50, 63)]
FUSED_LEVELS = "p2o.pd_op.concat.1.0"
DEEPEST_LEVEL, LOGITS = "p2o.pd_op.add.64.0", "p2o.pd_op.add.79.0"


@pytest.fixture(scope="module")
def text_detector() -> Detector:
    return detector(DETECTION)


@pytest.fixture(scope="module")
def text_recogniser() -> Recogniser:
    return recogniser(RECOGNITION)


@pytest.fixture(scope="module", params=["rendered", "11.jpg", "weixin_pay.jpg"])
def page(request: pytest.FixtureRequest) -> Pixels:
    if request.param == "rendered":
        return rendered("PP-OCR 2026", (416, 320))
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("no real photographs: ../shared/images/ocr does not exist")
    return np.asarray(Image.open(PHOTOGRAPHS / request.param).convert("RGB").resize((320, 416)))


def rendered(text: str, size: tuple[int, int]) -> Pixels:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((12, 4), text, "black", ImageFont.load_default(34))
    return np.asarray(image)


def normalised(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 127.5 - 1)


class Reference:
    """Runs an .onnx file with onnxruntime. It returns the named inner tensors, then the file's output."""

    def __init__(self, file: Path, inner: list[str]) -> None:
        model = onnx.load(file)
        self.names = [*inner, model.graph.output[0].name]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )

    def __call__(self, images: Tensor) -> list[Tensor]:
        return [torch.from_numpy(array) for array in self.session.run(self.names, {"x": images.numpy()})]


@pytest.fixture(scope="module")
def reference_detector() -> Reference:
    return Reference(DETECTION, [*LEVELS, FUSED_LEVELS])


@pytest.fixture(scope="module")
def reference_recogniser() -> Reference:
    return Reference(RECOGNITION, [DEEPEST_LEVEL, LOGITS])


def test_detector_equals_onnxruntime_at_every_stage(
    text_detector: Detector, reference_detector: Reference, page: Pixels
) -> None:
    images = normalised(page)
    *expected_levels, expected_fused, probabilities = reference_detector(images)

    levels = text_detector.backbone(images)
    torch.testing.assert_close(levels, expected_levels, rtol=1e-3, atol=1e-3)
    fused = text_detector.neck(levels)
    torch.testing.assert_close(fused, expected_fused, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(text_detector.head(fused), probabilities, rtol=0, atol=1e-3)
    assert probabilities.max() > 0.9, "the test needs an image with text"


def test_recogniser_equals_onnxruntime_at_every_stage(
    text_recogniser: Recogniser, reference_recogniser: Reference, page: Pixels
) -> None:
    images = normalised(page[:48])
    features, expected_logits, probabilities = reference_recogniser(images)

    torch.testing.assert_close(text_recogniser.backbone(images)[-1], features, rtol=1e-3, atol=1e-3)
    logits = text_recogniser(images)
    torch.testing.assert_close(logits, expected_logits, rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(logits.softmax(-1), probabilities, rtol=0, atol=1e-3)


def test_recogniser_reads_a_rendered_line(text_recogniser: Recogniser) -> None:
    best = text_recogniser(normalised(rendered("PP-OCR 2026", (320, 48))))[0].argmax(-1)
    names = characters(RECOGNITION)
    assert "".join(names[index] for index in best.unique_consecutive()) == "PP-OCR 2026"


def test_characters_are_those_of_rapidocr() -> None:
    from rapidocr.ch_ppocr_rec.utils import CTCLabelDecode

    metadata = onnxruntime.InferenceSession(RECOGNITION).get_modelmeta().custom_metadata_map
    _, *expected = CTCLabelDecode(character=metadata["character"].splitlines()).character
    assert characters(RECOGNITION) == ("", *expected)
    assert len(expected) + 1 == 18710


def test_characters_are_read_without_torch() -> None:
    code = "import sys, containers.general_ocr.onnx_weights; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("load", "role", "shape", "other_shape"),
    [
        (detector, "det", (1, 3, 64, 96), (2, 3, 128, 64)),
        (recogniser, "rec", (2, 3, 48, 64), (3, 3, 48, 160)),
    ],
)
def test_the_executor_equals_eager_at_any_batch_and_size(
    load: Callable[[Path], nn.Module], role: str, shape: tuple[int, ...], other_shape: tuple[int, ...]
) -> None:
    weights = resolve(find("general_ocr"), Settings.read())
    network = load(weights[f"{role}.onnx"])
    example = np.zeros(shape, np.float32)
    execute = compile(lambda: network, example, device="cpu", cache=weights.derived(role))
    for images in (torch.rand(shape), torch.rand(other_shape)):
        result = torch.from_numpy(execute(images.numpy())[0])
        torch.testing.assert_close(result, network(images), rtol=1e-4, atol=1e-3)


def tiny_backbone(*strides: int | list[int]) -> dict[str, Any]:
    blocks, before = [], 8
    for stride, width in zip(strides, (16, 32, 64, 128), strict=True):
        blocks.append([[3, before, width, stride, False], [3, width, width, 1, True]])
        before = width
    levels = ["stage1", "stage2", "stage3", "stage4"]
    return {
        "model_type": "pp_lcnet_v4",
        "stem_channels": (3, 4, 8),
        "block_configs": blocks,
        "out_features": levels if strides[-1] == 2 else levels[-1:],
    }


def tiny_small_detector() -> Any:
    config = PPOCRV6SmallDetConfig(
        backbone_config=tiny_backbone(1, 2, 2, 2),
        layer_list_out_channels=(16, 32, 64, 128),
        neck_out_channels=16,
    )
    return PPOCRV6SmallDetForObjectDetection(config)


def tiny_medium_detector() -> Any:
    convolutions: dict[str, list[Any]] = {"reduce_channel": [1, 1, 0], "return_channel": [1, 1, 0]}
    for ratio, size in (("longratio", 7), ("midratio", 5), ("shortratio", 3)):
        half = size // 2
        convolutions[f"vertical_long_to_small_conv_{ratio}"] = [[size, 1], 1, [half, 0]]
        convolutions[f"horizontal_small_to_long_conv_{ratio}"] = [[1, size], 1, [0, half]]
        convolutions[f"symmetric_conv_long_{ratio}"] = [size, 1, half]
    config = PPOCRV6MediumDetConfig(
        backbone_config=tiny_backbone(1, 2, 2, 2),
        neck_out_channels=16,
        scale_factor_list=[1, 2, 4, 8],
        intraclass_block_config=convolutions,
        kernel_list=[3, 2, 2],
    )
    return PPOCRV6MediumDetForObjectDetection(config)


def tiny_recogniser(classes: int = 12) -> Any:
    config = PPOCRV6SmallRecConfig(
        backbone_config=tiny_backbone(1, 1, [2, 1], [2, 1]),
        hidden_size=16,
        num_attention_heads=2,
        head_out_channels=classes,
    )
    return PPOCRV6SmallRecForTextRecognition(config)


def as_if_trained(network: Any) -> Any:
    """Sets random batch norms, so that an error in folding them changes the output."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (*module.parameters(), *module.buffers()):
                if tensor.is_floating_point():
                    nn.init.uniform_(tensor, 0.5, 1.5)
    return network.eval()


def saved(network: Any, folder: Path) -> tuple[Path, Path]:
    """Returns the weights and the configuration that transformers writes."""
    network.save_pretrained(folder)
    return folder / "model.safetensors", folder / "config.json"


@pytest.mark.parametrize(
    ("make", "load", "size"),
    [
        (tiny_small_detector, detector, (64, 96)),
        (tiny_medium_detector, detector, (64, 96)),
        (tiny_recogniser, recogniser, (48, 96)),
    ],
)
def test_safetensors_with_a_configuration_give_the_outputs_of_transformers(
    make: Callable[[], Any], load: Callable[[Path, Path], nn.Module], size: tuple[int, int], tmp_path: Path
) -> None:
    theirs = as_if_trained(make())
    images = torch.rand(2, 3, *size)

    ours = load(*saved(theirs, tmp_path))
    result = ours(images).softmax(-1) if load is recogniser else ours(images)
    torch.testing.assert_close(result, theirs(images).last_hidden_state, rtol=1e-3, atol=1e-5)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in ours.modules())
    assert not ours.training
    assert not any(parameter.requires_grad for parameter in ours.parameters())


def test_the_error_for_another_architecture_names_the_file_and_the_tensor() -> None:
    with pytest.raises(
        ValueError, match=r"PP-OCRv6_rec_small\.onnx: tensor conv2d_68\.w_0 is .*\(48, 3, 3, 3\).*stem"
    ):
        detector(RECOGNITION)
    with pytest.raises(ValueError, match=r"PP-OCRv6_det_small\.onnx: no `character`"):
        characters(DETECTION)


def test_a_configuration_of_another_model_type_is_refused(tmp_path: Path) -> None:
    files = saved(tiny_recogniser(), tmp_path)
    with pytest.raises(ValueError, match=r"config\.json: model_type 'pp_ocrv6_small_rec', must be one of"):
        detector(*files)


def test_tensors_that_differ_from_their_configuration_are_refused(tmp_path: Path) -> None:
    files = saved(tiny_recogniser(classes=12), tmp_path)
    tiny_recogniser(classes=13).config.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"tensor head\.head\.bias is missing, or its shape differs"):
        recogniser(*files)
