"""custom_ocr stores templates, finds them in photographs, and reads their fields or refuses the image."""

import base64
import json
from http import HTTPStatus
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from benchmarks.documents import DOCUMENTS, photograph
from benchmarks.templates import attempt, shots, template_of
from containers.custom_ocr.alignment import features
from containers.general_ocr.reader import TextReader
from serving.arrays import Pixels
from serving.feature import find
from serving.images.intake import Media
from tests.support.ask import Ask
from tests.support.paths import SHARED

FEATURE = find("custom_ocr")
FOLDER = FEATURE.folder
EXAMPLES = FEATURE.example["others"]
UNKNOWN = "0" * 40


@pytest.fixture
def call(ask: Ask) -> Any:
    """Returns a function that sends a request and returns the status and body of the reply."""

    def call(**request: Any) -> tuple[int, Any]:
        (reply,) = ask(FEATURE, msgspec.json.encode(request))
        return reply.status, json.loads(reply.body)

    return call


@pytest.fixture
def template_id(call: Any) -> Any:
    """The id of the documented template, which is deleted at the end of the test if it still exists."""
    status, body = call(**EXAMPLES["add"]["request"])
    assert status == HTTPStatus.OK
    yield body["template_id"]
    call(type="del", template_id=body["template_id"])


def page() -> Pixels:
    """Returns the image of the documented template, (H, W, 3) RGB."""
    return Media().decode((FOLDER / "template.png").read_bytes())


def png(image: Pixels) -> str:
    """Encodes an (H, W, 3) RGB image as PNG in base64."""
    return base64.b64encode(cv2.imencode(".png", image[:, :, ::-1])[1].tobytes()).decode()


def test_a_template_is_added_listed_queried_and_deleted_as_documented(call: Any) -> None:
    assert call(**EXAMPLES["add"]["request"]) == (200, EXAMPLES["add"]["response"])
    assert call(**EXAMPLES["list"]["request"]) == (200, EXAMPLES["list"]["response"])
    template_id = EXAMPLES["add"]["response"]["template_id"]
    status, values = call(template_id=template_id, img=FEATURE.example["request"]["img"])
    assert (status, [field["value"] for field in values]) == (200, ["77402195", "周明远", "46.50"])
    assert call(**EXAMPLES["del"]["request"]) == (200, EXAMPLES["del"]["response"])
    assert call(type="list") == (200, {"template_id_list": [], "template": []})
    status, problem = call(template_id=template_id, img=FEATURE.example["request"]["img"])
    assert (status, problem["code"]) == (404, "not_found")
    assert template_id in problem["detail"]
    assert "was deleted" in problem["detail"]
    assert call(type="del", template_id=template_id)[0] == 404


def test_the_same_template_has_the_same_id_in_another_file_format_and_as_a_string(
    call: Any, template_id: str
) -> None:
    request = EXAMPLES["add"]["request"]
    bitmap = cv2.imencode(".bmp", page()[:, :, ::-1])[1]
    again = {
        **request,
        "img": base64.b64encode(bitmap.tobytes()).decode(),
        "template": json.dumps(request["template"]),
    }
    assert call(**again) == (200, {"template_id": template_id})
    other = {**request, "template": request["template"][:2]}
    _, body = call(**other)
    assert body["template_id"] != template_id
    assert call(type="del", template_id=[body["template_id"]]) == (
        200,
        {"template_id": [body["template_id"]]},
    )


def test_lines_and_duration_are_in_the_reply_when_requested(call: Any, template_id: str) -> None:
    image = FEATURE.example["request"]["img"]
    _, plain = call(template_id=template_id, img=image)
    assert all(set(field) == {"key", "value", "score", "position"} for field in plain)
    _, (*fields, last) = call(template_id=template_id, img=image, detail=True, duration=True)
    assert [field["lines"] for field in fields] == [["77402195"], ["周明远"], ["46.50"]]
    assert 0 < last["duration"] < 60


