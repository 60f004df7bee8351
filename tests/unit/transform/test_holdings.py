"""Holdings of all layers, seats, and the index of people."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.transform.made_org import (
    AT,
    FLAGS,
    LICENSE_IDS,
    PROFILE_IDS,
    TIMESTAMP,
    lookups,
    record_id,
    user_id,
    user_license_table,
    users,
)

from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.schemas import ACCOUNT_CLASSES, ACTIVITY_BANDS, CERTAINTIES, SEATS
from license_ledger.transform.conform import people
from license_ledger.transform.features import feature_flags, feature_label, feature_type
from license_ledger.transform.holdings import (
    HOLDINGS_SCHEMA,
    Assigned,
    assigned_holdings,
    feature_holdings,
    user_holdings,
)
from license_ledger.transform.landed import CERTAINTY, LOGIN_KNOWN
from license_ledger.transform.licenses import licenses
from license_ledger.transform.person_index import PERSON_COLUMNS, PersonIndex
from license_ledger.transform.persons import Persons
from license_ledger.transform.record_keys import RecordSet
from license_ledger.transform.scope import HOLDER_CAUSES, ScopeRules
from license_ledger.transform.seats import seats

PSL = record_id("0PL", 1)
FROZEN = pa.array([user_id(1)])
ORG = (
    {},
    {"Email": "x@gmail.com", "LastLoginDate": AT - timedelta(days=40)},
    {"IsActive": False},
    {"IsActive": False, "Email": None},
    {"ProfileId": record_id("00e", 999)},
    {"ProfileId": record_id("00e", 999), "IsActive": False},
    {"ProfileId": PROFILE_IDS["platform"], "LastLoginDate": AT},
)


def _people(rows: tuple[dict[str, Any], ...] = ORG, names: tuple[str, ...] = ("acme.com",)) -> pa.Table:
    return people(users(*rows), lookups(frozen_user_ids=FROZEN), ScopeRules.parse(names), AT)


def _assignments(*pairs: tuple[int, str], days: tuple[int, ...] = ()) -> pa.Table:
    ages = days or (0,) * len(pairs)
    return pa.table(
        {
            "AssigneeId": pa.array([user_id(number) for number, _ in pairs], pa.string()),
            "PermissionSetLicenseId": pa.array([license_id for _, license_id in pairs], pa.string()),
            "CreatedDate": pa.array([AT - timedelta(days=age) for age in ages], TIMESTAMP),
        }
    )


def _assigned(assignments: pa.Table, rows: pa.Table | None = None) -> Assigned:
    index = PersonIndex([_people() if rows is None else rows])
    return assigned_holdings("permission_set", assignments, index)


def test_user_licenses_are_held_through_the_profile() -> None:
    """Everybody with a licensed profile holds its license, deactivated users too; others hold none."""
    rows = user_holdings(_people()).to_pylist()

    assert [user_id(n) for n in (0, 1, 2, 3, 6)] == [row["user_id"] for row in rows]
    assert [row["cause"] for row in rows] == [
        "in_scope",
        "public_mailbox",
        "deactivated_holder",
        "deactivated_holder",
        "in_scope",
    ]
    assert [LICENSE_IDS["SFDC"]] * 4 + [LICENSE_IDS["AUL"]] == [row["license_id"] for row in rows]
    assert {"user"} == {row["license_layer"] for row in rows}


def test_a_holding_knows_its_holder() -> None:
    """Activity, frozen, class and scope of the holder are on the holding."""
    assert user_holdings(_people()).schema == HOLDINGS_SCHEMA
    row = user_holdings(_people()).to_pylist()[1]

    assert {
        "user_id": user_id(1),
        "license_layer": "user",
        "license_id": LICENSE_IDS["SFDC"],
        "assigned_at": None,
        "is_active": True,
        "is_frozen": True,
        "activity_band": "31-60",
        "account_class": "contractor",
        "cause": "public_mailbox",
        "certainty": "sure",
        "is_system": False,
        "in_scope": False,
        "created_at": None,
        "last_modified_at": None,
    } == row


def test_feature_licenses_are_held_by_check_box() -> None:
    """A checked flag is a holding, of deactivated and platform users as well; null is not checked."""
    given = (
        {FLAGS[0]: True, FLAGS[1]: True},
        {FLAGS[0]: False, FLAGS[1]: None},
        {FLAGS[0]: True, "IsActive": False},
        {FLAGS[1]: True, "ProfileId": None},
    )
    landed, rows = users(*given), _people(given)

    found = feature_holdings(rows, landed, FLAGS).to_pylist()

    assert [
        ("MarketingUser", user_id(0), "in_scope"),
        ("MarketingUser", user_id(2), "deactivated_holder"),
        ("SupportUser", user_id(0), "in_scope"),
        ("SupportUser", user_id(3), "system_user"),
    ] == [(row["license_id"], row["user_id"], row["cause"]) for row in found]


def test_features_that_were_not_landed_have_no_holders() -> None:
    """A flag without a column has no holdings; nor have no flags at all."""
    landed, rows = users({}), _people(({},))

    assert feature_holdings(rows, landed, ["UserPermissionsWirelessUser"]).num_rows == 0
    assert feature_holdings(rows, landed, []).schema == HOLDINGS_SCHEMA


def test_feature_flags_are_the_permissions_on_the_user() -> None:
    """Flags are told from other fields and from the one preference; types and labels follow from them."""
    fields = ["Id", "UserPermissionsSupportUser", "UserPermissionsCallCenterAutoLogin", "UserPreferencesX"]

    assert feature_flags(fields) == ("UserPermissionsSupportUser",)
    assert feature_type("UserPermissionsSupportUser") == "SupportUser"
    assert [
        feature_label(name) for name in ("SupportUser", "WorkDotComUserFeature", "ShinyNewFeature2User")
    ] == ["Service Cloud User", "WDC User", "Shiny New Feature2 User"]


def test_assignments_are_joined_with_their_users() -> None:
    """Every assignment of a known user is a holding with the holder's attributes and its own date."""
    result = _assigned(_assignments((6, PSL), (3, PSL), (1, PSL), (4, PSL), days=(1, 2, 3, 4)))

    assert result.holdings.schema == HOLDINGS_SCHEMA
    rows = result.holdings.to_pylist()
    assert [user_id(n) for n in (6, 3, 1, 4)] == [row["user_id"] for row in rows]
    assert [row["cause"] for row in rows] == [
        "in_scope",
        "deactivated_holder",
        "public_mailbox",
        "system_user",
    ]
    assert [row["is_active"] for row in rows] == [True, False, True, True]
    assert [row["is_frozen"] for row in rows] == [False, False, True, False]
    assert AT - timedelta(days=1) == rows[0]["assigned_at"]
    assert result.unseen.num_rows == 0


