"""Car license plate: the plates of mainland China in a photograph, and what they say."""

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
    """One plate."""

    words: Annotated[str, Meta(description="Its text, both rows of a two-row plate, without the dot.")]
    location: Location
    score: Score
    polygon: Annotated[Corners, Meta(description="Corners, clockwise from the text's top-left.")]
    plate_type: Annotated[
        PlateType | UnsetType,
        Meta(
            description="With `detail`. By colour: blue (cars), yellow (lorries, buses, trailers, driving "
            "schools), green (new energy), white (police, army, rescue), black (embassies, consulates, Hong "
            "Kong and Macau). In a picture without colour, the commonest of those with such a text."
        ),
    ] = UNSET
    valid: Annotated[
        bool | UnsetType, Meta(description="With `detail`. Whether plates of that type have such a text.")
    ] = UNSET


class PlateRequest(OCRRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An image by address or in base64."""

    detail: Annotated[bool, Meta(description="Add `plate_type` and `valid` to every plate.")] = False


Plates = Annotated[
    list[Annotated[Any, Meta(extra_json_schema=any_of(Plate, Duration))]],
    Meta(description="Plates from top to bottom; an empty list where there is none."),
]

PLATENET = WeightFile(
    name="platenet.safetensors",
    source=Bundled(package="containers.car_license_plate", path="weights/platenet.safetensors"),
    sha256="448ffd037ad71c6b524803890016e00a88e7ce74c985618fc4e51b7341db6f72",
    size=1127886,
    license="Apache-2.0",
    origin="trained by training/plates on drawn plates",
)

LPRNET = WeightFile(
    name="lprnet.pth",
    source=Url(
        address="https://raw.githubusercontent.com/sirius-ai/LPRNet_Pytorch/"
        "7c976664b3f3879efabeaff59c7a117e49d5f29e/weights/Final_LPRNet_model.pth"
    ),
    sha256="d1ca22ca7a251a90702a166c8ad8ce7f05acb39f5ef8055139a33d462716d1ad",
    size=1806995,
    license="Apache-2.0",
    origin="LPRNet by sirius-ai, trained on CCPD",
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
            summary="PP-OCRv6 small, and PlateNet where it is unsure; needs no network.",
            verified=True,
        ),
        "standard": Profile(
            files=(*READERS["lite"].files, PLATENET, LPRNET),
            summary="The same, and LPRNet as a third reader of one-row plates with seven characters.",
            verified=True,
        ),
    },
    requires=general_ocr.requires,
    batching=general_ocr.batching,
    resources=general_ocr.resources,
    measured=Measurements(
        cpu=Measured(
            seconds=0.53,
            input="a street with two cars, over HTTP",
            machine="2 vCPU Intel Xeon 2.5 GHz",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
)
