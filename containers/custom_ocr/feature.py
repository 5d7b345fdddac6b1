"""Custom OCR: reads the fields of a known kind of document at the positions that a template defines."""

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
    """One of four actions, chosen by `type`, and its parameters."""

    type: Annotated[
        Literal["add", "del", "list", "query"],
        Meta(
            description="The action. `add` stores a template and returns its id. `query` reads the fields of "
            "an image. `list` returns all templates. `del` deletes templates. "
            "`add` and `query` need an image."
        ),
    ] = "query"
    template: Annotated[
        list[FieldDefinition] | str | None,
        Meta(
            description="Only for `add`: 1 to 200 fields, each with its corners and a unique name. The "
            "corners are top-left, top-right, bottom-right and bottom-left, in pixels of the image. "
            "A string must hold the same list as JSON."
        ),
    ] = None
    template_id: Annotated[
        str | list[str] | None,
        Meta(
            description="For `query`: the id of the template to read with. For `del`: the id of the template "
            "to delete, or a list of ids."
        ),
    ] = None
    detail: Annotated[
        bool, Meta(description="Only for `query`: when true, `lines` is added to each field.")
    ] = False
    duration: Annotated[
        bool,
        Meta(description='Only for `query`: when true, `{"duration": seconds}` is appended to the list.'),
    ] = False


class FieldValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of the template in the reply to `query`."""

    key: Annotated[str, Meta(description="The field's name.")]
    value: Annotated[str, Meta(description="The field's text, or an empty string when no text was read.")]
    score: Annotated[
        float, Meta(ge=0, le=100, description="Confidence, 0 to 100. It is 0 when no text was read.")
    ]
    position: Annotated[
        Corners,
        Meta(description="The field's corners in the request's image, clockwise from the field's top-left."),
    ]
    lines: Annotated[
        list[str] | None,
        Meta(description="Only with `detail`. The lines that the value is joined from."),
    ] = None


class Added(msgspec.Struct, frozen=True):
    """`add` returns the template's id. The same image and fields always get the same id."""

    template_id: TemplateId


class Deleted(msgspec.Struct, frozen=True):
    """`del` returns the ids of the deleted templates."""

    template_id: Annotated[
        TemplateId | list[TemplateId],
        Meta(description="The deleted id or list of ids, in the form that the request has."),
    ]


class Listed(msgspec.Struct, frozen=True):
    """`list` returns all templates, sorted by id."""

    template_id_list: Annotated[list[TemplateId], Meta(description="The ids of all templates.")]
    template: Annotated[
        list[list[FieldDefinition]],
        Meta(description="The fields of each template, in the order of `template_id_list`."),
    ]


_VALUES = {
    "type": "array",
    "items": any_of(FieldValue, Duration),
    "description": "`query` returns the fields of the template, in the template's order.",
}
Reply = Annotated[Any, Meta(extra_json_schema={"anyOf": [_VALUES, *any_of(Added, Deleted, Listed)["anyOf"]]})]

STORE = DataStore(
    name="template",
    default="~/.cache/aikit/templates",
    description="The place where custom_ocr stores its templates: a folder or s3://bucket/prefix. "
    "Replicas with the same store share the templates.",
)
feature = Feature(
    module=__name__,
    feature_id="CustomOCR",
    title="Custom OCR",
    title_zh="自定义模板文字识别",
    summary="Reads the fields of cards, tickets and forms as keys and values. "
    "Each kind of document needs a template.",
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
