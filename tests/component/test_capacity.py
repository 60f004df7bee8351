"""The capacity model: its figures are those of a snapshot, and the docs say what it computes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from demo_org.world import World
from license_ledger import pipeline
from tests.demo_org_fixtures import TODAY, StartOrg
from tests.walk import Walk, noon

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import capacity  # noqa: E402

USERS = 3_000


def size_below(root: Path, skip: str = "-") -> int:
    """Bytes of the files below a directory, without those below another of a name."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and skip not in path.parts)


def test_a_snapshot_costs_what_the_model_says(start_demo_org: StartOrg, tmp_path: Path) -> None:
    """Rows, calls and bytes of an org that is not the one that was measured."""
    # How often a job is asked about depends on the speed of the machine: these are done at once.
    org = start_demo_org(world=World(seed=77, users=USERS, today=TODAY), bulk_seconds=0)
    walk = Walk(org.connection(), tmp_path, noon(TODAY), values={"warehouse": ""})
    context = walk.chosen(walk.context())
    walk.extract(context)
    rows = walk.settle(context, load=False)["rows"]
    plan = capacity.plan(1, USERS, landing_days=1, history_days=1)
    fewest = replace(capacity.MEASURED, polls=1)

    assert plan.rows == pytest.approx(sum(rows.values()), rel=0.1)
    assert plan.staging_gb * 1e9 == pytest.approx(size_below(tmp_path / "staging", "_landing"), rel=0.15)
    assert plan.landing_gb * 1e9 == pytest.approx(size_below(tmp_path / "staging" / "_landing"), rel=0.15)
    bulk_objects = 2
    spared = bulk_objects * (capacity.MEASURED.polls - fewest.polls)
    assert pipeline.calls_of(context) == pytest.approx(plan.calls - spared, abs=2)


@pytest.mark.parametrize(
    ("users", "shares", "expected"),
    [
        pytest.param(500, 1, 10, id="all by REST"),
        pytest.param(5_000, 1, 10 + 2 * (2 + 13 + 1 + 1), id="two objects of one page"),
        pytest.param(
            1_000_000, 1, 10 + (15 + 20 + 4) + (15 + 18 + 4) + (15 + 6 + 2), id="many pages, one task each"
        ),
        pytest.param(
            1_000_000,
            3,
            10 + (2 + 39 + 20 + 4) + (2 + 39 + 18 + 4) + (15 + 6 + 2),
            id="three shares poll three times",
        ),
    ],
)
def test_calls_follow_from_pages(users: int, shares: int, expected: int) -> None:
    """Worked out by hand: start, polls, lists, pages, delete."""
    assert capacity.calls(users, shares=shares) == expected


def test_everything_grows_with_the_orgs() -> None:
    """Ten times the orgs need ten times of all but what is one org's own; slots are rounded up."""
    one, ten = capacity.plan(10, 5_000), capacity.plan(100, 5_000)

    assert (ten.calls, ten.calls_percent) == (one.calls, one.calls_percent)
    assert ten.rows == 10 * one.rows
    assert ten.landing_gb == pytest.approx(10 * one.landing_gb)
    assert ten.staging_gb == pytest.approx(10 * one.staging_gb)
    assert ten.metadata_rows == 10 * one.metadata_rows
    assert one.slots <= ten.slots <= 10 * one.slots


def test_the_docs_hold_the_table_that_the_script_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """For 10, 100 and 1,000 orgs, to the last digit."""
    sys_argv, sys.argv = sys.argv, ["capacity.py"]
    try:
        capacity.main()
    finally:
        sys.argv = sys_argv
    printed = capsys.readouterr().out.strip()

    assert [line.split("|")[1].strip() for line in printed.splitlines()[2::3]] == ["10", "100", "1,000"]
    assert printed in (ROOT / "docs" / "scale.md").read_text("utf-8")
