"""``license-ledger authorize`` as a person uses it: the command, a browser, and Salesforce's page."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from demo_org.org import App
from tests.demo_org_fixtures import RunningOrg

SECRET_VARIABLE = "SALESFORCE_CLIENT_SECRET"  # pragma: allowlist secret


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Command:
    """The running command: what it has said so far, and the address it wants opened."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def address(self) -> str:
        """Read on until the address is said."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if "/services/oauth2/authorize?" in line:
                return line.strip()
        raise AssertionError("".join(self.said))

    def enter(self, text: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def end(self) -> str:
        """Wait; returns standard output. What was said is whole then."""
        out, rest = self.process.communicate(timeout=90)
        self.said.append(rest)
        return out

    @property
    def words(self) -> str:
        """Everything said."""
        return "".join(self.said)


Start = Callable[..., Command]


@pytest.fixture
def start(demo_org: RunningOrg) -> Iterator[Start]:
    """Start the command against the demo org; options are added, environment variables too."""
    started: list[Command] = []

    def begin(*options: str, **environment: str) -> Command:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "license_ledger", "authorize", "--no-browser"),
                *("--login-url", demo_org.https_url, "--ca-bundle", str(demo_org.ca_bundle)),
                *("--client-id", demo_org.client_id, "--port", str(free_port()), "--seconds", "60"),
                *options,
            ],
            env=os.environ | {SECRET_VARIABLE: demo_org.client_secret} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(Command(process))
        return started[-1]

    yield begin
    for command in started:
        command.process.kill()
        command.process.communicate()


def opened(org: RunningOrg, address: str, decision: str = "approve") -> str:
    """A browser in which somebody decides at once; the address that it ends on."""
    answer = org.browser().get(f"{address}&auto={decision}", timeout=30)
    return answer.url


@contextmanager
def connections() -> Iterator[Any]:
    """Airflow's own connections; none outlives the test."""
    from airflow.models import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from license_ledger.airflow import connection_store

    yield connection_store
    with create_session() as session:
        session.execute(delete(Connection).where(Connection.conn_id == "authorized"))


def refreshes(org: RunningOrg, token: str) -> bool:
    """Whether a refresh token is good, without a client secret being wrong."""
    return bool(org.token(token).status_code == 200)


def test_the_browser_brings_the_code_to_the_callback_address(demo_org: RunningOrg, start: Start) -> None:
    """The connection that is printed holds a grant that works, and the verdict says what it opens."""
    command = start("--to", "json", "--company", "acme.com")
    end = opened(demo_org, command.address())
    value = json.loads(command.end())

    assert end.startswith("http://localhost:")
    assert command.process.returncode == 0, command.words
    assert value["conn_type"] == "salesforce_oauth"
    assert value["extra"]["company_names"] == ["acme.com"]
    assert refreshes(demo_org, value["extra"]["refresh_token"])
    assert f"Connected to {demo_org.server.org.world.org_name}" in command.words
    assert "Scope: acme.com" in command.words


@pytest.mark.parametrize("part", ["{address}", "{code}"])
def test_the_address_or_the_code_can_be_pasted(demo_org: RunningOrg, start: Start, part: str) -> None:
    """Over Salesforce's own page, the way of the manual procedure: what the address bar shows is enough."""
    command = start("--to", "json", "--paste")
    end = opened(demo_org, command.address())
    code = re.search(r"code=([^&]+)", end)
    assert code is not None
    command.enter(part.format(address=end, code=code[1]))
    value = json.loads(command.end())

    assert end.startswith(f"{demo_org.https_url}/services/oauth2/success?")
    assert refreshes(demo_org, value["extra"]["refresh_token"])


def test_no_secret_is_said(demo_org: RunningOrg, start: Start) -> None:
    """Client secret, code and tokens are in nothing that the command says, nor in its arguments."""
    command = start("--to", "json")
    end = opened(demo_org, command.address())
    arguments = Path(f"/proc/{command.process.pid}/cmdline").read_text("utf-8")
    value = json.loads(command.end())
    code = re.search(r"code=([^&]+)", end)

    assert code is not None
    for secret in (demo_org.client_secret, code[1], value["extra"]["refresh_token"]):
        assert secret not in command.words
        assert secret not in arguments


def test_an_answer_to_another_attempt_is_waited_past(demo_org: RunningOrg, start: Start) -> None:
    """A page that sends a code, or an error, to the callback address does not end or hijack the attempt."""
    command = start("--to", "json")
    address = command.address()
    callback = re.search(r"(http://localhost:\d+/callback)", command.words)
    assert callback is not None
    foreign = ("code=aPrxForeignForeignForeign&state=foreign", "error=access_denied", "error=x&state=foreign")
    for query in foreign:
        assert requests.get(f"{callback[1]}?{query}", timeout=10).status_code == 200
    opened(demo_org, address)
    value = json.loads(command.end())

    assert refreshes(demo_org, value["extra"]["refresh_token"])
    assert "no answer to this attempt" in command.words


