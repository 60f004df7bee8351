"""
Measure replaying against extracting: how long a year of days takes each way, side by side in one run.

Extracts some days of an org of 10,000 users, served by a process of its own, in three ways that people have:
by the DAG in Airflow (``make run``), by the steps of the walk alone, and as bare downloads. Then the
landings are repeated to a year of days, the org is stopped, and ``license-ledger replay`` makes all of them
anew under another company list. Prints seconds per day and the ratios; says how many requests the org had.

Usage: python scripts/measure_replay.py [--days 365] [--users 10000]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.walk import Walk  # noqa: E402

from demo_org.control import Control  # noqa: E402

SAMPLES = 5
SERVE = """
import sys
from datetime import date
from pathlib import Path
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
org = DemoOrg(World(seed=3, users=int(sys.argv[1])), OrgOptions(), Path(sys.argv[2]))
org.write_connection("acme.com")
org.run()
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--users", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="measure-replay-") as directory:
        root = Path(directory)
        argv = [sys.executable, "-c", SERVE, str(options.users), str(root / "org")]
        (root / "org").mkdir()
        server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            control = Control(json.loads(server.stdout.readline())["http_url"])
            connection = json.loads((root / "org" / "connection.json").read_text("utf-8"))
            by_dag = _by_airflow(root, connection)
            walk, extracts, settles = _by_walk(root, connection)
        finally:
            asked = len(control.ask("requests"))
            server.terminate()
            server.wait(30)
        days = _repeat(root, options.days)
        replayed = _replay(walk, days)
    each = replayed / options.days
    print(f"requests of the org while extracting: {asked}; while replaying it was not running")
    print(f"replay of {options.days} days at {options.users:,} users: {replayed:.1f} s, {each:.3f} s a day")
    for words, seconds in (
        ("extracting a day by its DAG run in Airflow", by_dag),
        ("extracting a day by the steps of the walk, no Airflow", median(extracts) + median(settles)),
        ("downloading a day from a server without delay, nothing else", median(extracts)),
    ):
        print(f"{words}: {seconds:.2f} s, {seconds / each:.1f} times a replay")


def _by_airflow(root: Path, connection: dict[str, object]) -> float:
    """Seconds of the DAG run of today, in a local Airflow that is up already."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "LICENSE_LEDGER"))}
    env = inherited | {
        "LICENSE_LEDGER_HOME": str(root / "home"),
        "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps(connection),
    }
    taken = []
    for _ in range(2):  # the first one has Airflow's tables to make
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "run.py")],
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
        taken.append(sum(float(words[-2]) for words in lines if words and words[-1] == "s"))
    return min(taken)


def _by_walk(root: Path, connection: dict[str, object]) -> tuple[Walk, list[float], list[float]]:
    walk = Walk(connection, root, datetime.now(UTC))
    extracts, settles = [], []
    for _ in range(SAMPLES):
        context = walk.chosen(walk.context())
        began = time.perf_counter()
        walk.extract(context)
        extracts.append(time.perf_counter() - began)
        began = time.perf_counter()
        walk.settle(context, load=False)
        settles.append(time.perf_counter() - began)
    return walk, extracts, settles


def _repeat(root: Path, days: int) -> list[date]:
    """The last landing under each of the days before today, as if it had been taken on each."""
    landing = root / "staging" / "_landing"
    (org,) = landing.glob("org_id=*")
    today = datetime.now(UTC).date()
    (newest,) = sorted((org / f"snapshot_date={today}").glob("run=*"))[-1:]
    made = [today - timedelta(days=n) for n in range(1, days + 1)]
    for day in made:
        target = org / f"snapshot_date={day}" / newest.name
        shutil.copytree(newest, target, copy_function=os.link)
        (target / "inspection.json").unlink()
        text = (newest / "inspection.json").read_text("utf-8")
        (target / "inspection.json").write_text(text.replace(str(today), str(day)), "utf-8")
    return made


def _replay(walk: Walk, days: list[date]) -> float:
    settings = walk.settings
    env = os.environ | {
        "LICENSE_LEDGER_STAGING": settings.staging,
        "LICENSE_LEDGER_WAREHOUSE": settings.warehouse,
    }
    argv = [
        sys.executable,
        "-m",
        "license_ledger",
        "replay",
        "--company",
        "acme.com",
        "--company",
        "*.acme.com",
    ]
    began = time.perf_counter()
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    taken = time.perf_counter() - began
    assert f"{len(days)} replayed" in done.stdout, done.stdout + done.stderr
    return taken


if __name__ == "__main__":
    main()
