"""A headless Chromium, and the actions of a user of the template editor."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
INSTALLED = bool(CHROMIUM and DRIVER)

Point = tuple[float, float]


@contextmanager
def browser() -> Iterator[WebDriver]:
    """Starts a headless browser in English, with a window of 1280x800 pixels."""
    options = Options()
    options.binary_location = CHROMIUM or ""
    # --no-sandbox: CI runs as root; --disable-dev-shm-usage: /dev/shm is small in a container
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(argument)
    options.add_argument("--window-size=1280,800")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = WebDriver(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Editor:
    """The template editor at `address`/tools/template-editor. Points are in pixels of the image."""

    def __init__(self, driver: WebDriver, address: str) -> None:
        self.driver = driver
        self._wait = WebDriverWait(driver, 30, poll_frequency=0.05)
        permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        driver.execute_cdp_cmd("Browser.grantPermissions", {"origin": address, "permissions": permissions})
        driver.get(f"{address}/tools/template-editor")

    def __getitem__(self, id: str) -> WebElement:
        return self.driver.find_element(By.ID, id)

    def open(self, image: Path, *, of: str = "image") -> None:
        """Opens an image. of: "image" for the template, "query" for the photograph."""
        shown = self["image" if of == "image" else "query-image"]
        before = shown.get_attribute("src")
        self[f"{of}-file"].send_keys(str(image))
        self.until(lambda: shown.get_attribute("src") != before and shown.is_displayed())

    def drag(self, start: Point, end: Point) -> None:
        pointer = ActionBuilder(self.driver, duration=20)
        pointer.pointer_action.move_to_location(*self._on_screen(start)).pointer_down()
        pointer.pointer_action.move_to_location(*self._on_screen(end)).pointer_up()
        pointer.perform()

    def double_click(self, point: Point) -> None:
        pointer = ActionBuilder(self.driver, duration=20)
        pointer.pointer_action.move_to_location(*self._on_screen(point)).double_click()
        pointer.perform()

    def name(self, name: str) -> None:
        """Enters a name in the dialog."""
        self["name"].clear()
        self["name"].send_keys(name, Keys.ENTER)

    def draw(self, start: Point, end: Point, name: str) -> None:
        self.drag(start, end)
        self.name(name)

    def press(self, *keys: str, held: Sequence[str] = ()) -> None:
        """Sends keys to the element with the focus, while other keys are held."""
        chain = ActionChains(self.driver, duration=0)
        for key in held:
            chain.key_down(key)
        chain.send_keys(*keys)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def click(self, id: str) -> None:
        """Clicks a button, and waits until its action ends."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self[id])
        self[id].click()
        self.until(lambda: self[id].get_attribute("aria-busy") != "true")

    def unfold(self, id: str) -> None:
        """Opens the details that contain the element."""
        self.driver.execute_script("arguments[0].closest('details').open = true", self[id])

    def until(self, condition: Callable[[], bool]) -> None:
        self._wait.until(lambda _: condition())

    def fields(self) -> list[str]:
        """The names in the list of fields."""
        return [name.text for name in self["fields"].find_elements(By.TAG_NAME, "b")]

    def body(self) -> Any:
        """The request body, read from the clipboard."""
        self.click("copy")
        assert self["create-status"].text == "Copied."
        script = "navigator.clipboard.readText().then(arguments[0])"
        return json.loads(self.driver.execute_async_script(script))

    def template(self) -> list[tuple[list[list[float]], str]]:
        """The corners and the name of each field in the request body."""
        return [(corners, name) for corners, name in self.body()["template"]]

    def complaints(self) -> list[str]:
        """The errors of the page, such as a blocked script, without error replies of the server."""
        severe = [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [entry["message"] for entry in severe if entry["source"] != "network"]

    def _on_screen(self, point: Point) -> tuple[int, int]:
        script = """const image = arguments[0], {left, top, width} = image.getBoundingClientRect();
                    return [left, top, width / image.naturalWidth]"""
        left, top, scale = self.driver.execute_script(script, self["image"])
        return round(left + point[0] * scale), round(top + point[1] * scale)
