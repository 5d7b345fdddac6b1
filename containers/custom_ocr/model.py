"""Custom OCR: templates are kept, found again in photographs, and their fields read."""

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
from containers.custom_ocr.form import Filled, Form, Sheet, read
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
    """matrix: from the form to the (H, W, 3) RGB image, where local features gave one.

    field: of the request, where the image came from. since: when it was taken up, if that is to be told.
    """

    form: Form
    image: Pixels
    matrix: Floats | None
    field: str
    detail: bool
    since: float | None


class Add(NamedTuple):
    """image: (H, W, 3) RGB."""

    image: Pixels
    fields: tuple[Field, ...]


class Delete(NamedTuple):
    """ids: as the request gives them."""

    ids: str | list[str]


class List(NamedTuple):
    """All there is."""


class Output(NamedTuple):
    """filled: the fields of a query, None where the form was not found. lines: of a new template."""

    filled: list[Filled] | None = None
    lines: Sequence[Line] = ()


Item = Query | Add | Delete | List
Response = list[FieldValue | Duration] | Added | Deleted | Listed


class Model(Base[CustomOCRRequest, Item, Output, Response]):
    """Keeps templates and reads by them. The store changes last, when nothing else can fail."""

    _templates: Templates[Form]

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._samples = Templates(Folder(_SAMPLES), Form.of)  # the example asks for one, whatever the store

    @classmethod
    def load(cls, weights: Weights, device: str) -> Self:
        return cls(TextReader.load(weights, device))

    def configure(self, settings: Settings) -> None:
        super().configure(settings)
        self._templates = Templates(open_store(settings.store(STORE)), Form.of)

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
                    raise InvalidRequest("template_id: required where type is del")
                return Delete(request.template_id)
            case "list":
                return List()
        assert_never(request.type)

    def _query(self, request: CustomOCRRequest) -> Query:
        since = time.monotonic() if request.duration else None
        image = self.media.of(request)
        if not isinstance(request.template_id, str):
            raise InvalidRequest("template_id: one id is required where type is query, the default")
        form = self._form(request.template_id)
        field = "url" if request.url else "img"
        return Query(form, image, form.find(image), field, request.detail, since)

    def _form(self, id: str) -> Form:
        try:
            return self._samples.get(id)
        except NotFound:
            return self._templates.get(id)

    def predict(self, batch: Sequence[Item]) -> Sequence[Output]:
        lines = self._lines(batch)
        sheets = {}
        for index, item in enumerate(batch):
            if isinstance(item, Query):
                matrix = item.matrix
                if matrix is None:
                    matrix = item.form.find_by_texts(item.image, lines[index])
                if matrix is not None:
                    sheets[index] = Sheet(item.form, item.image, matrix)
        filled = dict(zip(sheets, read(self._reader, list(sheets.values())), strict=True))
        return [Output(filled.get(index), lines.get(index, ())) for index in range(len(batch))]

    def _lines(self, batch: Sequence[Item]) -> dict[int, list[Line]]:
        """The text of new templates, and of images in which local features did not show the form."""
        images = {
            index: item.image
            for index, item in enumerate(batch)
            if isinstance(item, Add) or (isinstance(item, Query) and item.matrix is None)
        }
        return dict(zip(images, self._reader.read(list(images.values())), strict=True))

    def postprocess(self, output: Output, item: Item) -> Response:
        match item:
            case Query():
                return _reply(output.filled, item)
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
    """Raises `InvalidRequest`."""
    if request.template is None:
        raise InvalidRequest("template: required where type is add")
    if not isinstance(request.template, str):
        return request.template
    try:
        return msgspec.json.decode(request.template, type=list[FieldDefinition])
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"template: {error}") from error


def _reply(filled: list[Filled] | None, query: Query) -> list[FieldValue | Duration]:
    """Raises `UnprocessableInput`."""
    if filled is None:
        raise UnprocessableInput(
            f"{query.field}: the template cannot be aligned with this image reliably; it must show the same "
            "kind of document, whole and sharp"
        )
    reply: list[FieldValue | Duration] = [
        FieldValue(
            key=field.name,
            value=field.value.text,
            score=round(100 * field.value.score, 2),
            position=corners(field.corners),
            lines=list(field.value.lines) if query.detail else None,
        )
        for field in filled
    ]
    if query.since is not None:
        reply.append(Duration(time.monotonic() - query.since))
    return reply
