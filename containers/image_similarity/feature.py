"""Image similarity: a vector of a picture, or how alike two pictures are."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from serving.feature import (
    Batching,
    Bundled,
    Feature,
    Measured,
    Measurements,
    Profile,
    Resources,
    Url,
    WeightFile,
    any_of,
)
from serving.images.pairs import ImagePairRequest

DIMENSIONS = 512


class ImageSimilarityRequest(ImagePairRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One image, by `url` or `img`; or two to compare, by `url_1` or `img_1` and `url_2` or `img_2`."""

    detail: Annotated[bool, Meta(description="Of two images also the `cosine`.")] = False


class ImageVector(msgspec.Struct, frozen=True):
    """One image: its vector."""

    result: Annotated[
        list[float],
        Meta(
            description="512 numbers, a vector of length 1. The scalar product of two is their cosine. "
            "Comparable within one `ModelVersion` only.",
        ),
    ]
    model_version: str = msgspec.field(name="ModelVersion")


class ImageSimilarity(msgspec.Struct, frozen=True):
    """Two images: how alike they are."""

    similarity: Annotated[
        float,
        Meta(ge=0, le=1, description="(1 + cosine) / 2: 1 where they are the same."),
    ]
    model_version: str = msgspec.field(name="ModelVersion")
    cosine: Annotated[
        float | UnsetType, Meta(description="Of the two vectors, -1 to 1; with `detail` only.")
    ] = UNSET


Reply = Annotated[Any, Meta(extra_json_schema=any_of(ImageVector, ImageSimilarity))]

COPIES = WeightFile(
    name="copies.safetensors",
    source=Bundled(package="containers.image_similarity", path="weights/copies.safetensors"),
    sha256="a0b41b03f9466ca334da7c3ec5c103595463f853d246cfc5b019f270526ef223",
    license="Apache-2.0",
    origin="this project: training/image_similarity",
    size=1785350,
)
CLIP = WeightFile(
    name="clip-vit-b32.safetensors",
    source=Url(
        address="https://huggingface.co/timm/vit_base_patch32_clip_224.openai/resolve/"
        "a6f597a30f7b82c51704746581f9a4e41421e878/open_clip_model.safetensors"
    ),
    sha256="e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
    license="MIT",
    origin="CLIP ViT-B/32 by OpenAI, the mirror of timm in the layout of open_clip",
)

feature = Feature(
    module=__name__,
    feature_id="ImageSimilarity",
    title="Image Similarity",
    title_zh="图像相似度",
    summary="Turns an image into a vector, or tells how alike two images are.",
    request=ImageSimilarityRequest,
    response=Reply,
    profiles={
        "lite": Profile(
            files=(COPIES,),
            summary="Local harmonics and a small network: finds near-duplicates; not semantic.",
            verified=True,
        ),
        "standard": Profile(
            files=(CLIP,), summary="CLIP ViT-B/32: alike is what shows the same things.", verified=False
        ),
    },
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=3008),
    measured=Measurements(
        cpu=Measured(
            seconds=0.013,
            input="a photograph of 256 px, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
