"""
A new user: from a fresh clone to the console, word by word as the README says, with a real browser.

The demo org stands for Salesforce; only the options that name the org are the user's own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.browsing import browser
from tests.e2e.conftest import ROOT
from tests.e2e.terminal import Terminal

pytestmark = [pytest.mark.airflow, pytest.mark.endurance]

TRY = "make run"
"""What the README begins with: the demo org that comes along."""

SECTION = "## Point it at your org"
ORG = "--my-domain acme"
MOST_COMMANDS, MOST_SECONDS = 6, 600
SERVE = ("-m", "demo_org", "serve", "--seed", "7", "--rotation", "--state-dir")


@dataclass
class Salesforce:
    """
    The org that the user has.

    Attributes:
        org_id: 18 characters.
        options: that name it on the command line.
        consumer_key: handed over by its administrator, with the secret.
        consumer_secret: the same.
        username: of the integration user.
        password: the same.
    """

    org_id: str
    options: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    username: str
    password: str = field(repr=False)


@pytest.fixture(scope="module")
def salesforce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Salesforce]:
    """An org that nobody has authorized anything for yet."""
    state = tmp_path_factory.mktemp("salesforce")
    server = subprocess.Popen([sys.executable, *SERVE, str(state)], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    said = json.loads(server.stdout.readline())
    app = json.loads(Path(said["connection"]).read_text("utf-8"))["extra"]
    login = json.loads(Path(said["login"]).read_text("utf-8"))
    yield Salesforce(
        said["org_id"],
        f"--login-url {said['https_url']} --ca-bundle {said['ca_bundle']}",
        app["consumer_key"],
        app["consumer_secret"],
        login["username"],
        login["password"],
    )
    server.terminate()
    server.wait(30)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The user's browser."""
    with browser() as running:
        yield running


def commands(readme: str) -> list[str]:
    """The commands of the section's first block, without comments."""
    block = re.search(r"```sh\n(.*?)```", readme.split(SECTION)[1], re.DOTALL)
    assert block is not None
    return [line.split(" #")[0].strip() for line in block[1].splitlines()]


@dataclass
class User:
    """
    A person at a terminal, with a browser that programs can open.

    Attributes:
        folder: where they work; holds what the browser was asked to open.
        page: of the browser.
        typed: the commands so far.
        seen: everything the terminal showed.
    """

    folder: Path
    page: Page
    typed: list[str] = field(default_factory=list)
    seen: str = ""

    def types(self, command: str, cwd: Path) -> Terminal:
        """Begin a command."""
        self.typed.append(command)
        clean = (
            "AIRFLOW",
            "_AIRFLOW",
            "LICENSE_LEDGER",
            "PYTHON",
            "VIRTUAL_ENV",
            "PYTEST",
            "MAKE",
            "MFLAGS",
            "ARGS",
        )
        environment = {k: v for k, v in os.environ.items() if not k.startswith(clean)}
        return Terminal(command, cwd, environment | {"BROWSER": f"{self._opener()} %s"})

    def reads(self, terminal: Terminal, seconds: float = 300) -> str:
        """Wait for the command's good end; what it showed."""
        text = terminal.end(seconds)
        self.seen += text
        assert terminal.status == 0, text
        return text

    def opened(self, terminal: Terminal) -> str:
        """The address that the command opens in the browser."""
        deadline = time.monotonic() + 60
        while not (self.folder / "opened").exists():
            assert time.monotonic() < deadline, terminal.shown
            time.sleep(0.1)
        return (self.folder / "opened").read_text("utf-8").strip()

    def _opener(self) -> Path:
        path = self.folder / "browser.sh"
        path.write_text(
            f'#!/bin/sh\necho "$1" > {shlex.quote(str(self.folder))}/part\n'
            f"mv {shlex.quote(str(self.folder))}/part {shlex.quote(str(self.folder))}/opened\n",
            "utf-8",
        )
        path.chmod(0o755)
        return path


def allow(page: Page, address: str, salesforce: Salesforce) -> None:
    """Log in to Salesforce as the integration user and allow the access."""
    page.goto(address)
    expect(page.get_by_role("heading", name="Allow Access?")).to_be_visible()
    page.get_by_label("Username").fill(salesforce.username)
    page.get_by_label("Password").fill(salesforce.password)
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("http://localhost:1717/callback**")


def see_console(page: Page, address: str, username: str, password: str) -> str:
    """Log in to Airflow and open the console; the names of the licenses it shows."""
    page.goto(address)
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Licenses").first.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="License position")).to_be_visible(timeout=60_000)
    return frame.locator("main").inner_text()


def test_from_a_fresh_clone_to_the_console(salesforce: Salesforce, chromium: Browser, tmp_path: Path) -> None:
    """Tried, authorized, own snapshot published, console open: in six commands at most, and ten minutes."""
    began = time.monotonic()
    page = chromium.new_context(ignore_https_errors=True).new_page()  # the org's certificate is its own
    user = User(tmp_path, page)
    user.reads(user.types(f"git clone --quiet {ROOT} ledger", tmp_path))
    clone = tmp_path / "ledger"
    authorize, run, ui = commands((clone / "README.md").read_text("utf-8"))
    assert ORG in authorize
    tried = user.reads(user.types(TRY, clone))
    assert "demo org, because no Salesforce connection is configured" in tried

    terminal = user.types(authorize.replace(ORG, salesforce.options), clone)
    terminal.answer("Client ID: ", salesforce.consumer_key, seconds=300)
    terminal.answer("Client secret", salesforce.consumer_secret)
    allow(page, user.opened(terminal), salesforce)
    authorized = user.reads(terminal)
    assert "was the demo org's, and becomes yours" in authorized
    assert "Stored in the Airflow connection salesforce_default." in authorized

    report = user.reads(user.types(run, clone))
    assert "License position" in report, report
    assert "Every seat is explained" in report, report
    assert "demo org" not in report
    assert {path.name for path in (clone / "var" / "staging" / "users").iterdir()} > {
        f"org_id={salesforce.org_id}"
    }

    terminal = user.types(ui, clone)
    said = terminal.wait_for(r"(http://\S+)\s+user (\S+)\s+password (\S+)", 180)
    shown = see_console(page, *said.groups())
    seconds = time.monotonic() - began
    terminal.interrupt()
    user.seen += terminal.end(60)

    assert "\nstopped\n" in user.seen
    assert "Salesforce Platform" in shown
    assert len(user.typed) <= MOST_COMMANDS, user.typed
    assert seconds < MOST_SECONDS, seconds
    print(f"{len(user.typed)} commands, {seconds:.0f} s")
    assert salesforce.consumer_secret not in user.seen
    tokens = [line for line in user.seen.splitlines() if "5Aep" in line]
    assert tokens == []
