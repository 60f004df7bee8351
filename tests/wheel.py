"""The package as people install it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"


def built_wheel(root: Path) -> Path:
    """Build the wheel below a directory, from a copy of what it is made of."""
    source, wheels = root / "source", root / "wheels"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(
        ROOT / "include" / "license_ledger", source / "include" / "license_ledger", ignore=ignored
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    wheels.mkdir()
    built = [sys.executable, "-c", BUILD, str(wheels)]
    subprocess.run(built, cwd=source, check=True, capture_output=True, timeout=120)
    [wheel] = wheels.glob("*.whl")
    return wheel
