"""A real browser, watched: what it loads, what pages complain about, what an accessibility check finds."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from fastapi.responses import Response
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
HARMLESS = ("both allow-scripts and allow-same-origin",)
"""Said by the browser of the frame that Airflow makes."""


@dataclass
class Watched:
    """
    A page, with all that it loaded and complained about.

    Attributes:
        page: Playwright's page.
        requested: every address that it asked for.
        complaints: errors and warnings of its console, and scripts that failed.
    """

    page: Page
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def hosts(self) -> set[str]:
        """The hosts that it asked; what an address holds itself, or a script has made, has none."""
        inside = ("data", "blob", "about")
        parts = [urlsplit(url) for url in self.requested]
        return {part.hostname or part.geturl() for part in parts if part.scheme not in inside}

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        )

    def violations(self) -> list[str]:
        """What the accessibility check calls serious or critical."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{v['id']}: {node['html'][:160]}"
            for v in found["violations"]
            if v["impact"] in ("serious", "critical")
            for node in v["nodes"]
        ]


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser that scripts/browser.sh finds."""
    found = subprocess.run(
        ["sh", str(ROOT / "scripts/browser.sh")], capture_output=True, text=True, check=True
    )
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield running
        finally:
            running.close()


@contextmanager
def watched(
    running: Browser,
    *,
    url: str = "",
    token: str = "",
    size: dict[str, int] | None = None,
    scheme: str = "light",
) -> Iterator[Watched]:
    """A new page, in a profile of its own, logged in with a token of Airflow."""
    context = running.new_context(viewport=size or WIDE, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    if token:
        context.add_cookies([{"name": "_token", "value": token, "url": url}])
    page = context.new_page()
    seen = Watched(page)
    page.on("request", lambda request: seen.requested.append(request.url))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("console", lambda said: _note(seen, said.type, said.text))
    try:
        yield seen
    finally:
        context.close()


def _note(seen: Watched, kind: str, text: str) -> None:
    if kind in ("error", "warning") and not any(words in text for words in HARMLESS):
        seen.complaints.append(text)


@contextmanager
def served(console: FastAPI) -> Iterator[str]:
    """Serve a console without Airflow, below the path that it has in Airflow; gives its address."""
    root = FastAPI(docs_url=None, openapi_url=None)
    root.add_api_route("/favicon.ico", lambda: Response(status_code=204))
    root.mount("/license-ledger", console)
    server = uvicorn.Server(uvicorn.Config(root, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/license-ledger"
    finally:
        server.should_exit = True
        thread.join(10)
