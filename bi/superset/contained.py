"""
Superset in a container: configured from files of secrets, its metadata in a database of Airflow's Postgres.

    contained.py prepare    database, tables, first user and the dashboard; may be run again
    contained.py serve      the web server
    contained.py check      ends with 0 when the server answers
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[2] / "scripts"))

from superset_bundle.installed import BUNDLE, USERNAME, write_archive  # noqa: E402

PORT = 8088
SECRETS = Path(os.environ.get("SUPERSET_SECRETS", "/run/secrets"))
DATABASE = os.environ.get("SUPERSET_DATABASE", "superset")


def secret(name: str) -> str:
    """The text of a secret."""
    return (SECRETS / name).read_text(encoding="utf-8").strip()


def server() -> str:
    """SQLAlchemy address of Airflow's Postgres, without a database; ends with a slash."""
    return secret("metadata_url").rpartition("/")[0] + "/"


def environ() -> Mapping[str, str]:
    """What Superset's commands run in."""
    return os.environ | {
        "FLASK_APP": "superset.app:create_app()",
        "SCARF_ANALYTICS": "false",
        "SUPERSET_CONFIG_PATH": str(BUNDLE / "superset_config.py"),
        "SUPERSET_METADATA": server() + DATABASE,
        "SUPERSET_SECRET_KEY": secret("superset_secret_key"),
    }


def warehouse() -> str:
    """Address of the warehouse as in the ledger's settings, from Airflow's connection."""
    told = json.loads(secret("connections.json"))["ledger_warehouse"]
    who = f"{quote(told['login'], safe='')}:{quote(told['password'], safe='')}"
    return f"postgresql://{who}@{told['host']}:{told['port']}/{told['schema']}"


def make_database() -> None:
    """Make Superset's own database where it is missing."""
    import psycopg2
    from psycopg2 import sql

    address = server().replace("postgresql+psycopg2://", "postgresql://", 1)
    connection = psycopg2.connect(address + "postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    connection.close()


def superset(*arguments: str, told: str = "") -> None:
    """Run a command of Superset; what it asks for is told, not shown on its command line."""
    command = ["superset", *arguments]
    subprocess.run(command, env=dict(environ()), input=told, text=True, check=True)  # noqa: S603


def prepare() -> None:
    """Bring the metadata up to date, make the first user, and import the dashboard."""
    make_database()
    superset("db", "upgrade")
    names = ["--firstname", "License", "--lastname", "Ledger", "--email", "admin@localhost"]
    password = secret("superset_password")
    superset("fab", "create-admin", "--username", USERNAME, *names, told=f"{password}\n{password}\n")
    superset("init")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "bundle.zip"
        write_archive(archive, warehouse())
        superset("import-dashboards", "--path", str(archive), "--username", USERNAME)


def serve() -> None:
    """Become the web server."""
    host = os.environ.get("SUPERSET_ADDRESS", "0.0.0.0")  # noqa: S104 - of the container; the file publishes it
    command = ["gunicorn", f"--bind={host}:{PORT}", "--worker-class=gthread", "--threads=8", "--timeout=120"]
    os.execvpe(command[0], [*command, "superset.app:create_app()"], dict(environ()))  # noqa: S606


def check() -> None:
    """Ask the server how it is; raises when it does not say that it is well."""
    host = os.environ.get("SUPERSET_ADDRESS", "127.0.0.1")
    with urllib.request.urlopen(f"http://{host}:{PORT}/health", timeout=8):
        pass


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve, "check": check}[sys.argv[1]]()
