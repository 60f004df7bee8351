"""Licenses and their numbers as of a past moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from license_ledger.history.totals import licenses_then, metrics_then, with_metrics
from license_ledger.transform.landed import USED_AS_OF

MOMENT = datetime(2026, 9, 1, tzinfo=UTC)
STAMP = pa.timestamp("us", "UTC")


def metrics(*rows: tuple[date, datetime | None, int]) -> pa.Table:
    """Landed metrics of one license: day, when written, seats used."""
    return pa.table(
        {
            "Id": [f"m{number}" for number in range(len(rows))],
            "MetricsDate": pa.array([row[0] for row in rows], pa.date32()),
            "PermissionSetLicenseId": ["p"] * len(rows),
            "AssignedUserCount": pa.array([row[2] for row in rows], pa.int64()),
            "TotalLicenses": pa.array([100] * len(rows), pa.int64()),
            "SystemModstamp": pa.array([row[1] for row in rows], STAMP),
        }
    )


EVE, DAY = date(2026, 8, 31), date(2026, 9, 1)
METRICS: list[tuple[str, list[Any], list[tuple[int, datetime]]]] = [
    (
        "written a second before the day",
        [(EVE, MOMENT - timedelta(seconds=1), 7), (DAY, MOMENT + timedelta(hours=24), 9)],
        [(7, MOMENT - timedelta(seconds=1))],
    ),
    (
        "written in the night after",
        [(EVE, MOMENT + timedelta(hours=3), 7), (DAY, MOMENT + timedelta(hours=27), 9)],
        [(7, MOMENT + timedelta(hours=3))],
    ),
    ("not told when written", [(EVE, None, 7), (DAY, None, 9)], [(9, MOMENT)]),
    (
        "written much later",
        [(EVE, MOMENT + timedelta(days=9), 7), (DAY, MOMENT + timedelta(days=9), 9)],
        [(9, MOMENT)],
    ),
    ("of other days only", [(date(2026, 8, 1), datetime(2026, 8, 2, tzinfo=UTC), 7)], []),
    ("none", [], []),
]


@pytest.mark.parametrize(
    ("rows", "expected"), [case[1:] for case in METRICS], ids=[case[0] for case in METRICS]
)
def test_the_metric_of_a_moment(rows: list[Any], expected: list[tuple[int, datetime]]) -> None:
    """The one written nearest to it counts, else the one dated on the day."""
    found = metrics_then(metrics(*rows), MOMENT).to_pylist()

    assert [(row["AssignedUserCount"], row[USED_AS_OF]) for row in found] == expected


def test_licenses_forget_what_nobody_remembers() -> None:
    """Counters, seats and status are null; a license that was made later is not there; -1 stays -1."""
    landed = pa.table(
        {
            "Id": ["old", "new", "site"],
            "NamespacePrefix": ["a", "b", "c"],
            "Status": ["Active"] * 3,
            "AllowedLicenses": pa.array([5, 5, -1], pa.int64()),
            "UsedLicenses": pa.array([1, 2, 3], pa.int64()),
            "CreatedDate": pa.array([MOMENT, MOMENT + timedelta(days=1), None], STAMP),
        }
    )
    then = licenses_then(landed, MOMENT)

    assert then.schema == landed.schema
    assert then["Id"].to_pylist() == ["old", "site"]
    assert then["AllowedLicenses"].to_pylist() == [None, -1]
    assert then["UsedLicenses"].null_count == then["Status"].null_count == 2


@pytest.mark.parametrize("measured", [True, False])
def test_a_metric_gives_a_license_its_numbers(measured: bool) -> None:
    """Used and bought seats, and as of when; without one they stay null."""
    license_ = pa.table(
        {
            "Id": ["p"],
            "UsedLicenses": pa.nulls(1, pa.int64()),
            "TotalLicenses": pa.nulls(1, pa.int64()),
        }
    )
    written = MOMENT - timedelta(seconds=1)
    then = metrics_then(metrics((EVE, written, 7)), MOMENT) if measured else None
    (row,) = with_metrics(license_, then).to_pylist()

    expected = (7, 100, written) if measured else (None, None, None)
    assert (row["UsedLicenses"], row["TotalLicenses"], row[USED_AS_OF]) == expected
