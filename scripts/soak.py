"""
Hundreds of runs of the whole walk with random faults, the ground truth compared after each.

    PYTHONPATH=. python scripts/soak.py                       500 runs
    PYTHONPATH=. python scripts/soak.py --runs 20 --seed 7

A demo org is served over HTTPS and moves from day to day; landing and staging lie on the local disk and
behind an S3 API in turn; every step is a process of its own. What a run meets is drawn from the seed: any
case of the fault matrix, a network that spoils every call, a disk that is full, read-only or broken from the
n-th change on, an object store that refuses or cuts requests, a kill. (When a kill falls is a share of the
step's usual time; what is under way then is up to the machine.) After each run the published day is compared
with the ground truth, the warehouse with what is published, and everything that was written or said is
searched for every secret issued so far.

Prints a summary, and exits 1 unless nothing wrong was published, no secret was found, every grant that was
lost was taken over by its standby, and every failure has a heading in the runbook.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from tests.component.faults.apart import apart
from tests.component.faults.breaking import s3_behind_a_proxy

from demo_org.control import Control
from license_ledger.staging.storage import Storage
from soaking.plan import draw
from soaking.runs import SWITCHES, Soak

FIRST_DAY = date(2026, 3, 2)
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def main(arguments: list[str] | None = None) -> int:
    """Soak; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--runs", type=int, default=500, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides what they meet (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="number of the first run (default: %(default)s)")
    parser.add_argument("--users", type=int, default=40, help="people in the org (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="begin no further run after so many minutes")
    parser.add_argument("--report", type=Path, help="JSON file for the sums, kept up to date")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ledger-soak-") as folder:
        root = Path(folder)
        for name in ("logs", "disk", "s3", "truth", "tokens"):
            (root / name).mkdir()
        os.environ.update(KEYS)
        with _org(root / "org", options) as access, s3_behind_a_proxy() as (_, proxy):
            os.environ["AWS_ENDPOINT_URL"] = proxy
            return _soak(root, access, proxy, options)


def _soak(root: Path, access: dict[str, Any], proxy: str, options: argparse.Namespace) -> int:
    control = Control(access["http_url"])
    control.options(**SWITCHES)
    connection = json.loads(Path(access["connection"]).read_text(encoding="utf-8"))
    for name in ("refresh_token", "standby_refresh_token"):
        connection["extra"][name] = control.new_refresh_token()
    apart(lambda: Storage.from_url("s3://soak/x").fs.mkdir("soak"), root / "logs" / "begin.log")
    org = {"seed": options.seed, "users": options.users}
    soak = Soak(root, control, connection, org, proxy, FIRST_DAY)
    began = time.monotonic()
    for number in range(options.first, options.first + options.runs):
        if options.minutes and time.monotonic() - began > 60 * options.minutes:
            break
        soak.run(draw(options.seed, number))
        if options.report:
            soak.tally.write(options.report)
    soak.final_search(root / "logs" / "end.log")
    if options.report:
        soak.tally.write(options.report)
    print(soak.tally.summary())
    return 0 if soak.tally.is_clean else 1


@contextmanager
def _org(state: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A demo org in a process of its own; what it tells about itself."""
    command = [sys.executable, "-m", "demo_org", "serve", "--users", str(options.users)]
    command += ["--seed", str(options.seed), "--today", FIRST_DAY.isoformat(), "--state-dir", str(state)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout
    try:
        yield dict(json.loads(server.stdout.readline()))
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    raise SystemExit(main())
