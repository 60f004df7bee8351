"""
What has to be done before Airflow's services start: its tables, and its first user.

    initialize.py PASSWORD_FILE

Run at every start of the stack. Tables that are up to date and a user that exists are left alone.
"""

# ruff: noqa: T201 - a command says what it did
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

USERNAME = "admin"


def make_user(password: str) -> bool:
    """
    Make the administrator; says whether there was none.

    Not by `airflow users create`, which wants the password on its command line.
    """
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        security = builder.sm
        if security.find_user(USERNAME):
            return False
        role = security.find_role("Admin")
        made = security.add_user(USERNAME, "License", "Ledger", "admin@localhost", role, password)
        if not made:
            raise SystemExit("Airflow refused to make its first user; its log says why")
    return True


def main() -> int:
    """Migrate, then make the user; returns 0."""
    password = Path(sys.argv[1]).read_text(encoding="utf-8").strip()
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    print(f"made user {USERNAME}" if make_user(password) else f"user {USERNAME} is there", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
