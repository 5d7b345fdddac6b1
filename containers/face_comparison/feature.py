"""Declaration of face comparison: request, response, profiles and resources."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from containers.face_detection.weight_files import RETINAFACE, RETINAFACE_R50
from serving.feature import (
    Batching,
    Feature,
    Measured,
    Measurements,
    Profile,
    Resources,
    Url,
    WeightFile,
    any_of,
)
from serving.images.boxes import BoundingBox, Ratio
from serving.images.pairs import ImagePairRequest

HASH_LENGTH = 768

ModelVersion = Annotated[str, Meta(description="Identifies the networks that produced the response.")]


class ComparedFace(msgspec.Struct, frozen=True):
    """A detected face."""

    bounding_box: BoundingBox = msgspec.field(name="BoundingBox")
    confidence: Annotated[Ratio, Meta(description="The detector's score that this is a face, 0 to 1.")] = (
        msgspec.field(name="Confidence")
    )


class HashedFace(ComparedFace, frozen=True):
    """A detected face and its vector."""

    face_hash: Annotated[
        list[float],
        Meta(
            description="A vector of length 1, as 768 numbers. The first `embedding_dim` numbers come from "
            "the network, the others are zeros. The scalar product of two vectors is their cosine "
            "similarity. Only vectors of the same `FaceModelVersion` can be compared.",
        ),
    ]


class FaceHashes(msgspec.Struct, frozen=True):
    """The response to one image: all its faces, highest `Confidence` first."""

    faces: Annotated[list[HashedFace], Meta(description="An empty list when no face is found.")] = (
        msgspec.field(name="Faces")
    )
    face_model_version: ModelVersion = msgspec.field(name="FaceModelVersion")
    embedding_dim: Annotated[int, Meta(description="The count of numbers in `face_hash` before the zeros.")]


class FaceSimilarity(msgspec.Struct, frozen=True):
    """The response to two images: the similarity of their most similar faces."""

    similarity: Annotated[
        Ratio,
        Meta(
            description="Similarity of the two faces, 0 to 1. The threshold 0.5 separates same and different "
            "person best when both are equally likely."
        ),
    ]
    faces: Annotated[
        tuple[ComparedFace, ComparedFace],
        Meta(description="The face in the first image, then the face in the second."),
    ] = msgspec.field(name="Faces")
    face_model_version: ModelVersion = msgspec.field(name="FaceModelVersion")


Response = Annotated[Any, Meta(extra_json_schema=any_of(FaceHashes, FaceSimilarity))]

MOBILEFACE = WeightFile(
    name="mobileface.params",
    sources=(
        Url(
            address="https://raw.githubusercontent.com/becauseofAI/MobileFace/128cea33b928dc9bb6d1963202b57a97f5661ccf"
            "/MobileFace_Identification/MobileFace_Identification_V2-0000.params"
        ),
    ),
    sha256="750057619a1eef8acb320339aebf0bbcf191497e1396a361c8aaba517bbe825e",
    size=3582482,
    license="MIT",
    origin="MobileFace identification V2 by becauseofAI; the licence of its training images is not stated",
)
AURAFACE = WeightFile(
    name="auraface.onnx",
    sources=(
        Url(
            address="https://huggingface.co/fal/AuraFace-v1/resolve/af6d057c9b0ec4071d4c49c80e3539258798b609/glintr100.onnx"
        ),
    ),
    sha256="a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60",
    size=260694151,
    license="Apache-2.0",
    origin="AuraFace v1 (ArcFace, ResNet-100) by fal; trained on images cleared for commercial use",
)

feature = Feature(
    module=__name__,
    feature_id="FaceComparison",
    title="Face Comparison",
    title_zh="人脸相似度比对",
    summary="Returns a vector for each face of an image, or the similarity of the faces in two images.",
    request=ImagePairRequest,
    response=Response,
    profiles={
        "lite": Profile(
            files=(RETINAFACE, MOBILEFACE),
            summary="RetinaFace (MobileNet-0.25) and MobileFace V2, for CPUs.",
            verified=True,
        ),
        "standard": Profile(
            files=(RETINAFACE_R50, AURAFACE),
            summary="RetinaFace (ResNet-50) and AuraFace v1, for GPUs.",
            verified=False,
        ),
    },
    requires=("onnx2torch>=1.5.15",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=8192),
    measured=Measurements(
        cpu=Measured(
            seconds=0.056,
            input="one image of 512×512 px with one face, without decoding",
            machine="2 shared cores at 2.5 GHz",
            date="2026-11-21",
            source="containers/face_comparison/README.md",
        )
    ),
)
