"""Tests of text similarity as callers see it, with the profile `lite`."""

import io
import json
import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aikit.main import main
from containers.text_similarity.feature import MAX_CHARACTERS, MAX_TEXTS
from containers.text_similarity.lexical import LIMIT
from deploy.documents.feature_page import reference
from serving.feature import find
from serving.http import Json
from tests.support.ask import Ask

FEATURE = find("text_similarity")
TEXTS = [
    "今天天气很好，适合出去散步。",
    "The weather is lovely today.",
    "今日はとても良い天気です。",
    "الطقس جميل جدا اليوم",
    "Сегодня прекрасная погода",
    "วันนี้อากาศดีมาก",
    "오늘은 날씨가 좋네요",
    "आज मौसम बहुत अच्छा है",
    "☀️👨‍👩‍👧🇨🇳",
    "？！……",
    "x",
    "3.14159",
]


def answer_to(ask: Ask, **request: object) -> Json:
    (reply,) = ask(FEATURE, msgspec.json.encode(request))
    assert reply.status == 200, reply.body
    answer: Json = msgspec.json.decode(reply.body)
    return answer


def refused(ask: Ask, body: bytes) -> str:
    """Checks that a request is refused with status 400, and returns the detail."""
    (reply,) = ask(FEATURE, body)
    assert reply.status == 400, reply.body
    return str(msgspec.json.decode(reply.body)["detail"])


def test_the_other_examples_are_answered_as_declared(ask: Ask) -> None:
    for example in FEATURE.example["others"].values():
        answer = answer_to(ask, **example["request"])
        assert answer.keys() == example["response"].keys()
        for key, expected in example["response"].items():
            if key == "model_version":
                assert answer[key] == expected
            else:
                np.testing.assert_allclose(answer[key], expected, atol=1e-5)


def test_one_text_becomes_a_vector_of_768_numbers_and_length_1(ask: Ask) -> None:
    answer = answer_to(ask, text=TEXTS[0])
    assert list(answer) == ["result", "truncated", "model_version"]
    assert len(answer["result"]) == 768
    assert math.hypot(*answer["result"]) == pytest.approx(1, abs=1e-4)
    assert all(round(number, 6) == number for number in answer["result"])
    assert answer["truncated"] is False


def test_two_texts_give_their_similarity_and_on_request_the_cosine(ask: Ask) -> None:
    pair = {"text_1": "如何办理信用卡？", "text_2": "信用卡怎么申请？"}
    plain, detailed = answer_to(ask, **pair), answer_to(ask, **pair, detail=True)
    assert list(plain) == ["similarity", "truncated", "model_version"]
    assert detailed["similarity"] == plain["similarity"] == round((1 + detailed["cosine"]) / 2, 6)
    first, second = (answer_to(ask, text=text)["result"] for text in pair.values())
    assert np.dot(first, second) == pytest.approx(detailed["cosine"], abs=1e-5)
    assert plain["similarity"] > 0.7


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_any_language_has_similarity_1_to_itself(text: str, ask: Ask) -> None:
    assert answer_to(ask, text_1=text, text_2=text, detail=True)["cosine"] == 1
    assert answer_to(ask, text_1=text, text_2=text)["similarity"] == 1


def test_many_texts_in_one_call_give_the_same_as_each_alone_in_order(ask: Ask) -> None:
    together = answer_to(ask, texts=TEXTS)
    assert together["results"] == [answer_to(ask, text=text)["result"] for text in TEXTS]
    assert together["truncated"] == [False] * len(TEXTS)
    reversed_ = answer_to(ask, texts=TEXTS[::-1])
    assert reversed_["results"] == together["results"][::-1]


def test_requests_of_every_kind_share_a_batch(ask: Ask) -> None:
    requests: list[Json] = [
        {"texts": TEXTS},
        {"text": TEXTS[1]},
        {"text_1": TEXTS[0], "text_2": TEXTS[2]},
        {"texts": [TEXTS[3]]},
    ]
    replies = ask(FEATURE, *map(msgspec.json.encode, requests * 4))
    alone = [answer_to(ask, **request) for request in requests]
    assert [msgspec.json.decode(reply.body) for reply in replies] == alone * 4


def test_as_many_texts_as_documented_are_accepted(ask: Ask) -> None:
    texts = [f"第{index}句话" for index in range(MAX_TEXTS)]
    assert len(answer_to(ask, texts=texts)["results"]) == MAX_TEXTS
    detail = refused(ask, msgspec.json.encode({"texts": [*texts, "多"]}))
    assert detail.startswith("texts: ")
    assert str(MAX_TEXTS) in detail


