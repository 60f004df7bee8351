"""A Superset of its own: installed from its package and lock, and filled by its own commands."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
BUNDLE = CHECKOUT / "bi" / "superset"
LOCK = BUNDLE / "requirements.txt"
USERNAME = "admin"
_START_SECONDS = 120


@dataclass(frozen=True)
class Superset:
    """
    One installation with its metadata.

    Attributes:
        environment: directory of its virtual environment.
        home: directory of its metadata, keys and logs.
    """

    environment: Path
    home: Path

    def install(self) -> None:
        """Make the environment what the lock says; nothing is done when it is already."""
        stamp, mark = self.environment / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == mark:
            return
        shutil.rmtree(self.environment, ignore_errors=True)
        uv = [sys.executable, "-m", "uv"]
        subprocess.run(
            [*uv, "venv", "--quiet", "--python", sys.executable, str(self.environment)], check=True
        )
        install = [
            "pip",
            "install",
            "--quiet",
            "--python",
            str(self._python),
            "--require-hashes",
            "-r",
            str(LOCK),
        ]
        subprocess.run([*uv, *install], check=True)
        stamp.write_text(mark)

    def initialize(self) -> None:
        """Make the metadata and its user; nothing is done when this Superset has done it already."""
        self.home.mkdir(parents=True, exist_ok=True)
        stamp, mark = self.home / "initialized", hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == mark:
            return
        self._run("db", "upgrade")
        names = ["--firstname", "License", "--lastname", "Ledger", "--email", "admin@localhost"]
        password = ["--password", self._secret("password")]
        self._run("fab", "create-admin", "--username", USERNAME, *names, *password)
        self._run("init")
        stamp.write_text(mark)

    def prepare(self, warehouse: str) -> None:
        """
        Import the dashboard, in place of an earlier import.

        Args:
            warehouse: of the ledger, as in its settings.

        Raises:
            CalledProcessError: a command of Superset failed; its output is in `superset.log`.
            ValueError: there is no such warehouse, or the home was made for another one.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self._remember(place_of(warehouse))
        self.initialize()
        archive = self.home / "bundle.zip"
        write_archive(archive, warehouse)
        try:
            self._run("import-dashboards", "--path", str(archive), "--username", USERNAME)
        finally:
            archive.unlink()  # the address may hold a password; Superset keeps it encrypted

    @contextmanager
    def serving(self, port: int | None = None) -> Iterator[str]:
        """Run the web server on this machine's loopback; yields its address, and stops it at the end."""
        chosen = port or _free_port()
        with (self.home / "superset.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    str(self.environment / "bin" / "gunicorn"),
                    f"--bind=127.0.0.1:{chosen}",
                    "--worker-class=gthread",
                    "--threads=4",
                    "--timeout=120",
                    "superset.app:create_app()",
                ],
                env=self._environ,
                cwd=self.home,
                stdout=log,
                stderr=log,
            )
        url = f"http://127.0.0.1:{chosen}"
        try:
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(30)

    @property
    def password(self) -> str:
        """Of the user :data:`USERNAME`, made when it is first needed."""
        return self._secret("password")

    @property
    def _python(self) -> Path:
        return self.environment / "bin" / "python"

    @property
    def _environ(self) -> Mapping[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTHON", "FLASK"))}
        return inherited | {
            "SUPERSET_CONFIG_PATH": str(BUNDLE / "superset_config.py"),
            "SUPERSET_HOME": str(self.home),
            "SUPERSET_METADATA": f"sqlite:///{self.home / 'superset.db'}?check_same_thread=false",
            "SUPERSET_SECRET_KEY": self._secret("secret_key"),
            "FLASK_APP": "superset.app:create_app()",
            "SCARF_ANALYTICS": "false",
        }

    def _remember(self, place: Place) -> None:
        """An import leaves the address of a database as it is: a home is of one warehouse."""
        address = place.address
        path, _, _ = address.removeprefix("duckdb:///").partition("?")
        if address.startswith("duckdb:") and not Path(path).exists():
            raise ValueError(f"there is no warehouse {path} yet: take a snapshot first")
        mark = self.home / "warehouse.sha256"
        digest = hashlib.sha256(address.encode()).hexdigest()
        if mark.exists() and mark.read_text() != digest:
            raise ValueError(f"{self.home} was made for another warehouse: give --home, or remove it")
        mark.write_text(digest)

    def _run(self, *arguments: str) -> None:
        with (self.home / "superset.log").open("ab") as log:
            command = [str(self.environment / "bin" / "superset"), *arguments]
            subprocess.run(command, env=self._environ, cwd=self.home, stdout=log, stderr=log, check=True)

    def _secret(self, name: str) -> str:
        path = self.home / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(42))
        return path.read_text()


@dataclass(frozen=True)
class Place:
    """
    Where Superset finds the views.

    Attributes:
        address: for SQLAlchemy; may hold a password.
        schema: of the views; None: the database's own.
    """

    address: str
    schema: str | None = None


def write_archive(path: Path, warehouse: str) -> None:
    """
    Put the bundle into one ZIP as Superset exports it, for a warehouse.

    Raises:
        ValueError: as :func:`place_of`.
    """
    place = place_of(warehouse)
    changes = {"databases": {"sqlalchemy_uri": place.address}, "datasets": {"schema": place.schema}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(BUNDLE.rglob("*.yaml")):
            name = file.relative_to(BUNDLE)
            content = file.read_text(encoding="utf-8")
            if changed := changes.get(name.parts[0]):
                content = yaml.safe_dump(yaml.safe_load(content) | changed)
            archive.writestr(f"license_ledger/{name}", content)


def place_of(warehouse: str) -> Place:
    """
    The warehouse of the settings as Superset needs it: a DuckDB file is only ever read.

    Raises:
        ValueError: it is neither a DuckDB file nor a Postgres database.
    """
    scheme, _, rest = warehouse.partition("://")
    if scheme == "duckdb":
        return Place(f"duckdb:///{Path(rest.removeprefix('/')).absolute()}?access_mode=READ_ONLY")
    if scheme in ("postgresql", "postgres"):
        base, _, query = rest.partition("?")
        given = parse_qsl(query, keep_blank_values=True)
        theirs = urlencode([(name, value) for name, value in given if name not in ("schema", "reader")])
        return Place(
            f"postgresql+psycopg2://{base}" + (f"?{theirs}" if theirs else ""),
            dict(given).get("schema", "license_ledger"),
        )
    raise ValueError("the warehouse must be duckdb:///path or postgresql://…")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("Superset does not answer; see superset.log in its home")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
