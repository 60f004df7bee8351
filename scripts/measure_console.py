"""
How long the console's pages take over an org of a million users, and how much memory.

Makes the published tables, loads them into a DuckDB warehouse, and asks every page twice: the first time, and
again. Wall time on a machine that does other things as well says less than CPU time, so both are told.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "component" / "warehouse"))

from made_snapshots import DAY, made_snapshot

from license_ledger.console.app import create_app
from license_ledger.console.viewer import Viewer
from license_ledger.questions import open_source
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.duckdb import load_all

ROUTES = (
    *("position", "mismatch", "mismatch?cause=in_scope", "reclaim", "reclaim?sort=name&dir=asc", "people"),
    *("reclaim?layer=package&waste=frozen", "reclaim?page=100", "reclaim?q=person+00000000012", "history"),
    *("people?tab=contractors", "people?tab=domains", "trust"),
)


def main() -> int:
    """Run the command. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Measure the console's pages.")
    parser.add_argument("--users", type=int, default=1_000_000)
    users: int = parser.parse_args().users
    with tempfile.TemporaryDirectory(prefix="license-ledger-console-") as directory:
        warehouse = Path(directory) / "warehouse.duckdb"
        began = time.monotonic()
        load_all(warehouse, [made_snapshot(users)], memory_limit="1GB")
        print(f"{users:,} users loaded ({time.monotonic() - began:.0f} s)")
        source = open_source(f"duckdb:///{warehouse}", lambda: Storage.from_url(directory))
        app = create_app(lambda: source, lambda: Viewer(lambda org: True, sees_names=True))
        client = TestClient(app)
        client.get("/static/none")
        print(f"{'page':34} {'first':>8} {'CPU':>8} {'again':>8} {'CPU':>8}  seconds")
        for route in ROUTES:
            times = [_ask(client, route) for _ in range(2)]
            print(f"{route:34} " + " ".join(f"{wall:8.2f} {cpu:8.2f}" for wall, cpu in times))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory of the process, loading included: {peak} MiB")
    return 0


def _ask(client: TestClient, route: str) -> tuple[float, float]:
    wall, cpu = time.monotonic(), time.process_time()
    answer = client.get(f"/{route}{'&' if '?' in route else '?'}day={DAY}")
    if answer.status_code != 200:
        raise SystemExit(f"{route} answered {answer.status_code}")
    return time.monotonic() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.exit(main())
