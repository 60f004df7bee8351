"""
Where the local stack keeps everything, and the secrets it makes for itself.

One directory, ``var/`` in the checkout unless ``LICENSE_LEDGER_HOME`` says otherwise::

    var/staging, var/warehouse.duckdb     what the ledger publishes
    var/log/<component>.log               what each process says; var/log/tasks the task logs
    var/state/                            0700: database, keys, login, demo org, lock
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HOME_VARIABLE = "LICENSE_LEDGER_HOME"
USERNAME = "admin"


@dataclass(frozen=True)
class Home:
    """
    The directory of one local stack.

    Attributes:
        root: absolute path; created when missing.
    """

    root: Path

    @classmethod
    def locate(cls) -> Home:
        """The home this process is asked to use."""
        return cls(Path(os.environ.get(HOME_VARIABLE) or CHECKOUT / "var").expanduser().absolute()).prepared()

    def prepared(self) -> Home:
        """The same home with its directories in place; the state directory is closed to others."""
        for directory in (self.root, self.logs, self.airflow_home):
            directory.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o711 if os.geteuid() == 0 else 0o700)  # as root, Postgres runs as a user of its own
        return self

    @property
    def logs(self) -> Path:
        """One log file per component."""
        return self.root / "log"

    @property
    def state(self) -> Path:
        """Everything that is nobody else's business."""
        return self.root / "state"

    @property
    def airflow_home(self) -> Path:
        """AIRFLOW_HOME of every component."""
        return self.state / "airflow"

    @property
    def database(self) -> Path:
        """The Postgres data directory."""
        return self.state / "postgres"

    @property
    def demo_org(self) -> Path:
        """State of the demo org, kept between runs."""
        return self.state / "demo_org"

    @property
    def passwords(self) -> Path:
        """The simple auth manager's password file."""
        return self.state / "passwords.json"

    @property
    def staging_url(self) -> str:
        """Default of LICENSE_LEDGER_STAGING."""
        return (self.root / "staging").as_uri()

    @property
    def warehouse_url(self) -> str:
        """Default of LICENSE_LEDGER_WAREHOUSE."""
        return f"duckdb:///{self.root / 'warehouse.duckdb'}"

    def log(self, component: str) -> Path:
        """The log file of a component."""
        return self.logs / f"{component}.log"

    def fernet_key(self) -> str:
        """The key that encrypts connections and variables; made once, never empty."""
        return self._kept("fernet.key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())

    def jwt_secret(self) -> str:
        """The secret that signs the tokens of Airflow's own API; made once."""
        return self._kept("jwt.key", lambda: secrets.token_urlsafe(64))

    def broker_password(self) -> str:
        """The password of the broker between scheduler and workers; made once."""
        return self._kept("broker.key", lambda: secrets.token_urlsafe(32))

    def password(self) -> str:
        """Password of the user ``admin``; made once, in the file the simple auth manager reads."""
        text = self._kept("passwords.json", lambda: json.dumps({USERNAME: secrets.token_urlsafe(12)}))
        return str(json.loads(text)[USERNAME])

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        path = self.state / name
        try:
            text = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            text = ""
        if not text:
            text = make()
            write_private(path, text + "\n")
        return text


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
        sink.write(text)
    draft.replace(path)
