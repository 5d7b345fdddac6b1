"""Custom OCR: the fields of a known kind of document, read where a template says they are."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from containers.general_ocr.feature import PROFILES, Duration
from containers.general_ocr.feature import feature as general_ocr
from serving.feature import Batching, DataStore, Feature, Measured, Measurements, Resources, any_of
from serving.images.intake import ImageRequest
from serving.images.polygons import Corners

FieldDefinition = tuple[Corners, str]
TemplateId = Annotated[str, Meta(pattern="^[0-9a-f]{40}$", description="40 hexadecimal digits.")]


class CustomOCRRequest(ImageRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to do, by `type`, and what it is done with."""

    type: Annotated[
        Literal["add", "del", "list", "query"],
        Meta(
            description="`add` keeps a template and names its id, `query` reads the fields of an image, "
            "`list` names all templates, `del` deletes. `add` and `query` need an image."
        ),
    ] = "query"
    template: Annotated[
        list[FieldDefinition] | str | None,
        Meta(
            description="`add` only: for each field its corners (top-left, top-right, bottom-right, "
            "bottom-left, in pixels of the image) and its name; 1 to 200, names unique. A string holds the "
            "same as JSON."
        ),
    ] = None
    template_id: Annotated[
        str | list[str] | None,
        Meta(description="`query`: the template to read by. `del`: the one to delete, or a list of them."),
    ] = None
    detail: Annotated[bool, Meta(description="`query` only: add `lines` to each field.")] = False
    duration: Annotated[bool, Meta(description='`query` only: append `{"duration": seconds}`.')] = False


class FieldValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """`query`: a field of the template, in the template's order."""

    key: Annotated[str, Meta(description="The field's name.")]
    value: Annotated[str, Meta(description="What stands there; empty where nothing was read.")]
    score: Annotated[float, Meta(ge=0, le=100, description="Confidence, 0 to 100; 0 where nothing was read.")]
    position: Annotated[
        Corners, Meta(description="The field's corners in the image that was sent, from its top-left.")
    ]
    lines: Annotated[
        list[str] | None, Meta(description="The lines of the value, where `detail` was asked for.")
    ] = None


class Added(msgspec.Struct, frozen=True):
    """`add`: the template's id, the same for the same image and fields."""

    template_id: TemplateId


class Deleted(msgspec.Struct, frozen=True):
    """`del`: what was deleted, a string or a list as in the request."""

    template_id: Annotated[TemplateId | list[TemplateId], Meta(description="As in the request.")]


class Listed(msgspec.Struct, frozen=True):
    """`list`: all templates, sorted by id."""

    template_id_list: Annotated[list[TemplateId], Meta(description="All ids.")]
    template: Annotated[list[list[FieldDefinition]], Meta(description="The fields of each, in that order.")]


_VALUES = {
    "type": "array",
    "items": any_of(FieldValue, Duration),
    "description": "`query`: the fields of the template, in its order.",
}
Reply = Annotated[Any, Meta(extra_json_schema={"anyOf": [_VALUES, *any_of(Added, Deleted, Listed)["anyOf"]]})]

STORE = DataStore(
    name="template",
    default="~/.cache/aikit/templates",
    meaning="Where custom_ocr keeps its templates: a folder, or s3://bucket/prefix; replicas that share it "
    "share the templates.",
)
feature = Feature(
    module=__name__,
    feature_id="CustomOCR",
    title="Custom OCR",
    title_zh="自定义模板文字识别",
    summary="Reads the fields of cards, tickets and forms as key and value, by templates drawn once.",
    request=CustomOCRRequest,
    response=Reply,
    profiles=PROFILES,
    requires=general_ocr.requires,
    batching=Batching(max_size=8, max_delay_ms=5, max_queue=64),
    resources=Resources(memory_mb=3008, lambda_memory_mb=10240),
    measured=Measurements(
        cpu=Measured(
            seconds=1.46,
            input="a query, the median of eleven kinds of rendered documents",
            machine="2 vCPU Intel Xeon 2.5 GHz, with other work",
            date="2026-11-21",
            source="benchmarks/README.md",
        )
    ),
    store=STORE,
    image_alone=False,
)
