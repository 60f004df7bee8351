"""
Make the secrets of the stack in docker-compose.yaml: random, one file each, readable by their owner only.

    python3 scripts/make_secrets.py [--folder secrets] [--settings .env]

What is there is never overwritten, so it may be run again after an upgrade that needs one more. Needs nothing
but Python. The containers run as the files' owner: run as root, the files are given to the image's own user.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
IMAGE_USER = 50_000
REGION = "us-east-1"


class Secrets:
    """
    A folder of secrets.

    Args:
        folder: made when it is missing, closed to others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made: list[str] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)

    def keep(self, name: str, make: Callable[[], str]) -> str:
        """The text of a file, which is made when there is none; an empty one is an error, not a password."""
        path = self._folder / name
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
                sink.write(make())
            self.made.append(name)
        text = path.read_text(encoding="utf-8").strip()
        if not text:
            raise SystemExit(f"{path} is empty: write the secret into it, or remove it and run this again")
        return text

    def give(self, user: int) -> None:
        """Make a user the owner of what was made."""
        for name in self.made:
            os.chown(self._folder / name, user, 0)


def fill(kept: Secrets) -> None:
    """Make all that the stack needs; what is derived from a password is made from the one that is there."""
    kept.keep("fernet_key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    for name in ("api_secret_key", "jwt_secret", "superset_secret_key"):
        kept.keep(name, lambda: secrets.token_urlsafe(64))
    for name in ("admin_password", "superset_password"):
        kept.keep(name, lambda: secrets.token_urlsafe(18))
    # Hexadecimal, because these become part of addresses.
    metadata, warehouse, broker, storage = (
        kept.keep(name, lambda: secrets.token_hex(24))
        for name in ("metadata_password", "warehouse_password", "broker_password", "storage_password")
    )
    kept.keep("metadata_url", lambda: f"postgresql+psycopg2://airflow:{metadata}@metadata-db:5432/airflow")
    kept.keep("broker_url", lambda: f"redis://:{broker}@broker:6379/0")
    kept.keep("object_store.json", lambda: json.dumps(identities(storage), indent=2))
    kept.keep("connections.json", lambda: json.dumps(connections(warehouse, storage), indent=2))
    kept.keep("ledger.toml", lambda: f'pseudonym_key = "{secrets.token_urlsafe(48)}"')


def identities(password: str) -> dict[str, object]:
    """Who may use the object store, as SeaweedFS reads it."""
    ledger = {
        "name": "ledger",
        "credentials": [{"accessKey": "ledger", "secretKey": password}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return {"identities": [ledger]}


def connections(warehouse: str, storage: str) -> dict[str, object]:
    """The Airflow connections of the stack's own services; those of orgs may be added to the file."""
    return {
        "ledger_warehouse": {
            "conn_type": "postgres",
            "host": "warehouse-db",
            "port": 5432,
            "schema": "ledger",
            "login": "ledger",
            "password": warehouse,
        },
        "ledger_storage": {
            "conn_type": "aws",
            "login": "ledger",
            "password": storage,
            "extra": {"endpoint_url": "http://object-store:8333", "region_name": REGION},
        },
    }


def settle(path: Path, user: int) -> bool:
    """Write the settings of the compose file, with the user to run as; says whether there were none."""
    if path.exists():
        return False
    lines = (CHECKOUT / ".env.example").read_text(encoding="utf-8").splitlines()
    path.write_text(
        "\n".join(f"LEDGER_UID={user}" if line.startswith("LEDGER_UID=") else line for line in lines) + "\n",
        encoding="utf-8",
    )
    return True


def main(arguments: list[str] | None = None) -> int:
    """Make what is missing, say what was made; returns 0."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--folder", type=Path, default=CHECKOUT / "secrets")
    parser.add_argument("--settings", type=Path, default=CHECKOUT / ".env")
    options = parser.parse_args(arguments)
    os.umask(0o077)
    kept = Secrets(options.folder)
    fill(kept)
    user = os.geteuid() or IMAGE_USER
    if os.geteuid() == 0:
        kept.give(user)
    print(
        f"made in {options.folder}: {', '.join(kept.made)}" if kept.made else "every secret is there already"
    )
    if settle(options.settings, user):
        print(f"wrote {options.settings}")
    print(f"Airflow's first user is admin, the password is in {options.folder / 'admin_password'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
