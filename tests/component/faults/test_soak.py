"""What the runs of the soak meet, and a few of them; hundreds are made by hand: ``scripts/soak.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from soaking.plan import STEPS, draw  # noqa: E402

SEED, FIRST, RUNS = 254, 5, 7
"""An org that moves to the next day, a lost grant, a kill, a network, disks and a store that fail."""


def test_what_a_run_meets_is_drawn_from_the_seed() -> None:
    """The same on every machine, different from run to run, and of every kind."""
    plans = [draw(1, number) for number in range(1, 501)]

    assert plans == [draw(1, number) for number in range(1, 501)]
    assert {plan.storage for plan in plans} == {"disk", "s3"}
    assert {plan.rotation for plan in plans} == {plan.standby for plan in plans} == {True, False}
    assert {plan.killed[0] for plan in plans if plan.killed} == set(STEPS)
    assert {plan.broken["step"] for plan in plans if plan.broken} == set(STEPS)
    assert len({plan.case.name for plan in plans if plan.case}) > 60


@pytest.mark.slow
@pytest.mark.endurance
def test_a_few_runs_with_random_faults(tmp_path: Path) -> None:
    """Nothing wrong is published or loaded, no secret is anywhere, every failure has its heading."""
    report = tmp_path / "report.json"
    numbers = ["--seed", str(SEED), "--first", str(FIRST), "--runs", str(RUNS), "--report", str(report)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "soak.py"), *numbers],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    plans = [draw(SEED, number) for number in range(FIRST, FIRST + RUNS)]
    kinds = {name.split(":")[0] for plan in plans for name in plan.names}

    assert done.returncode == 0, done.stdout
    told = json.loads(report.read_text(encoding="utf-8"))
    assert (told["wrong"], told["leaks"], told["unexplained"]) == ([], [], [])
    assert told["runs"] == RUNS
    assert told["published"] >= 2
    assert told["secrets"] > 0
    assert told["struck"] > 0
    assert set(told["outcomes"]) == {name for plan in plans for name in plan.names}
    assert {"org", "network", "storage", "killed"} <= kinds
    assert {plan.storage for plan in plans} == {"disk", "s3"}
