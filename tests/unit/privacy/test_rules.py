"""What is left of a person's rows: it counts as before, and says nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.privacy.rules import (
    NOWHERE,
    OWNED,
    Landing,
    Stand,
    changing_columns,
    forgotten_columns,
    landed_changes,
    put,
    stand_in_addresses,
    to_the_day,
    within_band,
)
from license_ledger.salesforce.objects import HISTORY_OBJECTS, OBJECTS
from license_ledger.schemas import SEATS, TIMESTAMP, USERS
from license_ledger.transform.activity import bands
from license_ledger.transform.scope import ScopeRules

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
past = st.integers(0, 690 * 86_400_000_000).map(lambda back: NOW - timedelta(microseconds=back))


def _times(*values: datetime | None) -> pa.Array:
    return pa.array(values, TIMESTAMP)


@given(past, past)
def test_a_time_to_the_day_stays_on_its_side_of_every_midnight(time: datetime, other: datetime) -> None:
    """Whether something had happened by the beginning of a day is the same as before."""
    midnight = other.replace(hour=0, minute=0, second=0, microsecond=0)
    [moved] = to_the_day(_times(time), NOW).to_pylist()

    assert (moved <= midnight) == (time <= midnight) or time == midnight
    assert time <= moved <= max(NOW, time)
    assert moved.date() == time.date()


@given(past)
def test_recent_times_are_exact_where_counters_need_them(time: datetime) -> None:
    """What happened shortly before the capture stays exact; older times are of their day."""
    [moved] = to_the_day(_times(time), NOW, exact_for=35 * DAY).to_pylist()

    if NOW - time <= 35 * DAY:
        assert moved == time
    else:
        assert moved.time().isoformat() == "23:59:59.999999"


@given(st.lists(st.none() | past, max_size=20), st.booleans())
def test_last_logins_stay_in_their_band(logins: list[datetime | None], remembers: bool) -> None:
    """The band is the same for everybody; without a memory of logins only the band is left."""
    before = _times(*logins)

    after = within_band(before, Landing(NOW, remembers))

    assert (bands(after, NOW, is_shown=True) == bands(before, NOW, is_shown=True)).all()
    assert after.is_null().equals(before.is_null())
    if not remembers:
        assert len(set(after.drop_null().to_pylist())) <= 5


ADDRESSES = [
    "ann@acme.com",
    " ANN@ACME.COM ",
    "ann@eu.acme.com.invalid",
    "ann=acme.com@example.com",
    "ann@bücher-acme.de",
    "ann@other.example",
    "ann@gmail.com",
    "c7f1e09ab2d4",
    "anonymous@scrambled",
    "a@b@c",
    "",
    None,
]
RULES = [
    ScopeRules.parse(["*"]),
    ScopeRules.parse(["acme.com"]),
    ScopeRules.parse(["*.acme.com", "bücher-acme.de"]),
]


def _reasons(emails: pa.Array, rules: ScopeRules) -> list[str]:
    from license_ledger.transform.emails import Addresses

    addresses = Addresses.of(emails)
    found = []
    for blank, domain in zip(addresses.is_blank.tolist(), addresses.domain.to_pylist(), strict=True):
        if blank:
            found.append("no_email")
        else:
            found.append("unusable_email" if domain is None else rules.verdict(domain).reason)
    return found


@pytest.mark.parametrize("rules", RULES)
def test_a_stand_in_address_means_the_same_to_the_filter(rules: ScopeRules) -> None:
    """Every form of address, with its domain kept: in or out for the same reason, and nobody's."""
    emails = pa.array(ADDRESSES)
    stand_ins = pa.array([f"005zy{at:010d}AAA" for at in range(len(ADDRESSES))])

    made = stand_in_addresses(emails, stand_ins, lambda domain: True)

    assert _reasons(made, rules) == _reasons(emails, rules)
    assert not any("ann" in (each or "") or "c7f1" in (each or "") for each in made.to_pylist())


def test_a_domain_of_ones_own_goes_too() -> None:
    """It becomes a third party's, which counts the same unless the filter names it."""
    made = stand_in_addresses(pa.array(["me@my-own.example"]), pa.array(["005zzz"]), lambda domain: False)

    assert made.to_pylist() == [f"005zzz@{NOWHERE}"]
    for rules in RULES:
        assert _reasons(made, rules) == _reasons(pa.array(["me@my-own.example"]), rules)