def test_package_assignments_name_their_users_otherwise() -> None:
    """UserPackageLicense is joined by its own field names."""
    given = pa.table({"UserId": [user_id(0)], "PackageLicenseId": [record_id("050", 1)]})

    (row,) = assigned_holdings("package", given, PersonIndex([_people()])).holdings.to_pylist()

    assert ("package", user_id(0), None) == (row["license_layer"], row["user_id"], row["assigned_at"])


def test_assignments_of_users_who_were_not_read_are_counted() -> None:
    """An assignment that names an invisible user is no holding but evidence, counted once per user."""
    other = record_id("0PL", 2)
    result = _assigned(_assignments((0, PSL), (77, PSL), (77, PSL), (78, PSL), (79, other)))

    assert [user_id(0)] == result.holdings["user_id"].to_pylist()
    assert {(PSL, "not_visible", 2), (other, "not_visible", 1)} == {
        (row["license_id"], row["cause"], row["n"]) for row in result.unseen.to_pylist()
    }


def test_a_repeated_assignment_is_one_holding() -> None:
    """One seat is taken per user and license, so of repeated assignments the newest stays, in place."""
    other = record_id("0PL", 2)
    given = _assignments((0, PSL), (6, PSL), (0, other), (0, PSL), (0, PSL), days=(9, 5, 4, 2, 7))

    rows = _assigned(given).holdings.to_pylist()

    assert [(user_id(6), PSL), (user_id(0), other), (user_id(0), PSL)] == [
        (row["user_id"], row["license_id"]) for row in rows
    ]
    assert AT - timedelta(days=2) == rows[2]["assigned_at"]


@pytest.mark.parametrize("name", ["AssigneeId", "PermissionSetLicenseId"])
def test_assignments_without_user_or_license_are_refused(name: str) -> None:
    """A missing column and a missing value are both named."""
    given = _assignments((0, PSL))
    with pytest.raises(SchemaDrift, match=name):
        _assigned(given.drop_columns([name]))
    with pytest.raises(CorruptAnswer, match=name):
        _assigned(given.set_column(given.schema.get_field_index(name), name, pa.nulls(1, pa.string())))


