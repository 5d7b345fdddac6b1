"""The declaration of pornography detection: it scores an image as normal, sexy and porn."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from serving.feature import (
    Batching,
    Bundled,
    Feature,
    Measured,
    Measurements,
    PackageFile,
    Profile,
    Resources,
    Source,
    Url,
    WeightFile,
)
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


def _nsfwjs(name: str, source: Source, *others: Source, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=name,
        sources=(source, *others),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="nsfwjs, by Gant Laborde; trained on images scraped from the web",
    )


def _listed(network: str, sha256: str, size: int) -> WeightFile:
    """Returns the list of a network's tensors, which was taken from its script `model.min.js`."""
    source = Bundled(package="containers.pornography_detection", path=f"weights/{network}.json")
    return _nsfwjs(f"nsfw_{network}.json", source, sha256=sha256, size=size)


def packaged(member: str) -> PackageFile:
    """Returns a file of numbers in the package nsfwjs, where it is a string of a script."""
    return PackageFile("npm", "nsfwjs", "4.4.0", f"package/dist/models/{member}.min.js", unwrap="base64")


MOBILENET_LIST = _listed(
    "mobilenet_v2", "c7cd0b56a5cf6934a97017f06d21d5d05310c0fcf883c2f8d3568e031f562c26", 42956
)
MOBILENET_NUMBERS = _nsfwjs(
    "nsfw_mobilenet_v2.bin",
    packaged("mobilenet_v2/group1-shard1of1"),
    Url(
        address="https://raw.githubusercontent.com/infinitered/nsfwjs/d55a54c51f14380670064cc129b2ea51029c5e46"
        "/models/mobilenet_v2/group1-shard1of1"
    ),
    sha256="8e7dddbb16acacc1bf1601b1b8a761e730ff934b7f2d7771312b2f000e5f5f13",
    size=2619461,
)
INCEPTION_LIST = _listed(
    "inception_v3", "58b7ae31964b19361fb4d2c2881d550203151c32b2c52f09e8709dccafee536a", 62302
)
INCEPTION_NUMBERS = tuple(
    _nsfwjs(
        f"nsfw_inception_v3_{number}.bin",
        packaged(f"inception_v3/group1-shard{number}of6"),
        sha256=sha256,
        size=1389349 if number == 6 else 4194304,
    )
    for number, sha256 in enumerate(
        (
            "7a3a4c075cfcaa7f0b095f55b2ba54a288c2f770e504c8537394efda9545994b",
            "8826da12bda0db9415aef0e6a8d1f178a0d950deab28c4e79b9da994748702a4",
            "4557a96cf87ceb8df6c9647b647ac9843251a4455457cb40f35c02250a63e51c",
            "399b99397ccd64351b59f04cdabe30000a15494c82f75c1e2ccb41c9b6338b7d",
            "994515b0f73407d71740301e9877511b086609dbdc7ead1b31bcb82b3397ae74",
            "cfb856c9d8fcefacca87b6063ed4949adf69f0372407d6edca8cec0c1694a28b",
        ),
        1,
    )
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
            files=(MOBILENET_LIST, MOBILENET_NUMBERS),
            summary="MobileNetV2 of nsfwjs (224 px, five classes), for CPUs.",
            verified=True,
        ),
        "large": Profile(
            files=(INCEPTION_LIST, *INCEPTION_NUMBERS),
            summary="Inception v3 of nsfwjs (299 px, five classes), for CPUs; slower than lite.",
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
