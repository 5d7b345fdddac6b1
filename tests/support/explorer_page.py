"""A gateway with its containers, and the actions of a user of its API Explorer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from deploy.local.app import app
from deploy.local.fleet.fleet import Fleet
from deploy.local.options import Auth, Options
from serving.feature import discover
from serving.settings import Settings

from .servers import fleet_server

FEATURES = discover()


@contextmanager
def gateway(folder: Path, names: Sequence[str], auth: Auth = "none") -> Iterator[str]:
    """Runs a gateway, and yields its address."""
    options = Options(auth=auth, keys=folder / "keys.json", usage=folder / "usage.sqlite")
    fleet = Fleet([FEATURES[name] for name in names], Settings.read(), memory_mb=8000, most=3)
    with fleet_server(fleet, lambda port: app(fleet, replace(options, port=port)).routes) as address:
        yield address


class Page:
    """The API Explorer in a browser."""

    def __init__(self, driver: WebDriver, address: str) -> None:
        self.driver = driver
        self.address = address

    def __getitem__(self, id: str) -> WebElement:
        return self.driver.find_element(By.ID, id)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def open(self, feature: str, example: str = "first") -> None:
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}/#{feature}")
        self.until(lambda: self["panel"].is_displayed() and bool(self["curl"].text))
        if example != "first":
            before = self["curl"].text
            self.driver.find_element(By.CSS_SELECTOR, f"#preset [value={example}]").click()
            self.until(lambda: self["curl"].text != before)

    def press(self, id: str) -> None:
        """Presses a button, and waits for the reply that it shows."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", self[id])
        self[id].click()
        self.until(lambda: self["reply"].is_displayed() and self["try"].is_enabled())

    def until(self, condition: Callable[[], bool]) -> None:
        WebDriverWait(self.driver, 120, poll_frequency=0.05).until(lambda _: condition())

    def resize(self, width: int) -> None:
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)

    def found(self) -> list[list[str]]:
        """The rows of the table of results: number, words, score."""
        return [row.text.split("\n")[0].split(" ", 1) for row in self.all("#drawn tbody tr")]

    def answers(self, folder: Path, **environ: str) -> list[Any]:
        """The replies to the curl code and to the Python code, which run in the folder."""
        python = self["python"].text.replace("print(reply.json())", "print(reply.text)")
        commands = ["sh", "-c", self["curl"].text], [sys.executable, "-c", python]
        env = {**os.environ, **environ}
        return [json.loads(subprocess.check_output(lines, cwd=folder, env=env)) for lines in commands]

    def reply(self) -> Any:
        """The reply, if the page does not shorten it."""
        return json.loads(self["json"].text)
