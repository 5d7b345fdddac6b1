"""The OpenAPI document is valid, agrees with the runtime, and is equal to its snapshot."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from serving import errors
from serving.codec import Codec
from serving.errors import InvalidRequest, Overloaded, ServingError
from serving.feature import Feature, discover, find
from serving.http import Json
from serving.openapi import document, shorten
from serving.service import problem
from tests.support.paths import SNAPSHOTS

SNAPSHOT = SNAPSHOTS / "openapi.json"
PROBE = find("tests.support.features.probe.feature")
FAILURES = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ServingError)
]

json_values = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
base64_images = st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode())


class Words(msgspec.Struct):
    """A request without an image."""

    text: str


def validator(whole: Json, schema: Json) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": whole["components"]})


def request_schema(whole: Json, feature: Feature, content_type: str = "application/json") -> Json:
    content = whole["paths"][f"/{feature.name}"]["post"]["requestBody"]["content"]
    schema: Json = content[content_type]["schema"]
    return schema


def response_content(whole: Json, feature: Feature) -> Json:
    responses = whole["paths"][f"/{feature.name}"]["post"]["responses"]
    content: Json = responses["200"]["content"]["application/json"]
    return content


def references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        case list():
            for inner in value:
                yield from references(inner)


def test_the_document_of_every_feature_is_valid_openapi() -> None:
    validate(document(list(discover().values())))


def test_every_reference_has_a_target() -> None:
    whole = document([*discover().values(), PROBE])
    for reference in references(whole):
        _, kind, group, name = reference.split("/")
        assert name in whole[kind][group]


def test_the_document_is_equal_to_the_snapshot() -> None:
    snapshot = json.loads(SNAPSHOT.read_text("utf-8"))
    derived = document(list(discover().values()))
    assert derived == snapshot, "after an intended change, run `aikit docs`"


def test_the_examples_match_their_schemas(feature: Feature) -> None:
    whole = document([feature])
    schema = response_content(whole, feature)["schema"]
    for example in (feature.example, *feature.example.get("others", {}).values()):
        validator(whole, request_schema(whole, feature)).validate(example["request"])
        validator(whole, schema).validate(example["response"])
        validator(whole, schema).validate(shorten(example["response"]))


def test_images_in_examples_are_shortened(feature: Feature) -> None:
    assert len(json.dumps(document([feature]), ensure_ascii=False)) < 40_000


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "url": st.none() | json_values,
            "img": st.none() | base64_images | st.integers(),
            "text": json_values,
            "action": st.sampled_from(["answer", "refuse", "dance", 1]),
            "work_s": st.floats(-1, 11) | json_values,
            "other": json_values,
        },
    )
)
def test_the_schema_allows_exactly_the_requests_that_the_runtime_reads(request: dict[str, Any]) -> None:
    whole = document([PROBE])
    schema = validator(whole, request_schema(whole, PROBE))
    try:
        Codec(PROBE).decode(msgspec.json.encode(request), "application/json")
        reads = True
    except InvalidRequest:
        reads = False
    assert schema.is_valid(request) == reads


@pytest.mark.parametrize("kind", FAILURES)
def test_each_failure_is_sent_as_documented(kind: type[ServingError]) -> None:
    whole = document([PROBE])
    reply = problem(kind("text: refused"), "request-1")
    responses = whole["paths"]["/probe"]["post"]["responses"]
    declared = whole["components"]["responses"][responses[str(reply.status)]["$ref"].rpartition("/")[2]]
    assert set(reply.headers) <= set(declared["headers"])
    assert f"`{kind.code}`" in declared["description"]
    schema = declared["content"][reply.content_type]["schema"]
    validator(whole, schema).validate(json.loads(reply.body))


def test_only_an_overload_documents_when_to_retry() -> None:
    responses = document([PROBE])["components"]["responses"]
    assert "Retry-After" in responses[Overloaded.__name__]["headers"]
    assert "Retry-After" not in responses[InvalidRequest.__name__]["headers"]


def test_a_bare_image_is_offered_only_to_features_that_take_one() -> None:
    words = replace(PROBE, request=Words)
    assert request_schema(document([PROBE]), PROBE, "image/*")["format"] == "binary"
    content = document([words])["paths"]["/probe"]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json", "multipart/form-data"]


def test_a_form_takes_the_image_as_a_file_and_the_rest_as_fields() -> None:
    properties = request_schema(document([PROBE]), PROBE, "multipart/form-data")["properties"]
    assert properties["img"]["format"] == "binary"
    assert properties["text"]["type"] == "string"


def test_a_shortened_example_keeps_its_shape() -> None:
    line = {"words": "x" * 200, "box": [1, 2, 3, 4]}
    short = {"words": "x" * 24 + "...", "box": [1, 2, 3, 4]}
    assert shorten([line] * 9) == [short, short]
    assert shorten({"result": "short", "faces": []}) == {"result": "short", "faces": []}
    assert shorten({"hash": [0.5] * 768, "box": [1, 2]}) == {"hash": [0.5] * 6, "box": [1, 2]}
