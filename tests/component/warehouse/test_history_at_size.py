"""
A year of daily snapshots is answered in seconds, a day of it at once.

``LEDGER_TEST_YEAR_USERS=10000`` is the size that the documents speak of; 3,000 is what a suite has time for.
"""

from __future__ import annotations

import os
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from made_snapshots import ORG
from made_year import FIRST, made_year

from license_ledger.warehouse.duckdb import open_readonly
from license_ledger.warehouse.movements import between, breaches

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

USERS, DAYS = int(os.environ.get("LEDGER_TEST_YEAR_USERS", "3000")), 365
SECONDS = 30.0
"""Processor time for the whole year; wall-clock time is about half of it on two idle cores."""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of a year."""
    path = tmp_path_factory.mktemp("year") / "warehouse.duckdb"
    made_year(path, USERS, DAYS)
    return path


def _costs(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float, int]:
    """Processor seconds of a query that reads every column, and its rows."""
    began = time.process_time()
    rows = connection.sql(query).to_arrow_table().num_rows
    return time.process_time() - began, rows


@pytest.mark.parametrize(
    ("view", "memory_limit"),
    [
        ("movements", "2GB"),
        ("seat_movements", "2GB"),
        ("license_flows", "2GB"),
        ("users_history", "1GB"),
        ("license_changes", "256MB"),
        ("license_trend", "256MB"),
        ("license_month_ends", "256MB"),
        ("license_quarters", "256MB"),
        ("license_forecast", "256MB"),
        ("renewals", "256MB"),
        ("native_metrics", "256MB"),
        ("control_differences", "256MB"),
        ("data_trust", "256MB"),
    ],
)
def test_a_year_is_answered_in_seconds(year: Path, view: str, memory_limit: str) -> None:
    """Every view over history reads the whole year in seconds, within a stated memory."""
    with open_readonly(year, memory_limit=memory_limit) as connection:
        seconds, rows = _costs(connection, f"SELECT * FROM {view}")

    assert rows
    assert seconds < SECONDS, f"{view} took {seconds:.1f} s of processor time"


@pytest.mark.parametrize("view", ["movements", "seat_movements", "license_changes"])
@pytest.mark.parametrize("days", ["snapshot_date = DATE '2026-01-15'", "is_latest"])
def test_a_day_does_not_read_the_year(year: Path, view: str, days: str) -> None:
    """One day of a view that compares days is answered within the console's memory, at once."""
    with open_readonly(year) as connection:
        seconds, _ = _costs(connection, f"SELECT * FROM {view} WHERE {days}")
        whole, _ = _costs(connection, "SELECT count(DISTINCT user_id) FROM users")

    assert seconds < max(1.0, whole), f"{seconds:.2f} s; reading one column of the year takes {whole:.2f} s"


def test_two_days_a_year_apart_are_compared_at_once(year: Path) -> None:
    """Any two days are compared within the console's memory, and tell each change once."""
    last = FIRST + timedelta(days=DAYS - 1)
    with open_readonly(year) as connection:
        began = time.process_time()
        found = between(connection, ORG, FIRST, last)
        seconds = time.process_time() - began
        daily = connection.execute(
            "SELECT count(*) FROM users WHERE snapshot_date = ? AND created_at > ?", [last, FIRST]
        ).fetchone()

    kinds = found["kind"].to_pylist()
    assert daily is not None
    assert kinds.count("joiner") == daily[0] > 0
    assert seconds < 2.0


def test_a_year_keeps_its_rules(year: Path) -> None:
    """Seats are conserved for every license and day, ranges of users do not overlap, nobody is lost."""
    with open_readonly(year, memory_limit="2GB") as connection:
        assert breaches(connection) == []
        [(first,)] = connection.execute("SELECT min(snapshot_date) FROM license_flows").fetchall()

    assert first == date(2025, 7, 2)
