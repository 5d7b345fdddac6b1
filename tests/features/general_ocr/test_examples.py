"""general_ocr and general_ocr_traditional read the text of their example pictures."""

import msgspec
import pytest

from benchmarks.ocr import character_error
from serving.feature import Feature, find
from tests.support.ask import Ask

FEATURES = ["general_ocr", "general_ocr_traditional"]


def picture(feature: Feature) -> bytes:
    return (feature.folder / "example.jpg").read_bytes()


@pytest.mark.parametrize("name", FEATURES)
def test_every_printed_line_is_read(name: str, ask: Ask) -> None:
    feature = find(name)
    (reply,) = ask(feature, picture(feature), content_type="image/jpeg")
    printed = (feature.folder / "example.txt").read_text().split("\n")
    read = [line["words"] for line in msgspec.json.decode(reply.body)]
    assert character_error([read], [[line for line in printed if line]]) <= 0.01


def test_traditional_characters_stay_traditional(ask: Ask) -> None:
    feature = find("general_ocr_traditional")
    (reply,) = ask(feature, picture(feature), content_type="image/jpeg")
    text = "".join(line["words"] for line in msgspec.json.decode(reply.body))
    assert set("雲來營業時間親愛顧客龍鳳麵餐廳") <= set(text)
    assert not set("云来营业时间亲爱顾龙凤面厅") & set(text)


@pytest.mark.parametrize("name", FEATURES)
def test_locations_are_the_bounding_boxes_of_polygons_inside_the_picture(name: str, ask: Ask) -> None:
    feature = find(name)
    (reply,) = ask(feature, picture(feature), content_type="image/jpeg")
    width, height = (960, 1280) if name == "general_ocr" else (1280, 960)
    for line in msgspec.json.decode(reply.body):
        box, xs, ys = line["location"], *zip(*line["polygon"], strict=True)
        assert (box["left"], box["top"]) == (int(min(xs)), int(min(ys)))
        assert box["left"] + box["width"] >= max(xs)
        assert box["top"] + box["height"] >= max(ys)
        assert 0 <= min(xs) < max(xs) <= width
        assert 0 <= min(ys) < max(ys) <= height
        assert 0.5 <= line["score"] <= 1


def test_the_duration_is_the_last_element_when_requested(ask: Ask) -> None:
    feature = find("general_ocr")
    body = msgspec.json.encode({**feature.example["request"], "duration": True})
    (reply,) = ask(feature, body)
    *lines, last = msgspec.json.decode(reply.body)
    assert len(lines) == len(feature.example["response"])
    assert 0 < last["duration"] < 60


def test_the_reply_for_a_picture_without_text_is_an_empty_list(ask: Ask) -> None:
    import io

    from PIL import Image

    blank = io.BytesIO()
    Image.new("RGB", (300, 200), "grey").save(blank, "PNG")
    (reply,) = ask(find("general_ocr"), blank.getvalue(), content_type="image/png")
    assert (reply.status, reply.body) == (200, b"[]")