def test_a_text_over_the_limit_is_cut_and_reported_as_truncated(ask: Ask) -> None:
    beginning, longer = "好" * LIMIT, "好" * LIMIT + "坏天气"
    whole, cut = answer_to(ask, text=beginning), answer_to(ask, text=longer)
    assert (whole["truncated"], cut["truncated"]) == (False, True)
    assert whole["result"] == cut["result"]
    assert answer_to(ask, texts=["短", longer])["truncated"] == [False, True]
    assert answer_to(ask, text_1="短", text_2=longer)["truncated"] is True
    assert answer_to(ask, text=" " * LIMIT + "短")["truncated"] is False


def test_a_text_is_accepted_up_to_the_documented_length(ask: Ask) -> None:
    answer_to(ask, text="字" * MAX_CHARACTERS)
    detail = refused(ask, msgspec.json.encode({"text": "字" * (MAX_CHARACTERS + 1)}))
    assert detail.startswith("text: ")
    assert str(MAX_CHARACTERS) in detail


@pytest.mark.parametrize(
    "nothing", ["", " ", "\t\r\n", "\u3000\u00a0", "\u200b\ufeff", "\0\x1b\x7f", "\ufe0f"]
)
def test_a_text_without_visible_characters_is_refused_with_its_field(nothing: str, ask: Ask) -> None:
    for field, request in {
        "text": {"text": nothing},
        "text_2": {"text_1": "好", "text_2": nothing},
        "texts[1]": {"texts": ["好", nothing]},
    }.items():
        assert refused(ask, msgspec.json.encode(request)).startswith(f"{field}: empty")


@pytest.mark.parametrize("wrong", [5, 1.5, True, ["好"], {"好": 1}])
def test_a_value_that_is_no_text_is_refused_with_its_field(wrong: object, ask: Ask) -> None:
    for field, request in {
        "text": {"text": wrong},
        "text_1": {"text_1": wrong, "text_2": "好"},
        "texts": {"texts": [wrong]},
    }.items():
        assert refused(ask, msgspec.json.encode(request)).startswith(field)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ({}, "none"),
        ({"text": None}, "none"),
        ({"detail": True}, "none"),
        ({"text_1": "好"}, "given: text_1"),
        ({"text_2": "好"}, "given: text_2"),
        ({"text": "好", "text_1": "好", "text_2": "好"}, "given: text, text_1, text_2"),
        ({"text": "好", "texts": ["好"]}, "given: text, texts"),
        ({"texts": ["好"], "text_2": "好"}, "given: text_2, texts"),
    ],
)
def test_kinds_of_request_are_not_mixed(request_: Json, fault: str, ask: Ask) -> None:
    detail = refused(ask, msgspec.json.encode(request_))
    assert detail.startswith("text, text_1, text_2, texts: ")
    assert fault in detail


def test_an_empty_list_of_texts_is_refused(ask: Ask) -> None:
    assert refused(ask, b'{"texts": []}').startswith("texts: ")


@pytest.mark.parametrize(
    "body", [rb'{"text": "\ud800"}', b'{"text": "\xed\xa0\x80"}', rb'{"text": "\udc00x"}']
)
def test_half_a_surrogate_pair_is_refused(body: bytes, ask: Ask) -> None:
    refused(ask, body)


def test_control_characters_count_as_spaces(ask: Ask) -> None:
    assert (
        answer_to(ask, text="今天\0天气\u200b很好\x07")["result"]
        == answer_to(ask, text="今天 天气 很好")["result"]
    )


@given(text=st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_vector_or_a_refusal(text: str, ask: Ask) -> None:
    body = json.dumps({"text": text}).encode()
    (reply,) = ask(FEATURE, body)
    assert reply.status in (200, 400)
    if reply.status == 200:
        assert math.hypot(*msgspec.json.decode(reply.body)["result"]) == pytest.approx(1, abs=1e-4)


def test_a_form_may_carry_the_texts(ask: Ask) -> None:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"text_1": "好天气", "text_2": "好天气", "detail": "true"}.items()
    )
    (reply,) = ask(FEATURE, f"{parts}--b--\r\n".encode(), content_type="multipart/form-data; boundary=b")
    assert msgspec.json.decode(reply.body)["cosine"] == 1


def test_an_image_as_body_is_refused(ask: Ask) -> None:
    (reply,) = ask(FEATURE, b"\xff\xd8\xff", content_type="image/jpeg")
    assert reply.status == 415
    assert b"image/*" not in reply.body


def test_the_reference_page_does_not_mention_images() -> None:
    page = reference(FEATURE)
    assert "aikit call text_similarity --url http://localhost:8080 --json -" in page
    assert all(word not in page for word in ("photo", "images", "By address", "<!-- "))


def test_the_command_line_sends_a_json_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO('{"text_1": "好", "text_2": "好"}'.encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SystemExit) as ended:
        main(["call", "text_similarity", "--json", "-"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["similarity"] == 1
