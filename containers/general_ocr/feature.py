"""General OCR: the text lines of an image, with their positions and scores."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serving.feature import (
    Batching,
    Bundled,
    Feature,
    Hub,
    Measured,
    Measurements,
    Profile,
    Resources,
    WeightFile,
    any_of,
)
from serving.images.intake import ImageRequest
from serving.images.polygons import Corners, Location

Score = Annotated[float, Meta(ge=0, le=1, description="Confidence, 0 to 1.")]


class TextLine(msgspec.Struct, frozen=True):
    """One line of text."""

    words: Annotated[str, Meta(description="The text of the line.")]
    location: Location
    score: Score
    polygon: Annotated[Corners, Meta(description="The four corners, clockwise from the text's top-left.")]


class Duration(msgspec.Struct, frozen=True):
    """The time spent on the request. It is the last element of the list when the request sets `duration`."""

    duration: Annotated[
        float, Meta(ge=0, description="Seconds from fetching or decoding the image to the reply.")
    ]


class OCRRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by its address or in base64."""

    duration: Annotated[
        bool, Meta(description='When true, `{"duration": seconds}` is appended to the list.')
    ] = False


TextLines = Annotated[
    list[Annotated[Any, Meta(extra_json_schema=any_of(TextLine, Duration))]],
    Meta(description="The text lines in reading order, or an empty list when the image has no text."),
]


def _bundled(role: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=f"{role}.onnx",
        sources=(Bundled(package="rapidocr", path=f"models/PP-OCRv6_{role}_small.onnx"),),
        sha256=sha256,
        size=size,
        license="Apache-2.0",
        origin="PP-OCRv6 small by PaddlePaddle, as ONNX by RapidAI in the rapidocr package",
        commercial_use="yes",
    )


def _hub(role: str, file: str) -> WeightFile:
    return WeightFile(
        name=f"{role}/{file}",
        sources=(Hub(repository=f"PaddlePaddle/PP-OCRv6_medium_{role}_safetensors", path=file),),
        license="Apache-2.0",
        origin="PP-OCRv6 medium by PaddlePaddle",
        commercial_use="yes",
    )


_CHARACTERS = _bundled("rec", "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884", 21234383)

PROFILES = {
    "lite": Profile(
        files=(
            _bundled("det", "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f", 9929594),
            _CHARACTERS,
        ),
        summary="PP-OCRv6 small, for CPUs. A Python package contains it, so nothing is downloaded.",
        verified=True,
    ),
    "standard": Profile(
        files=(
            *(_hub(role, file) for role in ("det", "rec") for file in ("config.json", "model.safetensors")),
            _CHARACTERS,  # its metadata holds the character list of both sizes
        ),
        summary="PP-OCRv6 medium, for GPUs.",
        verified=False,
    ),
}

feature = Feature(
    module=__name__,
    feature_id="GeneralOCR",
    title="General OCR (Simplified Chinese)",
    title_zh="通用文字识别",
    summary="Recognises simplified Chinese, English, numbers and symbols in photographs and documents.",
    request=OCRRequest,
    response=TextLines,
    profiles=PROFILES,
    requires=("rapidocr>=3.10,<3.11", "pyclipper>=1.3", "onnx>=1.16"),
    aliases=("general-ocr-standard", "general-ocr-advanced", "lite-ocr", "advanced-ocr"),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=8192),
    measured=Measurements(
        cpu=Measured(
            seconds=0.54,
            input="a dense photograph, 30 lines on average",
            machine="2 vCPU Intel Xeon 2.5 GHz (Cascade Lake)",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