def test_every_published_column_about_a_person_is_decided() -> None:
    """What says who somebody is, or what somebody did when, goes; nothing that is not about people does."""
    for table in (USERS, SEATS):
        gone = set(forgotten_columns(table))
        for column in table.columns:
            if column.personal == "identity":
                assert column.name in gone
            if column.personal == "none":
                assert column.name not in gone
            if column.name in gone:
                assert column.nullable, column.name
    assert "last_login_at" in forgotten_columns(USERS)


def test_every_landed_field_about_a_person_is_decided() -> None:
    """Of rows of a person's own everything goes that is not declared to stay; nothing identifying stays."""
    for declared in (*OBJECTS, *HISTORY_OBJECTS):
        owned = OWNED.get(declared.name)
        if owned is None:
            continue
        names = [field.name for field in declared.fields]
        assert {owned.owner} | owned.times | owned.days <= set(names)
        stays = set(names) - set(changing_columns(declared.name, names))
        for field in declared.fields:
            assert field.name not in stays or field.personal in ("none", "attribute", "activity"), field.name


def test_objects_with_people_are_known() -> None:
    """An object that refers to users either has rows of their own, or is the audit trail."""
    about = {
        each.name
        for each in (*OBJECTS, *HISTORY_OBJECTS)
        if any(field.personal == "pseudonym" for field in each.fields)
    }

    assert about == {*OWNED, "SetupAuditTrail"}


USER_SCHEMA = pa.schema(
    [
        ("Id", pa.string()),
        ("Name", pa.string()),
        ("Email", pa.string()),
        ("ManagerId", pa.string()),
        ("ProfileId", pa.string()),
        ("UserPermissionsKnowledgeUser", pa.bool_()),
    ]
)


def _stand(ids: list[str]) -> Stand:
    def names(column: pa.Array) -> pa.Array:
        hit = pc.is_in(column, value_set=pa.array(ids))
        return pc.if_else(hit, pa.scalar("005zzz"), pa.scalar(None, pa.string()))

    return Stand(names, lambda domain: True, is_named=True)


@pytest.mark.parametrize("count", [1, 40])
def test_one_or_many_rows_change_and_no_other(count: int) -> None:
    """By single rows or in bulk, the result is the same; a manager is replaced in the rows of others."""
    rows = 50
    users = pa.table(
        {
            "Id": [f"005A{row:011d}AAA" for row in range(rows)],
            "Name": [f"N{row}" for row in range(rows)],
            "Email": [f"n{row}@acme.com" for row in range(rows)],
            "ManagerId": [f"005A{row // 2:011d}AAA" for row in range(rows)],
            "ProfileId": ["00e"] * rows,
            "UserPermissionsKnowledgeUser": [True] * rows,
        },
        schema=USER_SCHEMA,
    )
    ids = users["Id"].to_pylist()[5 : 5 + count]
    columns = {name: (lambda name=name: users.column(name).combine_chunks()) for name in USER_SCHEMA.names}

    changed = landed_changes("User", columns, USER_SCHEMA, _stand(ids), Landing(NOW))

    assert "ProfileId" not in changed
    assert "UserPermissionsKnowledgeUser" not in changed
    for row in range(rows):
        is_theirs = users["Id"][row].as_py() in ids
        assert changed["Name"][row].as_py() == ("005zzz" if is_theirs else f"N{row}")
        assert changed["Id"][row].as_py() == ("005zzz" if is_theirs else users["Id"][row].as_py())
        manager = users["ManagerId"][row].as_py()
        expected = None if is_theirs else "005zzz" if manager in ids else manager
        assert changed["ManagerId"][row].as_py() == expected


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 3))
def test_values_are_put_where_they_belong(where: list[bool], offset: int) -> None:
    """In the order of the rows, whether few or many, also in a column that is a slice."""
    values = pa.array([None] * offset + [f"v{at}" for at in range(len(where))], pa.string()).slice(offset)
    others = pa.array([f"o{at}" for at in range(sum(where))], pa.string())

    made = put(values, pa.array(where, pa.bool_()), others)

    expected, next_one = [], iter(others.to_pylist())
    for is_other, value in zip(where, values.to_pylist(), strict=True):
        expected.append(next(next_one) if is_other else value)
    assert made.to_pylist() == expected
