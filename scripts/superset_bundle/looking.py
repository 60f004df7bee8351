"""The dashboard in a real browser: every tab opened, its charts waited for, and a picture of each."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, Response, sync_playwright

from superset_bundle.bundle import SLUG
from superset_bundle.charts import TABS
from superset_bundle.installed import CHECKOUT, USERNAME
from ui_pictures import take

WIDE = {"width": 1400, "height": 1000}
_LONG = 90_000
_ERRORS = ".ant-alert-error:visible, .toast--danger:visible, [data-test=error-alert]"
_BUSY = "document.querySelectorAll('[aria-label=Loading], .loading, [data-test=loading-indicator]').length"


@dataclass
class Seen:
    """
    What a tab of the dashboard showed.

    Attributes:
        charts: how many charts were drawn.
        empty: titles of charts that say they have no rows.
        errors: texts of error messages and toasts.
    """

    charts: int
    empty: list[str]
    errors: list[str]


@dataclass
class Visit:
    """
    A browser that is logged in to Superset.

    Attributes:
        page: Playwright's page.
        answered: addresses outside Superset that answered; its content security policy should let none.
        refused: answers of Superset from 400 upward, as status and address.
    """

    page: Page
    url: str
    answered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def note(self, response: Response) -> None:
        """Remember an answer that should not be."""
        if not response.url.startswith((self.url, "data:", "blob:")):
            self.answered.append(response.url)
        elif response.status >= 400:
            self.refused.append(f"{response.status} {response.url}")

    def open(self, pictures: Path) -> dict[str, Seen]:
        """Open the dashboard and each of its tabs; a picture of each is written to the directory."""
        self.page.goto(f"{self.url}/superset/dashboard/{SLUG}/")
        self.page.wait_for_selector(".dashboard-component-chart-holder", timeout=_LONG)
        pictures.mkdir(parents=True, exist_ok=True)
        seen = {}
        for name, charts in TABS.items():
            self.page.locator("[role=tab]").filter(has_text=name).first.click()
            holders = self.page.locator(".dashboard-component-chart-holder:visible")
            holders.nth(len(charts) - 1).wait_for(timeout=_LONG)
            # Charts are drawn when they come into sight.
            for at in range(len(charts)):
                holders.nth(at).scroll_into_view_if_needed()
                self._wait_until_drawn()
            self.page.evaluate("window.scrollTo(0, 0)")
            self.page.wait_for_timeout(800)
            take(self.page, pictures / f"{name.lower()}.png")
            seen[name] = self._seen()
        return seen

    def _wait_until_drawn(self) -> None:
        self.page.wait_for_timeout(200)
        self.page.wait_for_function(f"{_BUSY} === 0", timeout=_LONG)

    def _seen(self) -> Seen:
        holders = self.page.locator(".dashboard-component-chart-holder:visible")
        empty = holders.filter(has_text="No results were returned")
        titles = empty.locator("[data-test=slice-header], .header-title").all_inner_texts()
        errors = self.page.locator(_ERRORS)
        return Seen(holders.count(), [title.split("\n")[0] for title in titles], errors.all_inner_texts())


@contextmanager
def visit(url: str, password: str) -> Iterator[Visit]:
    """Log in to Superset with the browser that `scripts/browser.sh` finds."""
    found = subprocess.run(
        ["sh", str(CHECKOUT / "scripts" / "browser.sh")], capture_output=True, text=True, check=True
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            page = browser.new_page(viewport=WIDE)
            visiting = Visit(page, url)
            page.on("response", visiting.note)
            page.goto(f"{url}/login/")
            page.locator("input[type=text]").first.fill(USERNAME)
            page.locator("input[type=password]").first.fill(password)
            page.keyboard.press("Enter")
            page.wait_for_url("**/superset/welcome/**", timeout=_LONG)
            yield visiting
        finally:
            browser.close()
