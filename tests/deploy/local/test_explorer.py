"""The API Explorer in a real browser, with the real gateway and its containers."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from tests.support.browser import INSTALLED, browser
from tests.support.explorer_page import FEATURES, Page, gateway

PHONE, DESK = 360, 1280  # pixels

in_browser = pytest.mark.skipif(not INSTALLED, reason="no browser: install chromium and chromium-driver")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway(tmp_path_factory.mktemp("gateway"), list(FEATURES)) as running:
        yield running


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    with browser() as opened:
        yield opened


@pytest.fixture
def page(driver: WebDriver, address: str) -> Iterator[Page]:
    opened = Page(driver, address)
    opened.resize(DESK)
    yield opened
    severe = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert [entry["message"] for entry in severe if entry["source"] != "network"] == []


@in_browser
def test_a_text_is_read_and_drawn_in_its_place(page: Page) -> None:
    page.open("general_ocr")
    page.press("try")
    assert page["call-status"].text.startswith("200 in ")
    lines = page.reply()
    assert [line["words"] for line in lines[:2]] == ["欢迎光临", "扫码点餐"]
    assert [words.rsplit(" ", 2)[0] for _, words in page.found()] == [line["words"] for line in lines]
    drawn = [polygon.get_attribute("points") for polygon in page.all("#drawn polygon")]
    assert [
        [[float(x) for x in point.split(",")] for point in (points or "").split()] for points in drawn
    ] == [line["polygon"] for line in lines]
    picture, overlay = page.all(".drawing img")[0], page.all(".drawing svg")[0]
    assert picture.rect == pytest.approx(overlay.rect, abs=1)
    page.until(lambda: page["state-general_ocr"].text == "ready")


@in_browser
@pytest.mark.parametrize(
    ("feature", "example"), [("text_similarity", "two_texts"), ("image_similarity", "pair")]
)
def test_a_similarity_is_a_bar_and_the_shown_code_makes_the_same_call(
    page: Page, feature: str, example: str
) -> None:
    page.open(feature, example)
    page.press("try")
    reply = page.reply()
    bars = {
        bar.text.split("\n")[0]: bar.find_element(By.TAG_NAME, "meter") for bar in page.all(".meters label")
    }
    assert float(bars["similarity"].get_attribute("value") or 0) == reply["similarity"]
    assert len(page.all("#drawn .pair img")) == (2 if feature == "image_similarity" else 0)
    assert page.answers(FEATURES[feature].folder) == [reply, reply]


@in_browser
def test_faces_have_a_box_and_their_landmarks(page: Page) -> None:
    page.open("face_detection", "detail")
    page.press("recorded")
    assert [len(page.all(f"#drawn .{kind}")) for kind in ("fine", "coarse")] == [106, 5]
    assert len(page.all("#drawn polygon")) == 1
    assert page.found() == [["1", "female, 33 100.0 %"]]


@in_browser
def test_objects_have_a_box_a_name_and_a_score(page: Page) -> None:
    page.open("object_recognition")
    page.press("recorded")
    assert page.found() == [["1", "cat 56.0 %"]]
    assert [text.text for text in page.all("#drawn text")] == ["1 cat"]


@in_browser
def test_an_enlarged_picture_lies_under_a_slider_with_the_original(page: Page) -> None:
    page.open("image_super_resolution", "fourfold")
    page.press("recorded")
    [slider], after = page.all(".slider input"), page.all(".before-after img")[1]
    half = after.value_of_css_property("clip-path")
    slider.send_keys(Keys.HOME)
    hidden = after.value_of_css_property("clip-path")
    assert half != hidden
    assert "before 128×96" in page["drawn"].text
    assert "after 512×384" in page["drawn"].text


@in_browser
def test_a_cut_out_person_stands_on_a_checkerboard(page: Page) -> None:
    page.open("human_image_segmentation", "foreground")
    page.press("recorded")
    [shown] = page.all(".checkerboard img")
    assert int(shown.get_attribute("naturalWidth") or 0) > 100


@in_browser
def test_parameters_are_fields_of_their_type_and_in_the_shown_code(page: Page) -> None:
    page.open("object_recognition")
    page["field-labels"].send_keys("cat\ndog")
    page["field-min_confidence"].send_keys("35.5")
    page["field-max_labels"].clear()
    page["field-max_labels"].send_keys("2")
    for part in ('"min_confidence": 35.5,', '"max_labels": 2,', '"labels": ["cat", "dog"],'):
        assert part in page["python"].text
    page.open("custom_ocr", "add")
    assert '"type": "add",' in page["python"].text
    page["field-template"].send_keys("[")
    assert page["curl"].text == "template: not JSON."


@in_browser
def test_a_picture_is_pasted_or_dropped_into_one_of_two_boxes(page: Page) -> None:
    page.open("image_similarity")
    page["two"].click()
    page.driver.execute_script(
        """const held = (name) => {
               const data = new DataTransfer();
               data.items.add(new File(["…"], name, { type: "image/png" }));
               return data;
           };
           document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held("pasted.png") }));
           const dropped = { dataTransfer: held("it's.png"), bubbles: true };
           arguments[0].dispatchEvent(new DragEvent("drop", dropped));
        """,
        page["file-img_2"],
    )
    assert '"img_1": base64.b64encode(Path("pasted.png").read_bytes()).decode(),' in page["python"].text
    assert "base64 < 'it'\\''s.png' |" in page["curl"].text


@in_browser
def test_the_error_of_a_feature_is_shown(page: Page, tmp_path: Path) -> None:
    (tmp_path / "it's.png").write_bytes(b"no picture")
    page.open("image_similarity")
    page["file-img"].send_keys(str(tmp_path / "it's.png"))
    page.until(lambda: page.all(".caption")[0].text == "The browser cannot show this image.")
    page.press("try")
    assert page["problem"].text.startswith("422 unprocessable_input: img: ")
    assert page.reply()["code"] == "unprocessable_input"
    assert page["drawn"].text == ""


@in_browser
def test_the_keyboard_alone_is_enough(page: Page) -> None:
    page.open("general_ocr")
    link = page.driver.find_element(By.CSS_SELECTOR, "[href='#text_similarity']")
    page.driver.execute_script("arguments[0].focus()", link)
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.until(lambda: page["name"].text == "Text Similarity · 文本相似度")
    page.until(lambda: "text_similarity" in page["curl"].text)
    page["preset"].send_keys("two")
    page.until(lambda: "text_2" in page["curl"].text)
    page["field-detail"].send_keys(Keys.ENTER)
    page.until(lambda: bool(page.all(".meters label")))


@in_browser
@pytest.mark.parametrize(
    ("feature", "example"), [("custom_ocr", "add"), ("face_comparison", "pair"), ("text_similarity", "first")]
)
def test_the_page_fits_a_phone(page: Page, feature: str, example: str) -> None:
    page.resize(PHONE)
    page.open(feature, example)
    page.press("recorded")
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= PHONE


@in_browser
def test_the_page_can_be_in_chinese_and_remembers_it(page: Page) -> None:
    page.open("general_ocr")
    assert page["try"].text == "Try it"
    page["language"].click()
    assert page["try"].text == "试一试"
    page.open("text_similarity")
    assert page["try"].text == "试一试"
    page["language"].click()
    assert page["try"].text == "Try it"


@in_browser
def test_a_key_can_be_entered_if_calls_need_one(driver: WebDriver, tmp_path: Path) -> None:
    with gateway(tmp_path, ["text_similarity"], "key") as running:
        page = Page(driver, running)
        page.open("text_similarity")
        page["key"].send_keys("not-a-key")
        page.press("try")
        assert page["problem"].text.startswith("403 ")
        assert '-H "x-api-key: $API_KEY"' in page["curl"].text
        assert "not-a-key" not in page["python"].text


@in_browser
def test_calls_that_need_a_signature_are_shown_but_not_made(driver: WebDriver, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"AKIDEXAMPLE": "secret"}')
    with gateway(tmp_path, ["text_similarity"], "iam") as running:
        page = Page(driver, running)
        page.open("text_similarity", "two_texts")
        assert not page["try"].is_enabled()
        assert page["iam"].is_displayed()
        credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
        answers = page.answers(tmp_path, AWS_REGION="eu-west-1", **credentials)
        examples = json.loads((FEATURES["text_similarity"].folder / "example.json").read_bytes())
        declared = examples["others"]["two_texts"]["response"]["similarity"]
        assert [answer["similarity"] for answer in answers] == [declared] * 2


@in_browser
def test_swagger_ui_shows_every_feature(page: Page) -> None:
    pytest.importorskip("swagger_ui", reason="no Swagger UI: install swagger-ui-py")
    page.driver.get(f"{page.address}/swagger")
    page.until(lambda: len(page.all(".opblock")) == len(FEATURES))


def test_the_document_names_this_gateway(address: str) -> None:
    document = httpx.get(f"{address}/openapi.json").json()
    assert document["servers"] == [{"url": "/prod"}]
    assert [path.strip("/") for path in document["paths"]] == list(FEATURES)


def test_only_files_that_an_example_names_are_served(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        sample = client.get("/examples/general-ocr/example.jpg")
        assert sample.content == (FEATURES["general_ocr"].folder / "example.jpg").read_bytes()
        assert client.get("/examples/general_ocr").json()["request"] == {"img": "@example.jpg"}
        for path in ("examples/general_ocr/model.py", "examples/barcode", "static/explorer.py"):
            assert client.get(f"/{path}").status_code == 404
        assert client.get("/examples/general_ocr/..%2Fcustom_ocr%2Fexample.jpg").is_client_error


def test_the_page_may_load_nothing_from_another_host(address: str) -> None:
    policy = httpx.get(address).headers["Content-Security-Policy"]
    assert "http" not in policy
    assert "unsafe" not in policy
