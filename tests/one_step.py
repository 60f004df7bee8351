"""
One step of the walk in a process of its own, as a worker would run it; prints what it cost.

Usage: python -m tests.one_step '{"step": "transform", "connection": …, "root": …, "now": …, "unit": …}'
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

# What every Airflow task has loaded before it begins.
import airflow.sdk.execution_time.task_runner  # noqa: F401

from tests.peak import peak_mib


def main() -> None:
    """Run the step; the last line of output is JSON: receipt, peak memory in MiB, CPU seconds."""
    order = json.loads(sys.argv[1])
    receipt = None if order["step"] == "nothing" else _receipt(order)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"peak_mib": peak_mib(), "cpu_seconds": used.ru_utime + used.ru_stime}
    print(json.dumps({"receipt": receipt, **cost}))


def _receipt(order: dict[str, Any]) -> Any:
    from license_ledger import extraction
    from tests.walk import FileTokens, MemoryJob, Walk

    root = Path(order["root"])
    connection = json.loads(Path(order["connection"]).read_text())
    tokens = FileTokens(root / "tokens.json")
    walk = Walk(connection, root, datetime.fromisoformat(order["now"]), tokens, order.get("values", {}))
    context = walk.context()
    if order["step"] == "extract":
        return extraction.extract(context, order["unit"], MemoryJob())
    if order["step"] in ("refresh_token", "inspect_org"):
        return getattr(extraction, order["step"])(context)
    from license_ledger import pipeline

    return getattr(pipeline, order["step"])(context)


if __name__ == "__main__":
    main()
