"""A real browser for the tests that look at pages: Debian's Chromium without a screen."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WITHOUT = "needs Debian's packages chromium and chromium-driver"
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI is root in a container, where the sandbox cannot start
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm of a container is small
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)


class Browser:
    """One page at a time, with what went wrong on it.

    Screenshots are kept in `folder`.
    """

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver, self.folder = driver, folder

    def open(
        self,
        page: Path | str,
        *,
        dark: bool = False,
        offline: bool = False,
        width: int = 1100,
        height: int = 900,
    ) -> None:
        """Load a file or an address in a window of so many pixels, and forget what was before."""
        self.cdp("Network.enable")
        rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.cdp("Network.emulateNetworkConditions", offline=offline, **rates)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.cdp("Emulation.setDeviceMetricsOverride", **size)
        self.show_as(dark=dark)
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get(page.resolve().as_uri() if isinstance(page, Path) else page)

    def show_as(self, *, dark: bool = False, media: str = "") -> None:
        """Light or dark, on the screen or, with media `print`, as on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, script: str, *arguments: Any) -> Any:
        """What JavaScript returns; it may be a promise."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: str, seconds: float = 30.0) -> None:
        """Until a JavaScript expression is true. Raises TimeoutException, which shows it."""
        from selenium.webdriver.support.ui import WebDriverWait

        said = f"{condition!r} did not come true on {self.driver.current_url}"
        WebDriverWait(self.driver, seconds, 0.05).until(
            lambda driver: driver.execute_script(f"return Boolean({condition})"), said
        )

    def complaints(self) -> list[str]:
        """What the page has written to the console as a warning or an error since it was opened."""
        levels = ("WARNING", "SEVERE")
        said = self.driver.get_log("browser")
        return [entry["message"] for entry in said if entry["level"] in levels]

    def requests(self) -> list[str]:
        """The addresses that the page has asked for since it was opened, itself the first."""
        events = (json.loads(e["message"])["message"] for e in self.driver.get_log("performance"))
        sent = (e["params"] for e in events if e["method"] == "Network.requestWillBeSent")
        return [params["request"]["url"] for params in sent]

    def screenshot(self, name: str, *, whole: bool = True, of: str = "") -> Path:
        """Keep a picture of the page, of the window alone, or of the first element of a selector."""
        clip: dict[str, Any] = {}
        if of:
            box = self.run(
                "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
                "return [b.x + scrollX, b.y + scrollY, b.width, b.height]",
                of,
            )
            clip["clip"] = dict(zip(("x", "y", "width", "height"), box, strict=True)) | {
                "scale": 1
            }
        shot = self.cdp("Page.captureScreenshot", captureBeyondViewport=bool(whole or of), **clip)
        return self._kept(f"{name}.png", shot["data"])

    def paper(self, name: str) -> Path:
        """Keep the page as it is printed, a PDF."""
        printed = self.cdp("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        return self._kept(f"{name}.pdf", printed["data"])

    def cdp(self, command: str, **arguments: Any) -> Any:
        """A command of Chromium's DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def _kept(self, name: str, data: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_bytes(base64.b64decode(data))
        return path


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """A browser for the time of the body, whose screenshots are kept in a folder."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER, log_output=subprocess.DEVNULL)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Browser(driver, folder)
    finally:
        driver.quit()


def screenshots(otherwise: Path) -> Path:
    """Where screenshots are kept: the folder in TUNER_SCREENSHOTS, or the one that is given."""
    return Path(os.environ.get("TUNER_SCREENSHOTS") or otherwise)
