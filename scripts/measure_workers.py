"""
Measure what several machines bring: the users of one org extracted by one Celery worker, then by three.

The org makes every result page wait, as an org far away or busy does; so the time is that of waiting, which
several workers do at once. Each cluster is started anew, with Redis, Postgres and an S3 API as plain
processes; the scheduled run of the day is taken. Prints seconds of the extract of the users, from the start
of its first share to the end of its last, and of the whole run, and the ratios; exit status 1 when three
workers are less than twice as fast at the extract.

Usage: PYTHONPATH=. python scripts/measure_workers.py [--pages 24] [--wait 8] [--workers 1 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.demo_org_fixtures import RunningOrg  # noqa: E402
from tests.e2e.several_machines import Cluster, cluster  # noqa: E402

from demo_org.options import OrgOptions  # noqa: E402
from demo_org.server import DemoOrg  # noqa: E402
from demo_org.world import World  # noqa: E402

ORG = "salesforce_default"
DAG_ID = "salesforce_license_snapshot"
BAR = 2.0
PAGE = 1000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--pages", type=int, default=24, help="result pages of the users")
    parser.add_argument("--wait", type=float, default=8.0, help="seconds that the org makes a page wait")
    parser.add_argument("--workers", type=int, nargs=2, default=(1, 3), metavar="N")
    options = parser.parse_args()
    world = World(seed=5, users=options.pages * PAGE, today=datetime.now(UTC).date())
    found = {count: _measured(world, count, options) for count in options.workers}
    few, many = (found[count] for count in options.workers)
    print(f"{options.pages} pages of {PAGE} users, {options.wait:g} s each; {max(options.workers)} shares")
    for count, seconds in found.items():
        print(
            f"  {count} worker{'s' if count > 1 else ' '}: extract of the users {seconds['users']:6.1f} s, "
            f"all extracts {seconds['extract']:6.1f} s, whole run {seconds['run']:6.1f} s"
        )
    ratios = {name: few[name] / many[name] for name in few}
    print("  ratio: " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    return 0 if ratios["users"] >= BAR else 1


def _measured(world: World, workers: int, options: argparse.Namespace) -> dict[str, float]:
    """Take a snapshot with so many workers; seconds."""
    with tempfile.TemporaryDirectory(prefix="measure-workers-") as directory:
        root = Path(directory)
        server = DemoOrg(world, OrgOptions(rotation=True, bulk_seconds=0.1), root / "org")
        with server:
            org = RunningOrg(server)
            org.control.fault("stall", path=r"/results$", count=None, after=0.0, seconds=options.wait)
            with cluster(
                root / "home",
                {ORG: org.connection()},
                workers=workers,
                slots=1,
                LICENSE_LEDGER_BULK_SHARES=str(max(options.workers)),
                LICENSE_LEDGER_BULK_PAGE_RECORDS=str(PAGE),
                # Only the users wait: everything else comes by REST.
                LICENSE_LEDGER_BULK_THRESHOLD=str(options.pages * PAGE - 1),
            ) as running:
                return _seconds(running)


def _seconds(running: Cluster) -> dict[str, float]:
    run = running.ended(DAG_ID, timeout=1800)
    if run["state"] != "success":
        raise SystemExit(f"the run ended as {run['state']}")
    extracts = [task for task in running.tasks(DAG_ID) if task["task_id"] == "extract"]
    users = [task for task in extracts if task["rendered_map_index"].startswith("User ")]
    return {"users": _span(users), "extract": _span(extracts), "run": _span([run])}


def _span(parts: list[dict[str, Any]]) -> float:
    """Seconds from the first start to the last end."""
    starts = [datetime.fromisoformat(part["start_date"]) for part in parts]
    ends = [datetime.fromisoformat(part["end_date"]) for part in parts]
    return (max(ends) - min(starts)).total_seconds()


if __name__ == "__main__":
    sys.exit(main())
