"""The browser of the tests: the one that is installed, else the one Playwright fetched."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")


def installed() -> str | None:
    """The path of a browser of the system; None where Playwright's own is to be used."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (str(ON_MACOS) if ON_MACOS.exists() else None)


def options() -> dict[str, object]:
    """What `chromium.launch` needs here; root, as in containers, has no sandbox."""
    return {"executable_path": installed(), "chromium_sandbox": os.geteuid() != 0, "args": ["--disable-dev-shm-usage"]}


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless browser inside the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options())  # type: ignore[arg-type]  # a dict of its keywords
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":
    with launched() as it:
        sys.stdout.write(f"{it.version}\n")
