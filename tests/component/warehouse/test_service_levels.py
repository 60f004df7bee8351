"""The query of the service levels, as docs/operations.md has it, counts what it says it counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from made_snapshots import MadeSnapshot, made_snapshot
from tests.pg import connected, running

from license_ledger.warehouse.duckdb import load_all

ROOT = Path(__file__).parents[3]
TODAY = datetime.now(UTC).date()


def query() -> str:
    """The one SQL block of the page."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    [text] = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    return str(text)


def captured(day: date, hour: int) -> datetime:
    """An hour of a day, UTC."""
    return datetime.combine(day, time(hour), UTC)


def unexplained(snapshot: MadeSnapshot) -> MadeSnapshot:
    """The snapshot with the seats of one cause left without one."""
    rows = snapshot.tables["mismatches"].to_pylist()
    first = next(row for row in rows if row["cause"] != "unexplained" and row["seat_count"])
    same = (first["license_layer"], first["license_id"], "unexplained")
    rows = [row for row in rows if (row["license_layer"], row["license_id"], row["cause"]) != same]
    first["cause"] = "unexplained"
    made = pa.Table.from_pylist(rows, schema=snapshot.tables["mismatches"].schema)
    counts = json.loads(snapshot.row["rows"]) | {"mismatches": made.num_rows}
    return replace(
        snapshot,
        tables={**snapshot.tables, "mismatches": made},
        row={**snapshot.row, "rows": json.dumps(counts)},
    )


def days() -> list[MadeSnapshot]:
    """A good day, a late, a reconstructed, one that is partial and not explained, and one long ago."""
    cases: list[dict[str, Any]] = [
        {},
        {"captured_at": captured(TODAY - timedelta(days=1), 7)},
        {"provenance": "reconstructed", "captured_at": captured(TODAY - timedelta(days=2), 0)},
        {"is_partial": True},
    ]
    made = []
    for ago, case in enumerate(cases):
        day = TODAY - timedelta(days=ago)
        made.append(made_snapshot(60, day=day, **{"captured_at": captured(day, 1), **case}))
    made[-1] = unexplained(made[-1])
    old = TODAY - timedelta(days=30)
    return [*made, made_snapshot(60, day=old, captured_at=captured(old, 1))]


@pytest.fixture(params=["duckdb", "postgres"])
def answer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[tuple[Any, ...]]]:
    """What the query answers in a warehouse of those days."""
    if request.param == "duckdb":
        load_all(tmp_path / "warehouse.duckdb", days())
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as connection:
            yield connection.execute(query()).fetchall()
        return
    with running() as server:
        name = server.database()
        server.warehouse(name).load_all(days())
        with connected(server.url(name)) as postgres:
            yield postgres.execute(query()).fetchall()


def test_days_are_counted_by_what_was_promised_of_them(answer: list[tuple[Any, ...]]) -> None:
    """Four days of the last thirty: two were fresh, three whole and explained; the fifth is too old."""
    [(_, found, fresh, whole, explained, newest)] = answer

    assert (found, fresh, whole, explained, newest) == (4, 2, 3, 3, TODAY)
