"""What pages make of rows: notices, sparklines, waterfalls, cells, and exports that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from license_ledger.console.app import create_app
from license_ledger.console.charts import SPARK_HEIGHT, SPARK_WIDTH, spans, spark_path, steps
from license_ledger.console.choice import Choice
from license_ledger.console.export import harmless
from license_ledger.console.viewer import Viewer
from license_ledger.errors import ConfigError, StoreBusy
from license_ledger.questions import NAMING, NothingYet, Session
from license_ledger.schemas import TABLES
from license_ledger.warehouse import statements

DAY = date(2026, 11, 24)


STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(
    st.one_of(
        st.text(),
        st.text(
            "=+-@\t\r\n \xa0\u200b\ufeff\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b1a'\"",
            max_size=6,
        ),
    )
)
def test_no_cell_of_an_export_is_a_formula(text: str) -> None:
    """Whatever a text begins with, a spreadsheet reads it back as text; harmless ones stay as they are."""
    made = harmless(text)

    assert not unicodedata.normalize("NFKC", made).lstrip(" ").startswith(STARTERS)
    seen = "".join(one for one in made if unicodedata.category(one) not in ("Cf", "Cc", "Zs", "Zl", "Zp"))
    assert not unicodedata.normalize("NFKC", seen).startswith(STARTERS[:4])
    assert made in (text, f"'{text}")
    buffer = io.StringIO()
    csv.writer(buffer).writerow([made])
    assert made == next(iter(csv.reader(io.StringIO(buffer.getvalue(), newline=""))))[0]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "=1+1",
            "+1",
            "-1",
            "@cmd",
            "\t=1",
            " =1",
            "\r=1",
            "\n=1",
            "=cmd|'/c calc'!A1",
            "-2+3+cmd|' /C x'!A0",
        ),
        *(
            "\uff1d1",
            "\uff0b1",
            "\uff0d1",
            "\uff20cmd",
            "\ufe621",
            "\ufe631",
            "\ufe661",
            "\ufe6bx",
            "\u22121",
        ),
        *("\u200b=1", "\ufeff=1", "\xa0=1", "\u3000\uff1d1", "\x00=1", "\xad@x", "\u202e=1", " \t =1"),
        *("\xa0\r", "\u207a1", "\ufb291", "\u2a75", "\u0600=1", "\U000e0020@x"),
    ],
)
def test_formulas_get_an_apostrophe(text: str) -> None:
    """A text that a spreadsheet would run is marked as text."""
    assert harmless(text) == f"'{text}"


@given(st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), max_size=90))
def test_sparklines_stay_in_their_box(values: list[int | None]) -> None:
    """Every point of a sparkline is drawn inside its view box, and nothing is drawn of nothing."""
    since = DAY - timedelta(days=max(len(values) - 1, 0))
    points = [(since + timedelta(days=n), value) for n, value in enumerate(values)]

    path = spark_path(points, since, DAY)

    assert bool(path) == any(value is not None for value in values)
    for part in path.replace("M", " ").replace("L", " ").replace("h1", " ").split():
        assert 0 <= float(part) <= max(SPARK_WIDTH, SPARK_HEIGHT)


def test_a_gap_breaks_the_line() -> None:
    """Days without a snapshot are not bridged."""
    days = [DAY - timedelta(days=back) for back in (5, 4, 1, 0)]

    path = spark_path([(day, n) for n, day in enumerate(days)], days[0], DAY)

    assert path.count("L") == 2


@given(st.integers(0, 10**6), st.lists(st.integers(-(10**6), 10**6), max_size=12))
def test_waterfalls_add_up(start: int, changes: list[int]) -> None:
    """The bars of a waterfall lead from its start to its end without a jump."""
    bars = steps(start, [(str(n), change) for n, change in enumerate(changes)])

    at = start
    for (_, low, high), change in zip(bars, changes, strict=True):
        assert {low, high} == {at, at + change}
        assert low <= high
        at += change
    assert at == start + sum(changes)


@given(st.lists(st.integers(-5, 1000), max_size=13), st.integers(0, 5000))
def test_parts_of_a_bar_lie_side_by_side(counts: list[int], whole: int) -> None:
    """Parts of a whole do not overlap and do not reach beyond it."""
    found = spans([(str(n), count) for n, count in enumerate(counts)], whole)

    end = 0.0
    for _, start, width in found:
        assert start >= end - 0.01
        end = start + width
    assert end <= 100.01


def _choice(**snapshot: Any) -> Choice:
    day = {
        "snapshot_date": DAY,
        "provenance": "observed",
        "is_partial": False,
        "privacy_mode": "named",
        "unexplained_count": 0,
        **snapshot,
    }
    return Choice(({"org_id": "o"},), {"org_id": "o"}, (day,), day)


@pytest.mark.parametrize(
    ("snapshot", "hours", "said"),
    [
        ({}, 30, None),
        ({}, 60, None),
        ({}, 61, "Stale: the newest snapshot of this org is 2 days old."),
        ({"provenance": "replayed"}, 1, "Replayed from that day's extract with later settings."),
        (
            {"privacy_mode": "aggregate"},
            1,
            "Numbers only: this org is taken without people, their lists are empty.",
        ),
        (
            {"privacy_mode": "pseudonymous"},
            1,
            "People are pseudonyms here; license-ledger reveal tells who they are.",
        ),
        (
            {"is_partial": True},
            1,
            "Partial: an object that lists people or holders could not be read. See Trust.",
        ),
        ({"unexplained_count": 3}, 1, "3 seats are not explained. See Mismatch."),
    ],
)
def test_days_say_what_is_wrong_with_them(snapshot: dict[str, Any], hours: int, said: str | None) -> None:
    """A late, replayed, partial or unexplained day says so; a good one says nothing."""
    now = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(hours=hours)

    texts = [notice.text for notice in _choice(**snapshot).notices(now)]

    assert texts == ([said] if said else [])


def test_whatever_names_a_person_is_hidden() -> None:
    """Every column that the schema calls an identity or a pseudonym needs the permission for names."""
    personal = {c.name for t in TABLES for c in t.columns if c.personal in ("identity", "pseudonym")}

    assert personal <= NAMING
    assert {"name", "email", "username", "user_id", "employee_number", "federation_id"} <= NAMING


def test_no_question_writes_or_reads_a_file() -> None:
    """Every question of the console is one SELECT over tables and views by name, with a purpose."""
    for name in statements._console():
        question = statements.console_query(name)
        words = question.text.upper().split()
        assert words[0] in ("SELECT", "WITH"), name
        assert not {"INSERT", "UPDATE", "DELETE", "COPY", "ATTACH", "CREATE", "INSTALL"} & set(words), name
        assert "read_" not in question.text
        assert ";" not in question.text
        assert question.purpose, name


class _Refusing:
    """A source that cannot be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @contextmanager
    def session(self, seconds: float = 0) -> Iterator[Session]:
        """Raise."""
        raise self._error
        yield


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (NothingYet(), 200, "No snapshot has been published for an org that you may see."),
        (StoreBusy("secret", "a", "b"), 503, "StoreBusy. Try again in a moment."),
        (ConfigError("secret", "a", "b"), 503, "ConfigError. The runbook says what to do."),
        (RuntimeError("secret"), 500, "This is a defect."),
    ],
)
def test_what_cannot_be_read_is_said_in_words(error: Exception, status: int, said: str) -> None:
    """Nothing published, a busy or wrong warehouse and a defect each have a page, which tells no address."""
    app = create_app(lambda: _Refusing(error), lambda: Viewer(lambda org: True, sees_names=True))
    client = TestClient(app, raise_server_exceptions=False)

    for route in ("position", "trust", "reclaim.csv"):
        answer = client.get(f"/{route}")
        assert answer.status_code == status
        assert said in answer.text
        assert "secret" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
