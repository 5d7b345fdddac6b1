"""Declaration of face detection: request, response, profiles and resources."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from containers.face_detection.weight_files import (
    FACEMESH,
    FACERES,
    FAIRFACE,
    MTCNN,
    RETINAFACE_R50,
)
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources
from serving.images.boxes import BoundingBox, Ratio
from serving.images.intake import ImageRequest


class FaceDetectionRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by address or in base64."""

    max_faces: Annotated[
        int,
        Meta(ge=1, le=100, description="At most this many faces, those with the highest `Confidence`."),
    ] = 100
    min_confidence: Annotated[
        float, Meta(ge=0.1, le=1, description="Faces with a lower `Confidence` are left out.")
    ] = 0.7
    detail: Annotated[bool, Meta(description="True adds `AgeRange` and `landmarks_5` to each face.")] = False


class Point(msgspec.Struct, frozen=True):
    """A point in pixels, counted from the top-left corner of the upright image.

    It lies outside the image where the face is cut off.
    """

    x: Annotated[int, Meta(description="Pixels from the left edge of the image.")]
    y: Annotated[int, Meta(description="Pixels from the top edge of the image.")]


class AgeRange(msgspec.Struct, frozen=True, rename="pascal"):
    """The range from 8 years below `age` to 8 years above it."""

    low: Annotated[int, Meta(ge=0, description="Years; at least 0.")]
    high: Annotated[int, Meta(description="Years.")]


class DetectedFace(msgspec.Struct, frozen=True, omit_defaults=True):
    """A face with its box, landmarks, gender and age."""

    bounding_box: BoundingBox = msgspec.field(name="BoundingBox")
    confidence: Annotated[Ratio, Meta(description="The detector's score that this is a face, 0 to 1.")] = (
        msgspec.field(name="Confidence")
    )
    landmark_106: Annotated[
        list[Point],
        Meta(
            description="106 points in the order of JD-landmark: contour 0-32, from left to right; eyebrows "
            "33-42 and 64-71; nose 43-51 and 78-83; eyes 52-63 and 72-77; mouth 84-103; pupils 104-105. "
            "Left and right are those of the image.",
        ),
    ]
    gender: Annotated[Literal["male", "female"], Meta(description="The appearance of the face, no more.")]
    age: Annotated[int, Meta(ge=0, description="Years.")]
    age_range: Annotated[
        AgeRange | None, Meta(description="The probable range of the age. Only with `detail`.")
    ] = msgspec.field(default=None, name="AgeRange")
    landmarks_5: Annotated[
        list[Point] | None,
        Meta(
            description="Eyes, tip of the nose, corners of the mouth. Of each pair, the one on the left of "
            "the image comes first."
        ),
    ] = None


class Faces(msgspec.Struct, frozen=True):
    """The faces of the image, highest `Confidence` first."""

    faces: Annotated[list[DetectedFace], Meta(description="An empty list when no face is found.")] = (
        msgspec.field(name="Faces")
    )
    face_model_version: Annotated[
        str, Meta(description="Identifies the networks that produced the response.")
    ] = msgspec.field(name="FaceModelVersion")


PROFILES = {
    "lite": Profile(
        files=(*MTCNN, *FACERES),
        summary="MTCNN, FaceMesh and FaceRes, for CPUs.",
        verified=True,
    ),
    "standard": Profile(
        files=(RETINAFACE_R50, FACEMESH, FAIRFACE),
        summary="RetinaFace ResNet-50, FaceMesh and FairFace (ResNet-34) for age and gender, for GPUs.",
        verified=False,
    ),
}

feature = Feature(
    module=__name__,
    feature_id="FaceDetection",
    title="Face Detection",
    title_zh="人脸识别",
    summary="Finds the faces in an image and returns 106 landmarks, gender and age of each.",
    request=FaceDetectionRequest,
    response=Faces,
    profiles=PROFILES,
    requires=("onnx2torch>=1.5.15",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=2048, lambda_memory_mb=4096),
    measured=Measurements(
        cpu=Measured(
            seconds=0.151,
            input="detection alone, three faces in an image of 1280×900 px, without decoding",
            machine="2 shared cores at 2.5 GHz, with other programs running",
            date="2026-12-01",
            source="containers/face_detection/README.md",
        )
    ),
)
