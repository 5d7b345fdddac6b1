"""Declaration of human image segmentation: request, response, profiles and resources."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from containers.face_detection.weight_files import MTCNN, mediapipe_file
from containers.object_recognition.feature import NANODET
from serving.feature import Batching, Feature, Measured, Measurements, Profile, Resources, Url, WeightFile
from serving.images.intake import ImageRequest


class SegmentationRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by address or in base64, and the type of the result."""

    type: Annotated[
        Literal["", "foreground"],
        Meta(
            description="Empty: a matte, in which people are white and the background is black. "
            "`foreground`: the people in their own colours on a transparent background."
        ),
    ] = ""
    format: Annotated[
        Literal["png", "webp"],
        Meta(
            description="Image format of the result. `webp` is for `foreground` only. It is much smaller "
            "than `png`, and its colours are not exact."
        ),
    ] = "png"


class CutOut(msgspec.Struct, frozen=True):
    """The resulting image, upright and of the same size as the image in the request."""

    result: Annotated[
        bytes,
        Meta(
            description="The image in base64: an 8-bit greyscale PNG, or for `foreground` an RGBA PNG or "
            "WebP. All pixels are zero when nobody is found.",
            extra_json_schema={"contentMediaType": "image/png"},
        ),
    ]


SELFIE = WeightFile(
    name="selfie_segmentation.tflite",
    sources=(mediapipe_file("selfie_segmentation/selfie_segmentation.tflite"),),
    sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    size=249505,
    license="Apache-2.0",
    origin="Selfie segmentation, the general model, by MediaPipe (Google)",
    commercial_use="yes",
)
MODNET = WeightFile(
    name="modnet.onnx",
    sources=(
        Url(
            address="https://huggingface.co/Xenova/modnet/resolve/fa2fa546052fba4c08921230a26cc69a333fca12"
            "/onnx/model.onnx"
        ),
    ),
    sha256="07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9",
    size=25888640,
    license="Apache-2.0",
    origin="MODNet by Zhanghan Ke et al., as ONNX by Xenova; its training portraits are not described",
)

feature = Feature(
    module=__name__,
    feature_id="HumanImageSegmentation",
    title="Human Image Segmentation",
    title_zh="智能人像分割",
    summary="Separates people from the background and returns a soft matte or a transparent image.",
    request=SegmentationRequest,
    response=CutOut,
    profiles={
        "lite": Profile(
            files=(SELFIE, *NANODET, *MTCNN),
            summary="NanoDet-g and MTCNN find the people, MediaPipe's network segments each; for CPUs.",
            verified=True,
        ),
        "standard": Profile(
            files=(MODNET, *NANODET, *MTCNN),
            summary="MODNet, a matting network, in place of MediaPipe's network; for GPUs.",
            verified=False,
        ),
    },
    requires=("onnx2torch>=1.5",),
    aliases=("human-segmentation",),
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=4096, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=0.504,
            input="the matte of one image with a longest side of 1280 px, with decoding and encoding",
            machine="2 shared cores at 2.5 GHz",
            date="2026-12-01",
            source="containers/human_image_segmentation/README.md",
        )
    ),
)
