"""A real Airflow API server with Airflow's role-based logins, for tests of the console over HTTP."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
AIRFLOW = (sys.executable, "-m", "airflow")
CONSOLE = "/license-ledger"
USERS = ("admin", "viewer", "named", "emea", "stranger")
"""
`viewer` reads DAGs and runs; `named` may see names too; `emea` reads one org's DAG only; `stranger` may log
in and read nothing of ours; `admin` is Airflow's own administrator.
"""


SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
SIMPLE_USERS = {"admin": "admin", "olga": "op", "uwe": "user", "vic": "viewer", "nora": ""}
"""Name and role; `nora` has none."""


@dataclass(frozen=True)
class AirflowServer:
    """
    A running API server.

    Attributes:
        url: its address.
        log: its output.
        tokens: a login token by user.
    """

    url: str
    log: Path
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, user: str | None) -> httpx.Client:
        """A client that is logged in as one of :data:`USERS`, as a browser would be; as nobody for None."""
        cookies = {} if user is None else {"_token": self.tokens[user]}
        return httpx.Client(base_url=self.url + CONSOLE, cookies=cookies, timeout=60)


@contextmanager
def airflow_server(home: Path, settings: Mapping[str, str]) -> Iterator[AirflowServer]:
    """A server with Airflow's role-based logins, :data:`USERS`; made, started, and stopped at the end."""
    environment = _environment(home, settings)
    with _served(home, environment, "tests.console.airflow_users", USERS) as server:
        _give_names(server, environment)
        yield server


@contextmanager
def simple_server(home: Path, settings: Mapping[str, str]) -> Iterator[AirflowServer]:
    """A server with the simple auth manager's logins, :data:`SIMPLE_USERS`, as `make ui` has one."""
    environment = _environment(home, {**settings, "AIRFLOW__CORE__AUTH_MANAGER": SIMPLE})
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(SIMPLE_USERS, environment["CONSOLE_TEST_PASSWORD"])))
    environment |= {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{u}:{r}" for u, r in SIMPLE_USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    with _served(home, environment, "tests.console.airflow_tables", SIMPLE_USERS) as server:
        yield server


@contextmanager
def _served(
    home: Path, environment: Mapping[str, str], made_by: str, users: Iterable[str]
) -> Iterator[AirflowServer]:
    log = home / "api-server.log"
    with log.open("wb") as sink:
        made = [sys.executable, "-m", made_by]
        subprocess.run(made, env=environment, cwd=ROOT, stdout=sink, stderr=sink, check=True, timeout=180)
        started = subprocess.Popen(
            [*AIRFLOW, "api-server", "--workers", "1"],
            env=environment,
            cwd=ROOT,
            stdout=sink,
            stderr=sink,
        )
        try:
            server = AirflowServer(f"http://127.0.0.1:{environment['AIRFLOW__API__PORT']}", log)
            _wait(server, started)
            password = environment["CONSOLE_TEST_PASSWORD"]
            server.tokens.update({user: _token(server, user, password) for user in users})
            yield server
        finally:
            started.terminate()
            started.wait(30)


def _give_names(server: AirflowServer, environment: Mapping[str, str]) -> None:
    """What docs/console.md tells an administrator to do, once the console has been opened."""
    assert server.client("viewer").get("/position").status_code == httpx.codes.OK
    command = [*AIRFLOW, "roles", "add-perms", "LedgerNamed", "-r", "License Ledger names", "-a", "can_read"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def _environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    port = str(_free_port())
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "LICENSE_LEDGER"))}
    return inherited | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "CONSOLE_TEST_PASSWORD": secrets.token_urlsafe(12),
        "NO_PROXY": "127.0.0.1,localhost",
        **settings,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: AirflowServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, server.log.read_text(errors="replace")[-4000:]
        try:
            if httpx.get(f"{server.url}/api/v2/version", timeout=5).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError(f"the API server does not answer\n{server.log.read_text(errors='replace')[-4000:]}")


def _token(server: AirflowServer, user: str, password: str) -> str:
    answer = httpx.post(f"{server.url}/auth/token", json={"username": user, "password": password}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["access_token"])
