"""The API of the root template: its OpenAPI document, its authorisation, and API Gateway's own replies."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import boto3
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator
from moto import mock_aws
from openapi_spec_validator import validate

from deploy.cloudformation.openapi import model
from deploy.cloudformation.templates import ROOT, templates
from serving.errors import Problem
from serving.feature import Feature, discover, find
from serving.http import PREFLIGHT, Json
from serving.openapi import document
from tests.support.aws.cloudformation import Stack

FEATURES = list(discover().values())
TEMPLATE = templates(FEATURES)[ROOT]
PAGES = {f"/{feature.name}/tools/{{tool}}" for feature in FEATURES if (feature.folder / "tools").is_dir()}
PUBLIC = {"/explorer", "/openapi.json"} | PAGES
INTEGRATION = "x-amazon-apigateway-integration"


def body(authorization: str = "AWS_IAM") -> Json:
    parameters = {"AssetsBucket": "assets", "ImageTag": "1", "APIGatewayAuthorization": authorization}
    imported: Json = Stack(TEMPLATE, parameters).resources["Api"]["Properties"]["Body"]
    return imported


def methods(imported: Json, method: str) -> dict[str, Json]:
    return {path: item[method] for path, item in imported["paths"].items() if method in item}


@pytest.mark.parametrize("authorization", ["AWS_IAM", "API_KEY", "NONE"])
def test_the_document_is_valid(authorization: str) -> None:
    validate(body(authorization))


def test_every_name_of_a_feature_is_a_path(feature: Feature) -> None:
    posts = methods(body(), "post")
    for name in feature.names:
        assert f"${{stageVariables.{feature.feature_id}}}" in posts[f"/{name}"][INTEGRATION]["uri"]


def test_the_paths_fit_into_the_quota_of_one_api() -> None:
    steps = {path.rsplit("/", depth)[0] for path in body()["paths"] for depth in range(path.count("/"))}
    assert len(steps) <= 300, "API Gateway's default quota of resources"


@pytest.mark.parametrize(
    ("authorization", "scheme"), [("AWS_IAM", "signature"), ("API_KEY", "key"), ("NONE", None)]
)
def test_every_call_is_authorised_as_chosen(authorization: str, scheme: str | None) -> None:
    imported = body(authorization)
    posts = methods(imported, "post")
    assert len(posts) == sum(len(feature.names) for feature in FEATURES)
    for post in posts.values():
        assert post["security"] == ([{scheme: []}] if scheme else [])
    assert (
        imported["components"]["securitySchemes"]["signature"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    )


def test_only_pages_and_preflights_need_no_authorisation() -> None:
    imported = body()
    assert methods(imported, "get").keys() == PUBLIC
    assert methods(imported, "options").keys() == methods(imported, "post").keys()
    for preflight in methods(imported, "options").values():
        assert preflight["security"] == []
        assert preflight[INTEGRATION]["type"] == "mock"
        sent = preflight[INTEGRATION]["responses"]["default"]["responseParameters"]
        assert {name.rpartition(".")[2]: value.strip("'") for name, value in sent.items()} == PREFLIGHT
        assert preflight["responses"]["204"]["headers"].keys() == PREFLIGHT.keys()


def test_an_example_passes_the_validator(feature: Feature) -> None:
    schema = model(feature)
    Draft4Validator.check_schema(schema)
    for example in (feature.example, *feature.example.get("others", {}).values()):
        Draft4Validator(schema).validate(example["request"])


@pytest.mark.parametrize("request_body", [{"nope": 1}, [], "text", {"detail": "yes"}])
def test_the_validator_refuses_bodies_that_no_container_accepts(request_body: Any) -> None:
    assert not Draft4Validator(model(find("general_ocr"))).is_valid(request_body)


names = st.sampled_from(["url", "img", "type", "template", "template_id", "detail", "duration", "other"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["add", "list", "text", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=1), inner, max_size=1),
    max_leaves=3,
)


@settings(deadline=None)
@given(st.dictionaries(names, values, max_size=4))
def test_the_validator_is_no_stricter_than_the_container(request_body: Json) -> None:
    feature = find("custom_ocr")
    schema = document([feature])["components"]["schemas"]["CustomOCRRequest"]
    if Draft202012Validator(schema).is_valid(request_body):
        assert Draft4Validator(model(feature)).is_valid(request_body)


def test_failures_of_api_gateway_have_the_shape_of_all_failures() -> None:
    for kind, response in body()["x-amazon-apigateway-gateway-responses"].items():
        assert response["responseParameters"]["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        if not kind.startswith("DEFAULT_"):
            template = response["responseTemplates"]["application/json"]
            text = template.replace("$context.error.messageString", '"a message"')
            problem = msgspec.json.decode(text, type=Problem)
            assert str(problem.status) == response["statusCode"]
            assert problem.request_id == "$context.requestId"


def test_failures_of_api_gateway_have_the_statuses_of_the_containers() -> None:
    responses = body()["x-amazon-apigateway-gateway-responses"]
    statuses = {kind: int(one["statusCode"]) for kind, one in responses.items() if "statusCode" in one}
    assert statuses["INTEGRATION_TIMEOUT"] == HTTPStatus.GATEWAY_TIMEOUT
    assert statuses["REQUEST_TOO_LARGE"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert statuses["BAD_REQUEST_BODY"] == HTTPStatus.BAD_REQUEST


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a simulated API Gateway."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield boto3.client("apigateway", region_name="us-east-1")


def test_api_gateway_imports_the_document(gateway: Any) -> None:
    imported = body()
    imported["info"]["description"] = "Only the simulation needs this."
    # the simulation also needs an address and a method of a mock integration
    for preflight in methods(imported, "options").values():
        preflight[INTEGRATION] |= {"uri": "", "httpMethod": "POST"}
    api = gateway.import_rest_api(body=json.dumps(imported))["id"]
    resources = gateway.get_resources(restApiId=api, limit=500)["items"]
    found = {item["path"]: set(item.get("resourceMethods", ())) for item in resources}
    for path, item in imported["paths"].items():
        assert found[path] == {method.upper() for method in item}
    (posted,) = [item["id"] for item in resources if item["path"] == "/general_ocr"]
    integration = gateway.get_integration(restApiId=api, resourceId=posted, httpMethod="POST")
    assert integration["timeoutInMillis"] == 29000
