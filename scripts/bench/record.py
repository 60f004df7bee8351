"""The record of what was measured: `docs/performance.json`."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What was measured on, and when; nothing that names the machine."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "on": datetime.now(UTC).date().isoformat(),
    }


def read(path: Path) -> dict[str, Any]:
    """The record; empty where there is none."""
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def write(path: Path, record: dict[str, Any]) -> None:
    """Keep the record."""
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", "utf-8")