def test_no_assignments_are_no_holdings() -> None:
    """Nothing assigned gives empty tables, also when nobody was read."""
    result = assigned_holdings("permission_set", _assignments(), PersonIndex([]))

    assert (result.holdings.num_rows, result.unseen.num_rows) == (0, 0)
    assert assigned_holdings("permission_set", _assignments((0, PSL)), PersonIndex([])).unseen.num_rows == 1


def _index_people(ids: list[str]) -> pa.Table:
    size = len(ids)
    bands = ["0-30", "never", "181+"]
    return pa.table(
        {
            "user_id": pa.array(ids, pa.string()),
            "is_active": pa.array([n % 2 == 0 for n in range(size)], pa.bool_()),
            "is_frozen": pa.array([(True, False, None)[n % 3] for n in range(size)], pa.bool_()),
            "activity_band": pa.array([bands[n % 3] for n in range(size)], pa.string()),
            "account_class": pa.array([("employee", "unknown")[n % 2] for n in range(size)], pa.string()),
            "in_scope": pa.array([n % 5 == 0 for n in range(size)], pa.bool_()),
            "holder_cause": pa.array(
                [("public_mailbox", "in_scope")[n % 2] for n in range(size)], pa.string()
            ),
            "certainty": pa.array([CERTAINTIES[n % 3] for n in range(size)], pa.string()),
        }
    ).select(PERSON_COLUMNS)


_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IDS = st.text(_BASE62, min_size=15, max_size=15).map(lambda text: text + "AAA")


@given(
    st.lists(_IDS | st.integers(0, 50).map(user_id), unique_by=lambda text: text, max_size=30),
    st.lists(_IDS | st.integers(0, 50).map(user_id), max_size=30),
    st.integers(1, 30),
)
def test_the_index_finds_exactly_who_is_in_it(ids: list[str], wanted: list[str], size: int) -> None:
    """Any ids, in batches of any size, are found with their own attributes; others are not found."""
    table = _index_people(ids)
    index = PersonIndex([table.slice(start, size) for start in range(0, len(ids), size)])
    asked = pa.array(ids + wanted, pa.string())
    rows = dict(zip(ids, table.to_pylist(), strict=True))

    positions = index.find(asked)

    assert [each in rows for each in asked.to_pylist()] == (positions >= 0).tolist()
    persons = index.persons(positions[: len(ids)])
    assert table["is_frozen"].to_pylist() == persons.is_frozen.to_pylist()
    assert table["is_active"].to_pylist() == (persons.is_active == 1).tolist()
    assert (Persons.of(table).cause == persons.cause).all()
    assert len(ids) == len(index)


@given(st.sets(_IDS | st.integers(0, 50).map(user_id), max_size=30), st.lists(_IDS, max_size=30))
def test_a_record_set_has_what_was_put_in(inside: set[str], others: list[str]) -> None:
    """Exactly the records that were given are in it, in any order and whatever their ids begin with."""
    asked = [*inside, *others, *map(user_id, range(60))]

    found = RecordSet(pa.array(sorted(inside, reverse=True), pa.string())).has(pa.array(asked, pa.string()))

    assert [each in inside for each in asked] == found.tolist()


@st.composite
def _persons(draw: st.DrawFn) -> Persons:
    """Any people: every attribute over its whole vocabulary, not known included."""
    size = draw(st.integers(0, 20))

    def codes(number: int) -> npt.NDArray[np.uint8]:
        drawn = draw(st.lists(st.integers(0, number - 1), min_size=size, max_size=size))
        return np.array(drawn, np.uint8)

    return Persons(
        is_active=codes(2),
        in_scope=codes(2),
        frozen=codes(3),
        band=codes(len(ACTIVITY_BANDS) + 1),
        account_class=codes(len(ACCOUNT_CLASSES)),
        cause=codes(len(HOLDER_CAUSES)),
        certainty=codes(len(CERTAINTIES)),
    )


@given(_persons())
def test_packed_people_come_out_as_they_went_in(persons: Persons) -> None:
    """All attributes fit one number per person, none runs into its neighbor, and they are read back alike."""
    packed = persons.packed()
    back = Persons.unpacked(packed)

    assert packed.dtype == np.uint16
    for each in fields(Persons):
        assert (getattr(back, each.name) == getattr(persons, each.name)).all(), each.name


def test_the_index_says_who_is_not_in_it() -> None:
    """Whoever is found has a position, in whatever order they are asked for; everybody else has -1."""
    index = PersonIndex([_index_people([user_id(3), user_id(1)])])

    found = index.find(pa.array([user_id(2), user_id(3), user_id(9), user_id(1)])).tolist()

    assert found == [-1, 1, -1, 0]


