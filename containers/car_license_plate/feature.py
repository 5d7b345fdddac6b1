"""Car license plate: finds the plates of mainland China in a photograph and reads their text."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from containers.general_ocr.feature import PROFILES as READERS
from containers.general_ocr.feature import Duration, OCRRequest, Score
from containers.general_ocr.feature import feature as general_ocr
from serving.feature import Bundled, Feature, Measured, Measurements, Profile, Url, WeightFile, any_of
from serving.images.polygons import Corners, Location

PlateType = Literal["blue", "yellow", "green", "white", "black"]


class Plate(msgspec.Struct, frozen=True):
    """One licence plate."""

    words: Annotated[
        str,
        Meta(description="The plate's text without the dot, with the two rows of a two-row plate joined."),
    ]
    location: Location
    score: Score
    polygon: Annotated[Corners, Meta(description="The four corners, clockwise from the text's top-left.")]
    plate_type: Annotated[
        PlateType | UnsetType,
        Meta(
            description="Only with `detail`. The plate's type, named by its colour: blue (cars), yellow "
            "(lorries, buses, trailers, driving schools), green (new energy), white (police, army, rescue), "
            "or black (embassies, consulates, Hong Kong and Macau). In an image without colour, the most "
            "common type that can have this text."
        ),
    ] = UNSET
    valid: Annotated[
        bool | UnsetType,
        Meta(
            description="Only with `detail`. True when plates of the type in `plate_type` can have this text."
        ),
    ] = UNSET


class PlateRequest(OCRRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image, given by its address or in base64."""

    detail: Annotated[
        bool, Meta(description="When true, `plate_type` and `valid` are added to every plate.")
    ] = False


Plates = Annotated[
    list[Annotated[Any, Meta(extra_json_schema=any_of(Plate, Duration))]],
    Meta(description="The plates from top to bottom, or an empty list when the image shows no plate."),
]

PLATENET = WeightFile(
    name="platenet.safetensors",
    sources=(Bundled(package="containers.car_license_plate", path="weights/platenet.safetensors"),),
    sha256="448ffd037ad71c6b524803890016e00a88e7ce74c985618fc4e51b7341db6f72",
    size=1127886,
    license="Apache-2.0",
    origin="trained by training/plates on synthetic plates",
    commercial_use="yes",
)

LPRNET = WeightFile(
    name="lprnet.pth",
    sources=(
        Url(
            address="https://raw.githubusercontent.com/sirius-ai/LPRNet_Pytorch/"
            "7c976664b3f3879efabeaff59c7a117e49d5f29e/weights/Final_LPRNet_model.pth"
        ),
    ),
    sha256="d1ca22ca7a251a90702a166c8ad8ce7f05acb39f5ef8055139a33d462716d1ad",
    size=1806995,
    license="Apache-2.0",
    origin="LPRNet by sirius-ai, trained on CCPD, whose licence is MIT",
    commercial_use="yes",
)

feature = Feature(
    module=__name__,
    feature_id="CarLicensePlate",
    title="Car License Plate",
    title_zh="车牌信息识别",
    summary="Finds the licence plates of mainland China in photographs and reads them.",
    request=PlateRequest,
    response=Plates,
    profiles={
        "lite": Profile(
            files=(*READERS["lite"].files, PLATENET),
            summary="PP-OCRv6 small, with PlateNet for uncertain plates. Nothing is downloaded.",
            verified=True,
        ),
        "standard": Profile(
            files=(*READERS["lite"].files, PLATENET, LPRNET),
            summary="The same, with LPRNet for uncertain one-row plates that have seven characters.",
            verified=True,
        ),
    },
    requires=general_ocr.requires,
    batching=general_ocr.batching,
    resources=general_ocr.resources,
    measured=Measurements(
        cpu=Measured(
            seconds=0.604,
            input="a street with two cars, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
