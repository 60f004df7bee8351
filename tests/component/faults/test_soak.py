"""What the runs of the soak meet; they are made by hand: ``scripts/soak.py``."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

from soaking.plan import STEPS, draw  # noqa: E402


def test_what_a_run_meets_is_drawn_from_the_seed() -> None:
    """The same on every machine, different from run to run, and of every kind."""
    plans = [draw(1, number) for number in range(1, 501)]

    assert plans == [draw(1, number) for number in range(1, 501)]
    assert {plan.storage for plan in plans} == {"disk", "s3"}
    assert {plan.rotation for plan in plans} == {plan.standby for plan in plans} == {True, False}
    assert {plan.killed[0] for plan in plans if plan.killed} == set(STEPS)
    assert {plan.broken["step"] for plan in plans if plan.broken} == set(STEPS)
    assert len({plan.case.name for plan in plans if plan.case}) > 60
