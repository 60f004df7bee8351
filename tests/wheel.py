"""The package as people install it: built as a release builds it, of this checkout as it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "scripts"))

from releasing.packages import build_wheel  # noqa: E402
from releasing.source import made_alike  # noqa: E402

EPOCH = 1_796_000_000
"""A moment in the last days before 1.0.0."""


def built_wheel(root: Path) -> Path:
    """Build the wheel below a directory, from a copy of what it is made of."""
    source = root / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(
        ROOT / "include" / "license_ledger", source / "include" / "license_ledger", ignore=ignored
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    made_alike(source, EPOCH)
    return build_wheel(source, root / "wheels", EPOCH)
