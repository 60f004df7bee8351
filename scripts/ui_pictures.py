"""Pictures of what a browser shows. For tests and scripts alike."""

from __future__ import annotations

from pathlib import Path

import tenacity
from playwright.sync_api import Error, Page

_BUSY = "Unable to capture screenshot"


@tenacity.retry(
    retry=tenacity.retry_if_exception(lambda error: isinstance(error, Error) and _BUSY in str(error)),
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_fixed(1),
    reraise=True,
)
def take(page: Page, path: Path) -> None:
    """
    Write a picture of a page as PNG.

    On a machine with much to do Chromium sometimes has no frame to give, and has one a moment later.

    Args:
        page: as it is now.
        path: of the file; parents are made.
    """
    page.screenshot(path=path)
