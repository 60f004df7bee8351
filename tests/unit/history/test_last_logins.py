"""Last logins as of a past moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.history.made_past import START, at, record_id

from license_ledger.history.logins import LastLogins, last_logins
from license_ledger.transform.activity import instant

STAMP = pa.timestamp("us", "UTC")
MOMENT, SINCE = at(48), at(0)
ANN = record_id("005", 1)


def history(*logins: tuple[float, str]) -> list[pa.RecordBatch]:
    """A landed history of one user: hours and states, each in a batch of its own."""
    schema = pa.schema([("UserId", pa.string()), ("LoginTime", STAMP), ("Status", pa.string())])
    return [
        pa.RecordBatch.from_pylist([{"UserId": ANN, "LoginTime": at(hour), "Status": status}], schema=schema)
        for hour, status in logins
    ]


def told(
    today: datetime | None,
    logins: list[pa.RecordBatch] | None,
    created: datetime = START - timedelta(days=900),
) -> tuple[Any, bool]:
    """What is told of the user at the moment: last login and whether it is known."""
    read: LastLogins = last_logins(logins, instant(MOMENT), instant(SINCE))
    users = pa.table({"Id": [ANN], "LastLoginDate": pa.array([today], STAMP)})
    values, known = read.at_moment(users, np.array([instant(created)]))
    return values[0].as_py(), bool(known[0])


CASES: list[tuple[str, datetime | None, list[tuple[float, str]], datetime, tuple[datetime | None, bool]]] = [
    ("never until today", None, [], at(-999), (None, True)),
    ("today's is from before", at(40), [], at(-999), (at(40), True)),
    ("later ones are passed over", at(60), [(30, "Success"), (60, "Success")], at(-999), (at(30), True)),
    (
        "failed ones do not count",
        at(60),
        [(30, "Success"), (40, "Invalid Password"), (60, "Success")],
        at(-999),
        (at(30), True),
    ),
    ("none before, and the history is too short", at(60), [(60, "Success")], at(-999), (None, False)),
    (
        "none before, and the user is younger than the history",
        at(60),
        [(60, "Success")],
        at(10),
        (None, True),
    ),
    ("the history misses today's", at(90), [(30, "Success")], at(-999), (None, False)),
    ("there is no history of the user", at(60), [], at(10), (None, False)),
]


@pytest.mark.parametrize(
    ("today", "logins", "created", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_last_login_of_the_moment(
    today: datetime | None,
    logins: list[tuple[float, str]],
    created: datetime,
    expected: tuple[datetime | None, bool],
) -> None:
    """It is told where today's or the history tells it, and else not known."""
    assert told(today, history(*logins), created) == expected


def test_without_a_history_only_older_logins_are_known() -> None:
    """Who has logged in since is not known."""
    assert told(at(40), None) == (at(40), True)
    assert told(at(60), None, at(10)) == (None, False)
