"""The bench measures what it says: who runs in it, what was asked of the server, who was right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts"))

from bench.budgets import Budget, of_contenders, of_scale  # noqa: E402
from bench.truth import judge  # noqa: E402

USERS, PEER_USERS = 3_000, 2_500
RUN = ("ledger", "limit", "simple_salesforce_rest", "provider_hook", "provider_file")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A whole bench of a few thousand users, of those that run in the project's own environment."""
    root = tmp_path_factory.mktemp("bench")
    command = [
        *(sys.executable, "-m", "bench", "--users", str(USERS), "--peer-users", str(PEER_USERS)),
        *("--rounds", "1", "--answers", "gzip", "--no-walk", "--folder", str(root)),
        *("--own", "--record", str(root / "record.json"), "--only", *RUN),
    ]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr[-3000:]
    found: dict[str, Any] = json.loads((root / "record.json").read_text("utf-8"))["bench"]
    return found


@pytest.mark.endurance
@pytest.mark.parametrize("name", RUN)
def test_everybody_extracts_every_user_as_it_is(measured: dict[str, Any], name: str) -> None:
    """Each contender brings all rows with all values, and asked the server for them."""
    result = measured["answers"]["gzip"][name]

    assert result["failure"] == ""
    assert result["verdict"]["rows"] == result["users"]
    assert result["verdict"]["is_right"], result["verdict"]
    assert result["calls"] > 1
    assert result["cpu_seconds"] > 0
    assert result["peak_mib"] > 20


@pytest.mark.endurance
def test_who_asks_for_plain_answers_gets_more_bytes(measured: dict[str, Any]) -> None:
    """With compression on, the ledger, which declines it, receives more than the limit, which takes it."""
    results = measured["answers"]["gzip"]

    assert results["ledger"]["bytes"] > 2 * results["limit"]["bytes"]


@pytest.mark.endurance
def test_the_ledger_types_what_the_provider_leaves_as_text(measured: dict[str, Any]) -> None:
    """No column of the ledger is untyped; the moments of the provider's frame and file are text."""
    results = measured["answers"]["gzip"]

    assert results["ledger"]["verdict"]["untyped_columns"] == []
    for name in ("provider_hook", "provider_file"):
        assert "CreatedDate" in results[name]["verdict"]["untyped_columns"]


KINDS = {"Id": "string", "Title": "string", "IsActive": "boolean", "CreatedDate": "datetime"}
IDS = [f"00500000000000{number}AAA"[:18].ljust(18, "A") for number in range(3)]
MOMENTS = ["2026-01-01T00:00:00.000Z", "2026-01-02T10:20:30.000+0000", None]


def _table(**columns: Any) -> pa.Table:
    whole: dict[str, Any] = {
        "Id": IDS,
        "Title": ["NA", "two\nlines", None],
        "IsActive": ["true", "false", "true"],
        "CreatedDate": MOMENTS,
    }
    return pa.table(whole | columns)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"Title": [None, "two\nlines", None]}, {"made_nulls": 1}),
        ({"Title": ["NA", "two\nlines", ""]}, {"lost_nulls": 1}),
        ({"Title": ["NA", "twolines", None]}, {"wrong": {"text": 1, "flag": 0, "moment": 0}}),
        ({"IsActive": ["true", "true", "true"]}, {"wrong": {"text": 0, "flag": 1, "moment": 0}}),
        (
            {"CreatedDate": ["2026-01-01T01:00:00.000Z", *MOMENTS[1:]]},
            {"wrong": {"text": 0, "flag": 0, "moment": 1}},
        ),
        ({"Id": [IDS[0], IDS[1], IDS[1]]}, {"missing_rows": 1, "surplus_rows": 1}),
        ({"Id": [IDS[0], IDS[1], IDS[2][:15]]}, {"missing_rows": 1, "surplus_rows": 1, "short_ids": 1}),
    ],
)
def test_every_kind_of_damage_is_seen(columns: dict[str, Any], told: dict[str, Any]) -> None:
    """A null made or lost, a text, flag or moment changed, a row doubled, an id cut: each is counted."""
    verdict = judge(_table(**columns), _table(), KINDS)

    assert {name: getattr(verdict, name) for name in told} == told
    assert not verdict.is_right


def test_what_is_right_is_called_right() -> None:
    """Names in other case and moments spelled otherwise are the same values, though untyped."""
    found = _table().rename_columns(["id", "title", "is_active", "createddate"])

    verdict = judge(found, _table(), KINDS)

    assert verdict.is_right
    assert verdict.untyped_columns == ["IsActive", "CreatedDate"]


def test_budgets_compare_what_they_say() -> None:
    """Starts are taken off where the sizes differ; a ratio below its bound is broken."""
    plain = {
        "ledger": {"users": 1_000_000, "cpu_seconds": 6.0},
        "limit": {"users": 1_000_000, "cpu_seconds": 5.0},
        "simple_salesforce_bulk": {"users": 1_000_000, "cpu_seconds": 8.0},
        "provider_hook": {"users": 20_000, "cpu_seconds": 4.0},
    }
    starts = {"ledger": {"cpu_seconds": 1.0}, "provider_hook": {"cpu_seconds": 2.0}}

    found = [(each.measured, each.is_kept) for each in of_contenders({"plain": plain}, starts)]

    assert found == [(20.0, True), (pytest.approx(8 / 6), False), (pytest.approx(1.2), True)]


def test_whole_processes_are_compared_where_all_extract_the_same() -> None:
    """At one size a start is part of what an extract costs."""
    plain = {
        "ledger": {"users": 1_000_000, "cpu_seconds": 4.0},
        "provider_hook": {"users": 1_000_000, "cpu_seconds": 44.0},
    }
    starts = {"ledger": {"cpu_seconds": 1.0}, "provider_hook": {"cpu_seconds": 2.0}}

    [found] = of_contenders({"plain": plain}, starts)

    assert (found.measured, found.is_kept) == (11.0, False)


def test_memory_above_the_budget_is_broken() -> None:
    """The step that takes most is named, at every large size and at that of this run."""
    step = {"cpu_seconds": 1.0, "seconds": 1.0, "peak_mib": 401.0}
    size = {
        "steps": {"extract User": step, "transform": step | {"peak_mib": 10.0, "seconds": 0.5}},
        "published_bytes": 50,
        "machine": {"on": "2026-11-24"},
    }

    [memory, clock, stored] = of_scale({"1000": size}, "1000")

    assert not memory.is_kept
    assert "most in extract User" in memory.line()
    assert (clock.measured, stored.measured) == (1.5, 0.05)
    assert Budget("x", 1.0, 1.0).is_kept
    assert Budget("x", 1.0, 1.0, at_least=True).is_kept