@pytest.mark.parametrize(
    ("request_", "status", "detail"),
    [
        (
            {"type": "query", "img": "@"},
            400,
            "template_id: one id is required when type is query (the default)",
        ),
        ({"template_id": ["0" * 40], "img": "@"}, 400, "template_id: one id is required"),
        ({"template_id": UNKNOWN, "img": "@"}, 404, f"template_id: no template '{UNKNOWN}'"),
        ({"template_id": "../../etc/passwd", "img": "@"}, 400, "template_id: expected 40 hexadecimal digits"),
        ({"type": "del"}, 400, "template_id: required when type is del"),
        ({"type": "del", "template_id": UNKNOWN}, 404, f"template_id: no template '{UNKNOWN}'"),
        ({"type": "add", "img": "@"}, 400, "template: required when type is add"),
        ({"type": "add", "template": []}, 400, "url, img: one of the two is required"),
        ({"type": "add", "img": "@", "template": "[nonsense"}, 400, "template: JSON is malformed"),
        ({"type": "add", "img": "@", "template": []}, 422, "template: 0 fields, at least 1"),
        (
            {"type": "add", "img": "@", "template": [[[[0, 0], [9999, 0], [9999, 9], [0, 9]], "name"]]},
            422,
            "template[0] 'name': the top-right corner (9999, 0) is outside the image of 900x560 px",
        ),
        ({"type": "drop"}, 400, "type: invalid enum value 'drop'"),
    ],
)
def test_the_error_of_a_wrong_request_names_the_field_and_the_fault(
    call: Any, request_: dict[str, Any], status: int, detail: str
) -> None:
    if "img" in request_:
        request_ = {**request_, "img": EXAMPLES["add"]["request"]["img"]}
    actual, problem = call(**request_)
    assert actual == status
    assert problem["detail"].startswith(detail)


def test_an_image_alone_is_not_a_request(ask: Ask) -> None:
    (reply,) = ask(FEATURE, (FOLDER / "example.jpg").read_bytes(), content_type="image/jpeg")
    assert reply.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("kind", ["another document", "a blank page", "noise", "too few pixels"])
def test_an_image_without_the_document_is_refused(call: Any, template_id: str, kind: str) -> None:
    rng = np.random.default_rng(1)
    ticket = DOCUMENTS["train_ticket"]
    image = {
        "another document": photograph(ticket.render(ticket.values(rng)), rng)[0],
        "a blank page": np.full((600, 900, 3), 240, np.uint8),
        "noise": rng.integers(0, 256, (600, 900, 3), np.uint8),
        "too few pixels": np.full((2, 2, 3), 9, np.uint8),
    }[kind]
    status, problem = call(template_id=template_id, img=png(image))
    assert (status, problem["code"]) == (422, "unprocessable_input")
    assert problem["detail"].startswith("img: the template cannot be aligned with this image reliably")


def test_an_emptied_field_is_empty_with_score_0(call: Any, template_id: str) -> None:
    emptied = page()
    emptied[168:222, 180:440] = 245  # the sender
    _, values = call(template_id=template_id, img=png(emptied))
    assert [(field["value"], field["score"] > 0) for field in values] == [
        ("31408526", True),
        ("", False),
        ("18.00", True),
    ]


def test_a_document_is_read_upside_down(call: Any, template_id: str) -> None:
    turned = np.asarray(cv2.rotate(page(), cv2.ROTATE_180), np.uint8)
    _, values = call(template_id=template_id, img=png(turned))
    assert [field["value"] for field in values] == ["31408526", "林小满", "18.00"]


def test_a_photograph_of_a_real_telephone_is_read(call: Any) -> None:
    folder = SHARED / "images" / "custom_ocr"
    if not folder.is_dir():
        pytest.skip(f"no real document: {folder} does not exist")

    def img(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    template = json.loads((folder / "template.json").read_text("utf-8"))
    _, added = call(type="add", img=img("template.png"), template=template)
    status, values = call(**added, img=img("query.jpeg"))
    call(type="del", **added)
    assert status == HTTPStatus.OK
    assert [field["key"] for field in values] == ["手机号码", "更新时间", "途经地区"]
    telephone, time, places = (field["value"] for field in values)
    assert telephone == "134****的动态行程卡"  # four digits are painted over
    assert time == "2022.06.09 15:17:08"
    assert places.replace(":", "：").replace(",", "，") == (
        "您于前14天内到达或途经：北京市* (注：*表示当前该城市存在中风险或高风险地区，"
        "并不表示用户实际到访过这些中高风险地区。)"
    )


@pytest.mark.parametrize("name", ["taxi_receipt", "voucher"], ids=["much print", "a drawing"])
def test_fields_of_rendered_documents_are_read(name: str, reader: TextReader) -> None:
    (shot,) = shots(DOCUMENTS[name], 1)
    result = attempt(reader, template_of(DOCUMENTS[name], reader), shot)
    assert (result.found, result.by_text, result.wrong) == (True, False, [])


def test_texts_find_a_document_that_local_features_do_not_find(reader: TextReader) -> None:
    (shot,) = shots(DOCUMENTS["taxi_receipt"], 1)
    template = template_of(DOCUMENTS["taxi_receipt"], reader)
    no_features = features(np.zeros((9, 9, 3), np.uint8))
    result = attempt(reader, template._replace(features=no_features), shot)
    assert (result.found, result.by_text, result.wrong) == (True, True, [])
