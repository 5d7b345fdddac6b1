"""Custom OCR: the model stores templates, finds them in photographs, and reads their fields."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self, assert_never

import msgspec

from containers.custom_ocr.feature import (
    STORE,
    Added,
    CustomOCRRequest,
    Deleted,
    FieldDefinition,
    FieldValue,
    Listed,
)
from containers.custom_ocr.prepared import AlignedPhotograph, FieldReading, PreparedTemplate, read_fields
from containers.custom_ocr.store import Folder, Templates, open_store
from containers.custom_ocr.template import Anchor, Field, Template, fields_of, template_id
from containers.general_ocr.feature import Duration
from containers.general_ocr.reader import Line, TextReader
from serving.arrays import Floats, Pixels
from serving.errors import InvalidRequest, NotFound, UnprocessableInput
from serving.images.polygons import corners
from serving.model import Model as Base
from serving.settings import Settings
from serving.weights import Weights

_SAMPLES = Path(__file__).with_name("samples")


class Query(NamedTuple):
    """A request to read the fields of an image, (H, W, 3) RGB.

    matrix: (3, 3) from template to image, or None when local features gave none. image_field: the request's
    field with the image. started: monotonic time of the request, if its duration is requested.
    """

    template: PreparedTemplate
    image: Pixels
    matrix: Floats | None
    image_field: str
    detail: bool
    started: float | None


class Add(NamedTuple):
    """A request to store a template. image: (H, W, 3) RGB."""

    image: Pixels
    fields: tuple[Field, ...]


class Delete(NamedTuple):
    """A request to delete templates. ids: in the form that the request has."""

    ids: str | list[str]


class List(NamedTuple):
    """A request for the list of all templates."""


class Output(NamedTuple):
    """The result of the networks for one item.

    fields: those of a query, or None when the template was not found. lines: the text of a new template.
    """

    fields: list[FieldReading] | None = None
    lines: Sequence[Line] = ()


Item = Query | Add | Delete | List
Response = list[FieldValue | Duration] | Added | Deleted | Listed


class Model(Base[CustomOCRRequest, Item, Output, Response]):
    """Stores templates and reads fields with them. The store changes last, when no other step can fail."""

    _templates: Templates[PreparedTemplate]

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        # the example names a sample, which must be valid with every store
        self._samples = Templates(Folder(_SAMPLES), PreparedTemplate.of)

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(TextReader.load(weights, device))

    def configure(self, settings: Settings) -> None:
        super().configure(settings)
        self._templates = Templates(open_store(settings.store(STORE)), PreparedTemplate.of)

    def preprocess(self, request: CustomOCRRequest) -> Item:
        match request.type:
            case "query":
                return self._query(request)
            case "add":
                image = self.media.of(request)
                height, width = image.shape[:2]
                return Add(image, fields_of(_definitions(request), width, height))
            case "del":
                if not request.template_id:
                    raise InvalidRequest("template_id: required when type is del")
                return Delete(request.template_id)
            case "list":
                return List()
        assert_never(request.type)

    def _query(self, request: CustomOCRRequest) -> Query:
        started = time.monotonic() if request.duration else None
        image = self.media.of(request)
        if not isinstance(request.template_id, str):
            raise InvalidRequest("template_id: one id is required when type is query (the default)")
        template = self._template(request.template_id)
        image_field = "url" if request.url else "img"
        return Query(template, image, template.align(image), image_field, request.detail, started)

    def _template(self, id: str) -> PreparedTemplate:
        try:
            return self._samples.get(id)
        except NotFound:
            return self._templates.get(id)

    def predict(self, batch: Sequence[Item]) -> Sequence[Output]:
        lines = self._lines(batch)
        aligned = {}
        for index, item in enumerate(batch):
            if isinstance(item, Query):
                matrix = item.matrix
                if matrix is None:
                    matrix = item.template.align_by_texts(item.image, lines[index])
                if matrix is not None:
                    aligned[index] = AlignedPhotograph(item.template, item.image, matrix)
        fields = dict(zip(aligned, read_fields(self._reader, list(aligned.values())), strict=True))
        return [Output(fields.get(index), lines.get(index, ())) for index in range(len(batch))]

    def _lines(self, batch: Sequence[Item]) -> dict[int, list[Line]]:
        """Reads the text of new templates, and of images where local features did not find the template."""
        images = {
            index: item.image
            for index, item in enumerate(batch)
            if isinstance(item, Add) or (isinstance(item, Query) and item.matrix is None)
        }
        return dict(zip(images, self._reader.read(list(images.values())), strict=True))

    def postprocess(self, output: Output, item: Item) -> Response:
        match item:
            case Query():
                return _reply(output.fields, item)
            case Add():
                anchors = [Anchor(line.text, corners(line.polygon)) for line in output.lines]
                id = template_id(item.image, item.fields)
                self._templates.add(id, Template.of(item.image, item.fields, anchors))
                return Added(id)
            case Delete():
                self._templates.delete([item.ids] if isinstance(item.ids, str) else item.ids)
                return Deleted(item.ids)
            case List():
                found = self._templates.fields()
                definitions = [[(field.corners, field.name) for field in fields] for fields in found.values()]
                return Listed(list(found), definitions)
        assert_never(item)


def _definitions(request: CustomOCRRequest) -> list[FieldDefinition]:
    """Returns the field definitions of a request. Raises `InvalidRequest`."""
    if request.template is None:
        raise InvalidRequest("template: required when type is add")
    if not isinstance(request.template, str):
        return request.template
    try:
        return msgspec.json.decode(request.template, type=list[FieldDefinition])
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"template: {error}") from error


def _reply(fields: list[FieldReading] | None, query: Query) -> list[FieldValue | Duration]:
    """Converts the fields to the reply. Raises `UnprocessableInput` when the template was not found."""
    if fields is None:
        raise UnprocessableInput(
            f"{query.image_field}: the template cannot be aligned with this image reliably; the image must "
            "show the same kind of document, whole and sharp"
        )
    reply: list[FieldValue | Duration] = [
        FieldValue(
            key=field.name,
            value=field.value.text,
            score=round(100 * field.value.score, 2),
            position=corners(field.corners),
            lines=list(field.value.lines) if query.detail else None,
        )
        for field in fields
    ]
    if query.started is not None:
        reply.append(Duration(time.monotonic() - query.started))
    return reply
