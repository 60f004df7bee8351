"""An Airflow that is installed apart from this checkout."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Installation:
    """
    An Airflow of its own: a virtual environment and a home.

    Attributes:
        venv: the environment.
        home: AIRFLOW_HOME.
        settings: environment variables of whoever runs it.
    """

    venv: Path
    home: Path
    settings: dict[str, str]

    def run(self, *argv: str, fails: bool = False, **settings: str) -> str:
        """A command of the environment; what it printed."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AIRFLOW", "_AIRFLOW", "LICENSE_LEDGER", "PYTHON", "VIRTUAL_ENV"))
        }
        done = subprocess.run(
            [str(self.venv / "bin" / argv[0]), *argv[1:]],
            cwd=self.home,
            env=inherited | self.settings | settings,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == int(fails), done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout

    def version(self, package: str) -> str:
        """The version that is installed."""
        return self.run(
            "python", "-c", f"import importlib.metadata as m; print(m.version('{package}'))"
        ).strip()
