"""The real page, served by the real command, in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.common.exceptions import JavascriptException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from vinovits.page.words import read_words

PATIENCE = 200.0
"""Seconds that a test waits for what must come."""

TABS = ("speak", "read", "book", "voices", "lexicon", "train", "status")

_START = """
import json, socket, sys
real = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        print("ABROAD", address, file=sys.stderr, flush=True)
        raise OSError("tests don't go abroad")
    return real(self, address)
socket.socket.connect = connect
from vinovits.cli import main
main()
"""
"""Runs the command, and tells of connections that leave the machine."""


@dataclass
class Served:
    """A server in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> float:
        """End it as a service manager does; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.log.read_text()
        return time.monotonic() - began


def serve(folder: Path, *options: str, data: Path) -> Served:
    """Start `vinovits serve` with the voices of a folder, and wait until it can speak."""
    log = data / "log.txt"
    environment = {**os.environ, "VINOVITS_DATA": str(data), "TMPDIR": str(data)}
    command = [sys.executable, "-c", _START, "serve", "--port", "0", "--voices", str(folder)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--voice", "tiny", *options], stderr=stream, env=environment
        )
    end = time.monotonic() + PATIENCE
    while "The voice tiny is loaded" not in (told := log.read_text()):
        assert process.poll() is None, told
        assert time.monotonic() < end, told
        time.sleep(0.1)
    found = re.search(r"url=(\S+)", told)
    assert found is not None
    return Served(found[1], process, log)


@pytest.fixture(scope="session")
def voice_folders(tiny_voice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny voice, and one like it that takes styles and emotions."""
    folder = tmp_path_factory.mktemp("page-voices")
    shutil.copytree(tiny_voice, folder / "tiny")
    styled = folder / "styled"
    shutil.copytree(tiny_voice, styled)
    np.save(styled / "styles.npy", np.zeros((2, 4), np.float32))
    manifest = json.loads((styled / "voice.json").read_text())
    manifest["styles"] = {"Neutral": 0, "Happy": 1}
    manifest["emotion"] = {"kind": "clap", "width": 512, "model": "clap-htsat-fused", "rows": 0}
    manifest["files"]["styles.npy"] = sha256((styled / "styles.npy").read_bytes()).hexdigest()
    (styled / "voice.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="session")
def served(voice_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("page-data")
    server = serve(voice_folders, "--train-dir", str(data / "trainings"), data=data)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the page are kept."""
    named = os.environ.get("VINOVITS_ARTIFACTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="session")
def chromium(downloads: Path) -> Iterator[webdriver.Chrome]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("These tests need a browser: apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = program
    for argument in (
        "--headless=new",
        "--no-sandbox",  # root has none
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--window-size=1280,1000",
        "--autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    browser.set_script_timeout(PATIENCE)
    browser.command_executor.client_config.timeout = PATIENCE
    try:
        yield browser
    finally:
        browser.quit()


class Page:
    """The page in the browser, as a user has it."""

    def __init__(self, browser: webdriver.Chrome, url: str, artefacts: Path) -> None:
        self.browser, self.url, self._artefacts = browser, url, artefacts
        self._told: list[dict[str, Any]] = []

    def open(self, query: str = "lang=en") -> None:
        """Open it, and wait until its form is filled."""
        self.browser.get(f"{self.url}/?{query}")
        self.until("document.querySelector('#vv-take-list')")
        self.until("document.querySelector('#vv-voice input')?.value")
        self.until("document.querySelector('#vv-language-of-text input')?.value")

    def js(self, expression: str, *arguments: Any) -> Any:
        return self.browser.execute_script(f"return {expression}", *arguments)

    def until(self, expression: str, *arguments: Any) -> Any:
        """Wait until an expression holds; its value."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                if value := self.js(expression, *arguments):
                    return value
            except JavascriptException:
                pass
            if time.monotonic() > end:
                self.shot("failed")
                raise AssertionError(f"{expression}: {self.js('document.body.innerText')}")
            time.sleep(0.05)

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def type(self, selector: str, text: str) -> WebElement:
        field = self.find(selector)
        field.clear()
        field.send_keys(text)
        return field

    def click(self, selector: str) -> None:
        self.js("arguments[0].scrollIntoView({block: 'center'})", self.find(selector))
        self.find(selector).click()

    def tab(self, key: str) -> None:
        # On narrow screens Gradio moves the last tabs into a menu.
        self.until(
            "[...document.querySelectorAll('#vv-tabs button[role=tab], "
            "#vv-tabs .overflow-dropdown button')].filter(one => one.innerText.trim() === "
            "arguments[0] || one.textContent.trim() === arguments[0]).map(one => one.click())"
            ".length",
            read_words()["en"][key],
        )

    def choose(self, selector: str, text: str) -> None:
        """Choose from one of Gradio's lists."""
        self.click(f"{selector} input")
        option = f"[...document.querySelectorAll('{selector} [role=option], [role=option]')]"
        found = f"{option}.find(one => one.innerText.trim().endsWith(arguments[0]))"
        self.until(found, text)
        self.browser.execute_script(
            f"({found}).dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))", text
        )

    def spoken(self) -> WebElement:
        """Wait for the newest take; the element."""
        newest = "document.querySelector('#vv-take-list article')"
        self.until(f"{newest}?.dataset.state && {newest}.dataset.state !== 'speaking'")
        take = self.find("#vv-take-list article")
        assert take.get_attribute("data-state") == "done", take.text
        return take

    def bytes_of(self, selector: str, attribute: str) -> bytes:
        """What an element's address gives."""
        values = self.browser.execute_async_script(
            "const [selector, attribute, done] = arguments;"
            "fetch(document.querySelector(selector)[attribute]).then(one => one.arrayBuffer())"
            ".then(data => done([...new Uint8Array(data)]));",
            selector,
            attribute,
        )
        return bytes(values)

    def shot(self, name: str) -> None:
        with_dots = self._artefacts / f"page-{name}.png"
        self.browser.save_screenshot(str(with_dots))

    def requests(self) -> list[str]:
        """Addresses that the browser has asked for since the last call."""
        messages = [json.loads(one["message"])["message"] for one in self._log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def faults(self) -> list[str]:
        """What the browser's console complains about, since the last call."""
        return [one["message"] for one in self._log("browser") if one["level"] == "SEVERE"]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        try:
            return self.browser.get_log(kind)
        except WebDriverException:
            return []

    def narrow(self, width: int, *, dark: bool = False) -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": True},
        )
        if dark:
            self.darken()

    def darken(self) -> None:
        scheme = [{"name": "prefers-color-scheme", "value": "dark"}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})

    def as_before(self) -> None:
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def page(chromium: webdriver.Chrome, served: Served, artefacts: Path) -> Iterator[Page]:
    """The page, freshly opened, in a browser that remembers nothing."""
    made = Page(chromium, served.url, artefacts)
    chromium.get(f"{served.url}/live")
    chromium.execute_script("localStorage.clear()")
    made.requests()
    made.faults()
    made.open()
    yield made
    made.as_before()
