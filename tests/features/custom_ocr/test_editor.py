"""The template editor in a real browser, with the real container."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from selenium.webdriver import Keys
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By

from aikit.client import Container, container
from serving.images.drawing import FONT
from tests.support.browser import INSTALLED, Editor, browser

pytestmark = pytest.mark.skipif(not INSTALLED, reason="no browser: install chromium and chromium-driver")

SIZE = 640, 400
TEXTS = {
    (40, 30): "北京植物园 门票",
    (40, 110): "Ticket 20261121",
    (40, 190): "Visitor Ada Lovelace",
    (40, 270): "Gate C7",
    (360, 110): "Row 12 Seat 34",
    (360, 270): "Price 45.00",
}
NUMBER, VISITOR = ((30, 100), (330, 150)), ((30, 180), (380, 235))


@pytest.fixture(scope="module")
def ticket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = Image.new("RGB", SIZE, "white")
    font = ImageFont.truetype(str(FONT), 32)
    for place, text in TEXTS.items():
        ImageDraw.Draw(image).text(place, text, "black", font)
    path = tmp_path_factory.mktemp("images") / "ticket.png"
    image.save(path)
    return path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    store = tmp_path_factory.mktemp("templates")
    with container("custom_ocr", environ={"AIKIT_TEMPLATE_STORE": str(store)}) as running:
        yield running


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    with browser() as opened:
        yield opened


@pytest.fixture
def editor(driver: WebDriver, served: Container, ticket: Path) -> Iterator[Editor]:
    """The page with the image of a ticket, 640x400 px, shown at its actual size."""
    opened = Editor(driver, served.url)
    opened.open(ticket)
    yield opened
    assert opened.complaints() == []


def corners(box: tuple[tuple[float, float], tuple[float, float]]) -> list[list[float]]:
    (left, top), (right, bottom) = box
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


@pytest.mark.parametrize("zoom", ["", "++"], ids=["actual size", "larger"])
def test_the_request_has_the_fields_that_are_drawn(editor: Editor, ticket: Path, zoom: str) -> None:
    boxes = {"编号": ((200, 120), (330, 170)), "Visitor": ((190, 190), (380, 235))}
    editor.press(*zoom)
    for name, box in boxes.items():
        editor.draw(*box, name)
    body = editor.body()
    assert body["type"] == "add"
    assert base64.b64decode(body["img"]) == ticket.read_bytes()
    assert [name for _, name in body["template"]] == list(boxes)
    drawn = np.array([points for points, _ in body["template"]])
    assert np.abs(drawn - [corners(box) for box in boxes.values()]).max() <= 1


def test_the_keyboard_alone_can_add_and_change_a_field(editor: Editor) -> None:
    editor.press("n")
    editor.name("Seat")
    [(added, _)] = editor.template()
    editor["viewport"].send_keys(Keys.ARROW_RIGHT * 3, Keys.ARROW_UP)
    editor.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, held=[Keys.CONTROL])
    editor.press(Keys.ARROW_RIGHT, held=[Keys.SHIFT])
    (left, top), (right, bottom) = added[0], added[2]
    moved = corners(((left + 13, top + 9), (right + 14, bottom + 9)))
    assert editor.template() == [(moved, "Seat")]

    editor["viewport"].send_keys("2", Keys.ARROW_UP)
    moved[1][1] -= 1
    editor["viewport"].send_keys(Keys.ENTER)
    editor.name("Chair")
    assert editor.template() == [(moved, "Chair")]

    editor["viewport"].send_keys("n")
    editor.name("Row")
    editor["viewport"].send_keys("[", Keys.DELETE)
    assert editor.fields() == ["Row"]
    editor.press("z", held=[Keys.CONTROL])
    assert editor.fields() == ["Chair", "Row"]
    editor.press("y", held=[Keys.CONTROL])
    assert editor.fields() == ["Row"]


def test_a_field_is_moved_and_reshaped_with_the_pointer(editor: Editor) -> None:
    editor.draw((100, 100), (200, 150), "Row")
    editor.drag((150, 140), (160, 160))  # the field
    editor.drag((210, 145), (260, 190))  # its right side
    editor.drag((110, 120), (90, 110))  # its top-left corner
    editor.drag((260, 170), (40, 130))  # its bottom-right corner, to a place where the shape would be wrong
    editor.double_click((150, 150))
    editor.name("Seat")
    [(points, name)] = editor.template()
    assert name == "Seat"
    others, dragged = np.array(points[:2] + points[3:]), points[2]
    assert np.abs(others - [[90, 110], [260, 120], [110, 170]]).max() <= 1
    assert dragged[0] > 100


def test_a_name_must_be_unique(editor: Editor) -> None:
    editor.draw(*NUMBER, "Number")
    editor.draw(*VISITOR, "Number")
    assert editor["name-fault"].text == "Another field has this name."
    editor.name(" ")
    assert editor["name-fault"].text == "Enter a name."
    editor.name("Visitor")
    assert editor.fields() == ["Number", "Visitor"]


def test_a_template_that_the_server_would_refuse_is_not_sent(editor: Editor) -> None:
    editor.click("create")
    assert editor["create-status"].text == "Draw at least one field."
    crossed, outside = [[10, 10], [90, 60], [90, 10], [10, 60]], corners(((0, 0), (700, 9)))
    editor.unfold("import")
    editor["import-text"].send_keys(json.dumps([[crossed, "Number"], [outside, "Row"]]))
    editor.click("import")
    assert "The shape is not convex" in editor["fields"].text
    assert "A corner is outside the image." in editor["fields"].text
    editor.click("create")
    assert editor["create-status"].text == "Correct the fields marked in the list."


def test_a_photograph_taken_sideways_is_shown_upright(editor: Editor, ticket: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: rotate clockwise, to 400x640
    with Image.open(ticket) as image:
        image.save(tmp_path / "sideways.jpg", exif=exif)
    editor.open(tmp_path / "sideways.jpg")
    editor.draw((100, 500), (300, 600), "Below")
    [(points, _)] = editor.template()
    assert np.abs(np.array(points) - corners(((100, 500), (300, 600)))).max() <= 2


def test_a_template_is_created_used_and_deleted(editor: Editor, ticket: Path) -> None:
    editor.draw(*NUMBER, "Number")
    editor.draw(*VISITOR, "Visitor")
    editor.click("create")
    id = editor["created-id"].text
    assert re.fullmatch(r"[0-9a-f]{40}", id), editor["create-status"].text

    editor.open(ticket, of="query")
    editor.click("query")
    assert editor["query-status"].text == "2 of 2 fields were read."
    rows = [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "th, td")]
            for row in editor["values"].find_elements(By.CSS_SELECTOR, "tbody tr")]  # fmt: skip
    drawn = [text.text for text in editor["query-overlay"].find_elements(By.TAG_NAME, "text")]
    assert [row[:2] for row in rows] == [["Number", TEXTS[40, 110]], ["Visitor", TEXTS[40, 190]]]
    assert drawn == [row[1] for row in rows]
    assert all(float(row[2]) > 90 for row in rows)

    editor.click("refresh")
    row = editor["templates"].find_element(By.CSS_SELECTOR, f"[data-id='{id}']")
    assert "Number, Visitor" in row.text
    row.find_elements(By.TAG_NAME, "button")[1].click()
    editor.driver.switch_to.alert.accept()
    editor.until(lambda: editor["templates-status"].text == "Deleted.")
    assert id[:12] not in editor["templates"].text
    editor.click("query")
    assert editor["query-status"].text.startswith("404: template_id: ")


def test_an_address_is_sent_instead_of_the_image(editor: Editor) -> None:
    editor.draw(*NUMBER, "Number")
    editor.unfold("address")
    editor["address"].send_keys("https://example.com/ticket.png")
    assert editor.body() == {
        "type": "add",
        "url": "https://example.com/ticket.png",
        "template": [[points, name] for points, name in editor.template()],
    }


def test_the_page_can_be_in_chinese_and_remembers_it(editor: Editor) -> None:
    editor.draw(*NUMBER, "Number")
    assert editor["create"].text == "Create template"
    editor.click("language")
    assert editor["create"].text == "创建模板"
    assert editor["viewport"].get_attribute("aria-label") == "文档图片：在此框选字段"
    editor.driver.refresh()
    assert editor["create"].text == "创建模板"
    editor.click("language")
    assert editor["create"].text == "Create template"