@pytest.mark.parametrize("wrong", ["0055g0000000001", "0055g0000000001AAAA", "0055g000000-001AAA", ""])
def test_the_index_refuses_what_is_no_id(wrong: str) -> None:
    """What is not 18 characters of base 62 is a corrupt answer, and is not repeated in the error."""
    index = PersonIndex([_index_people([user_id(1)])])
    for attempt in (lambda: PersonIndex([_index_people([wrong])]), lambda: index.find(pa.array([wrong]))):
        with pytest.raises(CorruptAnswer) as caught:
            attempt()
        assert "1 are not ids of 18 characters" in str(caught.value)


def _licenses() -> pa.Table:
    return licenses(
        AT,
        user_licenses=user_license_table(),
        permission_set_licenses=pa.table(
            {"Id": [PSL], "MasterLabel": ["Sales User"], "PermissionSetLicenseKey": ["SalesUserPsl"]}
        ),
        feature_flags=FLAGS,
    )


def test_seats_are_the_holdings_in_scope() -> None:
    """User seats are of active users in scope; other layers keep deactivated holders; names are joined in."""
    rows = _people()
    assigned = _assigned(_assignments((0, PSL), (1, PSL), (2, PSL)), rows).holdings
    found = seats(pa.concat_tables([user_holdings(rows), assigned]), _licenses())

    assert found.schema.equals(SEATS.arrow_schema, check_metadata=True)
    assert [
        (user_id(0), "user", "SFDC", "Salesforce", "in_scope"),
        (user_id(6), "user", "AUL", "Salesforce Platform", "in_scope"),
        (user_id(0), "permission_set", "SalesUserPsl", "Sales User", "in_scope"),
        (user_id(2), "permission_set", "SalesUserPsl", "Sales User", "deactivated_holder"),
    ] == [
        (row["user_id"], row["license_layer"], row["license_key"], row["license_name"], row["cause"])
        for row in found.to_pylist()
    ]
    for each in found.schema:
        assert each.nullable or not found[each.name].null_count


@pytest.mark.parametrize(
    ("of_user", "of_assignment", "expected"),
    [
        ("sure", "sure", "sure"),
        ("sure", "likely", "likely"),
        ("unsure", "likely", "unsure"),
        ("likely", "unsure", "unsure"),
        ("likely", None, "likely"),
        (None, None, "sure"),
    ],
)
def test_a_seat_is_as_sure_as_the_less_sure_of_user_and_assignment(
    of_user: str | None, of_assignment: str | None, expected: str
) -> None:
    """Assigned seats take the worse certainty; user and feature seats that of the user."""
    landed = users({FLAGS[0]: True}).append_column(CERTAINTY, pa.array([of_user], pa.string()))
    rows = people(landed, lookups(), ScopeRules.parse(["*"]), AT)
    assignment = _assignments((0, PSL)).append_column(CERTAINTY, pa.array([of_assignment], pa.string()))
    held = [user_holdings(rows), feature_holdings(rows, landed, FLAGS), _assigned(assignment, rows).holdings]

    found = seats(pa.concat_tables(held), _licenses())

    assert {row["license_layer"]: row["certainty"] for row in found.to_pylist()} == {
        "user": of_user or "sure",
        "feature": of_user or "sure",
        "permission_set": expected,
    }


def test_a_band_that_is_not_known_stays_null_on_the_seat() -> None:
    """Directly and by way of the index, the seats of a user without a remembered login have no band."""
    landed = users({}).append_column(LOGIN_KNOWN, pa.array([False]))
    rows = people(landed, lookups(), ScopeRules.parse(["*"]), AT)
    assigned = _assigned(_assignments((0, PSL)), rows).holdings

    found = seats(pa.concat_tables([user_holdings(rows), assigned]), _licenses())

    assert found["activity_band"].to_pylist() == [None, None]


def test_seats_of_platform_users_are_published_with_a_star() -> None:
    """With a star everybody's seats are published, those of platform users under their own cause."""
    given = ({}, {"ProfileId": PROFILE_IDS["guest"], "UserType": "Guest"})

    found = seats(user_holdings(_people(given, ("*",))), _licenses()).to_pylist()

    assert [row["cause"] for row in found] == ["in_scope", "system_user"]


def test_seats_of_unknown_licenses_are_left_out() -> None:
    """A license that was not read has no published seats, and no holdings give no seats."""
    unknown = _assigned(_assignments((0, record_id("0PL", 9)))).holdings

    assert seats(unknown, _licenses()).num_rows == 0
    assert seats(HOLDINGS_SCHEMA.empty_table(), _licenses()).schema.equals(SEATS.arrow_schema)
