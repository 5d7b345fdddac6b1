"""The declaration of image similarity: a vector for one image, or a similarity for two images."""

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

ModelVersion = Annotated[str, Meta(description="The descriptor or network that made the vectors.")]


class ImageSimilarityRequest(ImagePairRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The request carries one image (`url` or `img`), or two (`url_1` or `img_1`, and `url_2` or `img_2`)."""

    detail: Annotated[bool, Meta(description="True adds `cosine` to the reply for two images.")] = False


class ImageVector(msgspec.Struct, frozen=True):
    """The reply to a request that carries one image."""

    result: Annotated[
        list[float],
        Meta(
            description="The embedding of the image: 512 numbers, a vector of length 1. The scalar product "
            "of two embeddings is their cosine similarity. Compare only vectors of one `ModelVersion`.",
        ),
    ]
    model_version: ModelVersion = msgspec.field(name="ModelVersion")


class ImageSimilarity(msgspec.Struct, frozen=True):
    """The reply to a request that carries two images."""

    similarity: Annotated[
        float,
        Meta(ge=0, le=1, description="(1 + cosine) / 2. It is 1 when the two images are the same."),
    ]
    model_version: ModelVersion = msgspec.field(name="ModelVersion")
    cosine: Annotated[
        float | UnsetType,
        Meta(description="The cosine similarity of the two vectors, -1 to 1. Present only with `detail`."),
    ] = UNSET


Reply = Annotated[Any, Meta(extra_json_schema=any_of(ImageVector, ImageSimilarity))]

COPIES = WeightFile(
    name="copies.safetensors",
    sources=(Bundled(package="containers.image_similarity", path="weights/copies.safetensors"),),
    sha256="a0b41b03f9466ca334da7c3ec5c103595463f853d246cfc5b019f270526ef223",
    license="Apache-2.0",
    origin="this project: training/image_similarity",
    commercial_use="yes",
    size=1785350,
)
CLIP = WeightFile(
    name="clip-vit-b32.safetensors",
    sources=(
        Url(
            address="https://huggingface.co/timm/vit_base_patch32_clip_224.openai/resolve/"
            "a6f597a30f7b82c51704746581f9a4e41421e878/open_clip_model.safetensors"
        ),
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
    summary="Turns an image into a vector, or measures how similar two images are.",
    request=ImageSimilarityRequest,
    response=Reply,
    profiles={
        "lite": Profile(
            files=(COPIES,),
            summary="Local harmonics and a small network. Finds near-duplicates, not similar content.",
            verified=True,
        ),
        "standard": Profile(
            files=(CLIP,),
            summary="CLIP ViT-B/32. Images that show the same things are similar.",
            verified=False,
        ),
    },
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=3008),
    measured=Measurements(
        cpu=Measured(
            seconds=0.025,
            input="a photograph of 256 px, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