@pytest.mark.parametrize(
    ("options", "environment", "decision", "words"),
    [
        ((), {}, "deny", ("AccessDenied", "end-user denied authorization")),
        ((), {SECRET_VARIABLE: "wrong"}, "approve", ("ConfigError", "consumer_secret")),
        (("--login-url", "https://login.salesforce.com.example.org"), {}, "", ("ConfigError", "login_url")),
        (("--client-secret-file", "/nowhere"), {}, "", ("ConfigError", "--client-secret-file")),
        (("--company", "not a company"), {}, "", ("ConfigError", "not a company")),
    ],
    ids=["denied", "wrong secret", "look-alike host", "no such file", "no company"],
)
def test_what_goes_wrong_is_one_line_with_what_to_do(
    demo_org: RunningOrg,
    start: Start,
    options: tuple[str, ...],
    environment: dict[str, str],
    decision: str,
    words: tuple[str, ...],
) -> None:
    """What is wrong with the arguments is said before Salesforce is asked; Salesforce's own no in words."""
    command = start("--to", "json", *options, **environment)
    if decision:
        opened(demo_org, command.address(), decision)
    printed = command.end()

    assert command.process.returncode == 1
    assert printed == ""
    assert all(word in command.words for word in words), command.words
    assert "Traceback" not in command.words
    assert bool(decision) == ("/services/oauth2/authorize?" in command.words)


def test_an_app_without_the_scope_is_told_what_it_lacks(demo_org: RunningOrg, start: Start) -> None:
    """Salesforce grants less than was asked for: the scope that is missing is named, nothing is printed."""
    demo_org.server.org.faults.on("token_without_api_scope")
    command = start("--to", "json")
    opened(demo_org, command.address())
    printed = command.end()

    assert (command.process.returncode, printed) == (1, "")
    assert "scope api" in command.words


def test_a_port_that_is_taken_is_named(demo_org: RunningOrg, start: Start) -> None:
    """Before Salesforce is asked, with the way around it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = start("--to", "json", "--port", str(taken.getsockname()[1]))
        command.end()

    assert command.process.returncode == 1
    assert "--port" in command.words
    assert "--paste" in command.words


def test_a_public_app_sends_no_secret(demo_org: RunningOrg, start: Start) -> None:
    """An app that requires none is authorized by PKCE alone."""
    org = demo_org.server.org
    org.apps["public"] = App("public", "", "Public", ("http://localhost:*",))
    command = start("--to", "json", "--client-id", "public", "--client-secret-file", "-")
    opened(demo_org, command.address())
    value = json.loads(command.end())

    assert "consumer_secret" not in value["extra"]
    assert value["extra"]["refresh_token"]


def test_the_connection_is_stored_encrypted_and_keeps_its_other_fields(
    demo_org: RunningOrg, start: Start, airflow_database: None
) -> None:
    """
    A first grant makes the connection; a standby is added to it, beside the first.

    The second command needs neither client id nor secret: the connection has them.
    """
    from airflow.models import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select, text

    with connections() as store:
        first = start("--connection", "authorized", "--company", "*.acme.com")
        opened(demo_org, first.address())
        said = first.end()
        before = store.read_fields("authorized")
        second = start("--connection", "authorized", "--standby", "--client-id", demo_org.client_id)
        opened(demo_org, second.address())
        second.end()
        after = store.read_fields("authorized")
        with create_session() as session:
            row = session.scalar(select(Connection).where(Connection.conn_id == "authorized"))
            raw = session.execute(text("SELECT extra FROM connection WHERE conn_id = 'authorized'")).scalar()

    assert (first.process.returncode, second.process.returncode) == (0, 0), first.words + second.words
    assert "Stored in the Airflow connection authorized" in said
    assert row is not None
    assert (row.conn_type, row.is_extra_encrypted) == ("salesforce_oauth", True)
    assert before["refresh_token"] not in raw
    assert after == before | {"standby_refresh_token": after["standby_refresh_token"]}
    assert after["company_names"] == ["*.acme.com"]
    assert refreshes(demo_org, after["refresh_token"])
    assert refreshes(demo_org, after["standby_refresh_token"])


def test_what_would_not_be_read_is_not_stored(
    demo_org: RunningOrg, start: Start, airflow_database: None
) -> None:
    """A variable that hides the connection, or a missing key, is said before anybody logs in."""
    hidden = start("--connection", "authorized", AIRFLOW_CONN_AUTHORIZED="{}")
    bare = start("--connection", "authorized", AIRFLOW__CORE__FERNET_KEY="")
    hidden.end()
    bare.end()

    assert "AIRFLOW_CONN_AUTHORIZED" in hidden.words
    assert "fernet_key" in bare.words
    assert (hidden.process.returncode, bare.process.returncode) == (1, 1)
    assert "/services/oauth2/authorize?" not in hidden.words + bare.words
