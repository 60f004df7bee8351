"""
`make pictures`: take the pictures of README and docs from the real thing.

Two months of a demo org are published, day by day, by the ledger's own pipeline; then the stack of `make ui`
is started on them, the DAG runs for today, and a browser opens the console in Airflow's UI. Nothing is drawn
by hand, and nobody in the pictures exists.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, FrameLocator, Page, sync_playwright
from tests.walk import Walk

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World, WorldOptions
from license_ledger.warehouse.connection import open_readonly
from local_stack.home import CHECKOUT, HOME_VARIABLE, USERNAME, Home
from local_stack.progress import Follower, follow
from local_stack.stack import Running, stack
from ui_pictures import take

COMMAND = "make pictures"
FOLDER = CHECKOUT / "docs" / "images"
DAG_ID = "salesforce_license_snapshot"
USERS = 600
DAYS = 60
MISSING = (19, 20, 33)
"""Days before today on which nobody looked: the history shows them as gaps."""
COMPANIES = ["acme.com", "*.acme.com", "acme.de", "*.acme.de", "acme.fr"]
SIZE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 800}
LIGHT = ("position", "mismatch", "reclaim", "history", "trust")
DARK = ("position", "mismatch")


def main() -> int:
    """Run the command. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="license-ledger-pictures-") as directory:
        home = Home(Path(directory)).prepared()
        Path(directory).chmod(0o755)  # as root, Postgres runs as a user of its own
        os.environ[HOME_VARIABLE] = directory
        for name in [name for name in os.environ if name.startswith(("AIRFLOW", "LICENSE_LEDGER_"))]:
            del os.environ[name]
        today = datetime.now(UTC).date()
        with _org(home, today) as org:
            _publish(home, org, today)
            connection = org.access.connection("\n".join(COMPANIES))
            os.environ["AIRFLOW_CONN_SALESFORCE_DEFAULT"] = json.dumps(connection)
            with stack(home, COMMAND, print, scheduled=False) as running:
                _run_today(running, today, {})
                with _chromium() as browser:
                    _take(running, browser)
                    _run_today(running, today, {"company_names": ["*"]})
                    _take_people(running, browser)
    return 0


@contextmanager
def _org(home: Home, today: date) -> Iterator[DemoOrg]:
    world = World(users=USERS, today=today - timedelta(days=DAYS), options=WorldOptions(anchor=today))
    with DemoOrg(world, OrgOptions(bulk_seconds=0.05), home.demo_org) as org:
        yield org


def _publish(home: Home, org: DemoOrg, today: date) -> None:
    """Publish and load a snapshot of every day up to yesterday."""
    walk = Walk(org.access.connection("\n".join(COMPANIES)), home.root, datetime.now(UTC))
    began = time.monotonic()
    for back in range(DAYS, 0, -1):
        if back in MISSING:
            continue
        day = today - timedelta(days=back)
        walk.now = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        org.org.set_clock(walk.now)
        walk.run()
    org.org.set_clock(datetime.now(UTC))
    print(f"published {DAYS - len(MISSING)} days ({time.monotonic() - began:.0f} s)")


def _run_today(running: Running, today: date, conf: dict[str, Any]) -> None:
    deadline = time.monotonic() + 120
    while running.api.dag(DAG_ID) is None and time.monotonic() < deadline:
        running.check()
        time.sleep(0.2)
    running.api.unpause(DAG_ID)
    run_id = running.api.trigger(DAG_ID, today.isoformat(), conf)
    states = follow([Follower(running, DAG_ID, run_id, "")], print)
    if states[DAG_ID] != "success":
        raise SystemExit(f"the run ended as {states[DAG_ID]}")


@contextmanager
def _chromium() -> Iterator[Browser]:
    found = subprocess.run(
        ["sh", "scripts/browser.sh"], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found.stdout.strip(), args=["--no-sandbox"])
        yield browser
        browser.close()


def _take(running: Running, browser: Browser) -> None:
    """Open the console in Airflow, as the user would, and keep what is seen."""
    for scheme in ("light", "dark"):
        page = _page(browser, running, scheme, SIZE)
        page.goto(f"{running.url}/plugin/license-ledger")
        for name in LIGHT if scheme == "light" else DARK:
            _show(page, name)
            if name == "history":
                _choose(page, _forecast(running.home))
            _keep(page, f"{name}{'-dark' if scheme == 'dark' else ''}.png")
    page = _page(browser, running, "light", NARROW)
    page.goto(f"{running.url}/license-ledger/mismatch")
    page.wait_for_timeout(500)
    _keep(page, "mismatch-narrow.png")
    page = _page(browser, running, "light", SIZE)
    page.goto(f"{running.url}/dags/{DAG_ID}/runs/{_last_run(running)}/plugin/license-ledger-run")
    _frame(page).get_by_role("heading", name="Mismatch", exact=True).wait_for()
    page.wait_for_timeout(800)
    _keep(page, "run-tab.png")


def _take_people(running: Running, browser: Browser) -> None:
    """The page People of a run that lets everybody in."""
    page = _page(browser, running, "light", SIZE)
    page.goto(f"{running.url}/plugin/license-ledger")
    _show(page, "people")
    _keep(page, "people.png")


def _forecast(home: Home) -> str:
    """The license that runs out first, by its forecast."""
    with open_readonly(home.root / "warehouse.duckdb") as warehouse:
        found = warehouse.execute(
            "SELECT license_layer || ':' || license_id FROM license_forecast "
            "WHERE reason IS NULL AND license_layer <> 'usage' ORDER BY days_to_exhaustion LIMIT 1"
        ).fetchone()
    return str(found[0]) if found else ""


def _choose(page: Page, license_: str) -> None:
    if license_:
        _frame(page).locator("#license").select_option(license_)
        _frame(page).get_by_role("form", name="Choose license").get_by_role("button").click()
        page.wait_for_timeout(900)


def _token(running: Running) -> str:
    login = {"username": USERNAME, "password": running.home.password()}
    answer = httpx.post(f"{running.url}/auth/token", json=login, timeout=30)
    return str(answer.json()["access_token"])


def _last_run(running: Running) -> str:
    headers = {"Authorization": f"Bearer {_token(running)}"}
    answer = httpx.get(f"{running.url}/api/v2/dags/{DAG_ID}/dagRuns", headers=headers, timeout=30)
    return str(answer.json()["dag_runs"][0]["dag_run_id"])


def _page(browser: Browser, running: Running, scheme: str, size: dict[str, int]) -> Page:
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    context.add_cookies([{"name": "_token", "value": _token(running), "url": running.url}])
    return context.new_page()


def _frame(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def _show(page: Page, name: str) -> None:
    """Choose a page of the console by its link."""
    _frame(page).get_by_role("navigation").get_by_role("link", name=name.capitalize()).click()
    _frame(page).locator(f"nav a[aria-current]:text('{name.capitalize()}')").wait_for()
    page.wait_for_timeout(700)


def _keep(page: Page, name: str) -> None:
    path = FOLDER / name
    take(page, path)
    print(f"{path.relative_to(CHECKOUT)}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    sys.exit(main())
