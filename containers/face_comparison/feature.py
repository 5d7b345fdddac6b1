"""Declaration of face comparison: request, response, profiles and resources."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from containers.face_detection.weight_files import MTCNN, RETINAFACE_R50
from serving.feature import (
    Batching,
    Feature,
    Measured,
    Measurements,
    PackageFile,
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


def _resnet29(name: str, member: str, sha256: str, size: int) -> WeightFile:
    return WeightFile(
        name=name,
        sources=(
            PackageFile(
                "npm", "@vladmandic/face-api", "1.7.15", f"package/model/face_recognition_model{member}"
            ),
        ),
        sha256=sha256,
        size=size,
        license="MIT",
        origin="dlib_face_recognition_resnet_model_v1 (ResNet-29) by Davis King, who put it into the public "
        "domain, for TensorFlow.js by face-api.js; trained on FaceScrub, VGGFace and images from the web, "
        "partly data sets for research",
    )


RESNET29 = (
    _resnet29(
        "face_recognition.json",
        "-weights_manifest.json",
        "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
        19615,
    ),
    _resnet29(
        "face_recognition.bin",
        ".bin",
        "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
        6444032,
    ),
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
            files=(*MTCNN, *RESNET29),
            summary="MTCNN and dlib's ResNet-29, for CPUs.",
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
            seconds=0.204,
            input="one image of 512×512 px with one face, without decoding",
            machine="2 shared cores at 2.5 GHz, busy",
            date="2026-12-01",
            source="containers/face_comparison/README.md",
        )
    ),
)
