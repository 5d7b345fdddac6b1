"""The declaration of pornography detection: it scores an image as normal, sexy and porn."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources, Url, WeightFile
from serving.images.intake import ImageRequest

Ratio = Annotated[float, Meta(ge=0, le=1)]


class ModerationRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, by address or in base64."""

    detail: Annotated[bool, Meta(description="True adds `classes` and `model_version` to the reply.")] = False


class Moderation(msgspec.Struct, frozen=True):
    """The reply: three scores that sum to 1."""

    normal: Annotated[Ratio, Meta(description="The score for content that is neither sexy nor porn.")]
    sexy: Annotated[Ratio, Meta(description="The score for suggestive content without explicit acts.")]
    porn: Annotated[Ratio, Meta(description="The score for pornographic photographs and drawings.")]
    classes: Annotated[
        dict[str, Ratio] | UnsetType,
        Meta(description="The scores of the network's own classes. The three scores are sums of them."),
    ] = UNSET
    model_version: Annotated[str | UnsetType, Meta(description="The network and its weights.")] = UNSET


def _nsfwjs(name: str, path: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=name,
        sources=(
            Url(
                address="https://raw.githubusercontent.com/infinitered/nsfwjs/d55a54c51f14380670064cc129b2ea51029c5e46"
                f"/models/mobilenet_v2/{path}"
            ),
        ),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="nsfwjs's MobileNetV2, by Gant Laborde; trained on images scraped from the web",
    )


LAYERS = _nsfwjs(
    "nsfw_mobilenet_v2.json",
    "model.json",
    "11846416217e68bf1eb7b0e651bcfd305973566453c63275bbd16766ab089979",
    128945,
)
NUMBERS = _nsfwjs(
    "nsfw_mobilenet_v2.bin",
    "group1-shard1of1",
    "8e7dddbb16acacc1bf1601b1b8a761e730ff934b7f2d7771312b2f000e5f5f13",
    2619461,
)
EVA02 = WeightFile(
    name="freepik_eva02_base.safetensors",
    sources=(
        Url(
            address="https://huggingface.co/Freepik/nsfw_image_detector/resolve/15b85477e4fd2000db76ae9aae0f89a72f95e2e3"
            "/model.safetensors"
        ),
    ),
    sha256="024a9d4818fae2656403bf626c9f8c9e7789c2da274749fbebb1060d8fdaa7ab",
    size=172725672,
    license="MIT",
    origin="EVA-02 base, patches of 14 px, 448 px, by Freepik; its training images are not published",
)

feature = Feature(
    module=__name__,
    feature_id="PornographyDetection",
    title="Pornography Detection",
    title_zh="色情内容检测",
    summary="Scores how likely an image is normal, sexy or pornographic.",
    request=ModerationRequest,
    response=Moderation,
    profiles={
        "lite": Profile(
            files=(LAYERS, NUMBERS),
            summary="MobileNetV2 of nsfwjs (224 px, five classes), for CPUs.",
            verified=True,
        ),
        "standard": Profile(
            files=(EVA02,),
            summary="EVA-02 of Freepik (448 px, four levels), for GPUs.",
            verified=False,
        ),
    },
    requires=("timm>=1.0.31",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=8192),
    measured=Measurements(
        cpu=Measured(
            seconds=0.017,
            input="a portrait of 512 px, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
