"""Queries are answered by the rules of SOQL, on a handful of hand-made records."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_org.catalog import Catalog, to18
from demo_org.errors import ApiError
from demo_org.records import Layout, group_page, record_page
from demo_org.schema import OBJECTS
from demo_org.soql.executor import Count, Groups, RecordSet, Sight, run
from demo_org.store import Store

TODAY = dt.date(2026, 11, 24)


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) if text else None


def _id(prefix: str, number: int) -> str:
    return str(to18(f"{prefix}Kq{number:010d}"))


USERS = [
    # name, email, department, active, profile, manager, last login, created
    ("Ann", "Ann@acme.com", "Sales", True, 1, None, "2026-11-24T08:00:00", "2020-01-01T00:00:00"),
    ("Bob", "bob@acme.com", "sales", True, 1, 1, "2026-11-23T23:59:59", "2021-05-05T12:00:00"),
    ("Cy_d", "cyd@other.org", None, False, 2, 1, None, "2022-03-01T00:00:00"),
    ("Dora", "dora@acme.com", "", True, 2, 2, "2026-08-01T00:00:00", "2022-03-31T23:59:59"),
    ("Eve", "eve@ACME.com", 'R&D "x"', False, None, None, "2025-12-31T23:00:00", "2026-11-01T00:00:00"),
]


def _tables() -> dict[str, pa.Table]:
    names, emails, departments, active, profiles, managers, logins, created = zip(*USERS, strict=True)
    user = {
        "Id": [_id("005", number) for number in range(1, 6)],
        "Name": names,
        "Email": emails,
        "Department": departments,
        "IsActive": active,
        # The fifth user's profile does not exist: the key is set, the parent null.
        "ProfileId": [_id("00e", profile or 9) for profile in profiles],
        "ManagerId": [_id("005", manager) if manager else None for manager in managers],
        "LastLoginDate": pa.array([_moment(text) for text in logins], pa.timestamp("ms", "UTC")),
        "CreatedDate": pa.array([_moment(text) for text in created], pa.timestamp("ms", "UTC")),
    }
    return {
        "User": pa.table(user),
        "Profile": pa.table(
            {
                "Id": [_id("00e", 1), _id("00e", 2)],
                "Name": ["Admin", "Portal"],
                "UserLicenseId": [_id("100", 1), _id("100", 2)],
            }
        ),
        "UserLicense": pa.table(
            {
                "Id": [_id("100", 1), _id("100", 2)],
                "Name": ["Salesforce", "Community"],
                "TotalLicenses": [10, 0],
                "UsedLicenses": [2, 1],
            }
        ),
        "PermissionSetLicense": pa.table(
            {
                "Id": [_id("0PL", 1)],
                "MasterLabel": ["Console"],
                "TotalLicenses": [5],
                "ExpirationDate": pa.array([dt.date(2026, 12, 31)], pa.date32()),
            }
        ),
        "PermissionSetLicenseAssign": pa.table(
            {
                "Id": [_id("2LA", 1), _id("2LA", 2)],
                "AssigneeId": [_id("005", 2), _id("005", 4)],
                "PermissionSetLicenseId": [_id("0PL", 1)] * 2,
                "IsDeleted": [False, True],
            }
        ),
        "SetupAuditTrail": pa.table(
            {"Id": [_id("0Ym", 1)], "Display": ["Froze user X"], "Action": ["frozeuser"]}
        ),
    }


_PERMISSIONS = {"ViewSetup", "ViewAllUsers", "ViewRoles", "ManageUsers"}


def _sight(*, deleted: bool = False) -> Sight:
    tables = _tables()
    empty = pa.table({"Id": pa.array([], pa.string())})
    store = Store(lambda name: tables.get(name, empty), OBJECTS)
    return Sight(store, Catalog(OBJECTS, frozenset(_PERMISSIONS)), TODAY, lambda _: None, deleted)


SIGHT = _sight()


def _records(soql: str, sight: Sight = SIGHT) -> list[dict[str, Any]]:
    result = run(soql, sight)
    assert isinstance(result, RecordSet)
    return list(
        json.loads(record_page(result, 0, result.total, "/services/data/v59.0", Layout(), lambda *_: "next"))
    )


def _names(where: str) -> str:
    """Give the initials of the users that a clause finds."""
    return "".join(row["Name"][0] for row in _records(f"SELECT Name FROM User {where}"))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", "ABCDE"),
        ("WHERE Name = 'ANN'", "A"),
        ("WHERE name != 'ann'", "BCDE"),
        ("WHERE Department = 'SALES'", "AB"),
        ("WHERE Department != 'Sales'", "CDE"),
        ("WHERE Department = null", "CD"),
        ("WHERE Department = ''", "CD"),
        ("WHERE Department != NULL", "ABE"),
        ("WHERE Department = 'R&D \"x\"'", "E"),
        ("WHERE Name LIKE 'c%'", "C"),
        (r"WHERE Name LIKE 'Cy\_d'", "C"),
        (r"WHERE Name LIKE 'An\_'", ""),
        ("WHERE Name LIKE '_nn'", "A"),
        ("WHERE Email LIKE '%@acme.com'", "ABDE"),
        ("WHERE NOT Email LIKE '%@acme.com'", "C"),
        ("WHERE (NOT Department LIKE 's%')", "CDE"),
        ("WHERE Department IN ('sales', 'x')", "AB"),
        ("WHERE Department IN ('sales', null)", "ABCD"),
        ("WHERE Department NOT IN ('sales')", "CDE"),
        ("WHERE IsActive = true", "ABD"),
        ("WHERE IsActive = false AND Department != null", "E"),
        ("WHERE IsActive = true AND (Name = 'Ann' OR Name = 'Eve')", "A"),
        ("WHERE Name > 'bob'", "CDE"),
        ("WHERE Name >= 'BOB' AND Name < 'dora'", "BC"),
        ("WHERE LastLoginDate = TODAY", "A"),
        ("WHERE LastLoginDate = YESTERDAY", "B"),
        ("WHERE LastLoginDate >= LAST_N_DAYS:1", "AB"),
        ("WHERE LastLoginDate < LAST_N_DAYS:90", "DE"),
        ("WHERE LastLoginDate < LAST_N_DAYS:90 OR LastLoginDate = null", "CDE"),
        ("WHERE LastLoginDate != TODAY", "BCDE"),
        ("WHERE LastLoginDate = LAST_YEAR", "E"),
        ("WHERE CreatedDate = THIS_MONTH", "E"),
        ("WHERE CreatedDate > 2022-03-01T00:00:00Z", "DE"),
        ("WHERE CreatedDate >= 2022-03-01T01:00:00+01:00", "CDE"),
        ("WHERE CreatedDate = N_YEARS_AGO:4", "CD"),
        ("WHERE CALENDAR_YEAR(CreatedDate) = 2022", "CD"),
        ("WHERE DAY_ONLY(CreatedDate) = 2022-03-31", "D"),
        (f"WHERE Id = '{_id('005', 1)}'", "A"),
        (f"WHERE Id = '{_id('005', 1)[:15]}'", "A"),
        (f"WHERE ManagerId IN ('{_id('005', 1)[:15]}')", "BC"),
        (f"WHERE Id > '{_id('005', 3)}' ORDER BY Id", "DE"),
        ("WHERE Profile.Name = 'portal'", "CD"),
        ("WHERE Profile.Name != 'portal'", "ABE"),
        ("WHERE Profile.UserLicense.Name = null", "E"),
        ("WHERE ProfileId != null AND Profile.Id = null", "E"),
        ("WHERE Manager.Manager.Name = 'Ann'", "D"),
        ("WHERE Id IN (SELECT AssigneeId FROM PermissionSetLicenseAssign)", "B"),
        ("WHERE Id NOT IN (SELECT AssigneeId FROM PermissionSetLicenseAssign)", "ACDE"),
        ("WHERE ManagerId NOT IN (SELECT AssigneeId FROM PermissionSetLicenseAssign)", "BC"),
        (
            "WHERE Id IN (SELECT AssigneeId FROM PermissionSetLicenseAssign "
            "WHERE PermissionSetLicense.TotalLicenses > 9)",
            "",
        ),
        ("ORDER BY Name DESC", "EDCBA"),
        ("ORDER BY Department, Name", "CDEAB"),
        ("ORDER BY Department DESC NULLS LAST, Name DESC", "BAEDC"),
        ("ORDER BY LastLoginDate", "CEDBA"),
        ("ORDER BY LastLoginDate NULLS LAST", "EDBAC"),
        ("ORDER BY LastLoginDate DESC", "CABDE"),
        ("ORDER BY Profile.Name NULLS LAST, Name DESC", "BADCE"),
        ("ORDER BY IsActive DESC, Name", "ABDCE"),
        ("ORDER BY Name LIMIT 2", "AB"),
        ("ORDER BY Name LIMIT 2 OFFSET 3", "DE"),
        ("LIMIT 0", ""),
    ],
)
def test_rows_found(where: str, found: str) -> None:
    """Filters, order and limits find exactly the expected people in the expected order."""
    assert _names(where) == found


def test_keys_come_in_the_order_and_spelling_of_the_org() -> None:
    """Names are found in any case and answered as the org spells them; parents are nested."""
    row = _records("select nAME, profile.userlicense.NAME, id, Profile.Name from USER where Name = 'Ann'")[0]

    assert list(row) == ["attributes", "Name", "Profile", "Id"]
    assert row["attributes"] == {"type": "User", "url": f"/services/data/v59.0/sobjects/User/{_id('005', 1)}"}
    assert list(row["Profile"]) == ["attributes", "UserLicense", "Name"]
    assert row["Profile"]["UserLicense"] == {
        "attributes": {
            "type": "UserLicense",
            "url": f"/services/data/v59.0/sobjects/UserLicense/{_id('100', 1)}",
        },
        "Name": "Salesforce",
    }


def test_a_missing_parent_is_null() -> None:
    """A parent that does not exist is null as a whole, though its key has a value."""
    row = _records("SELECT ProfileId, Profile.Name, Profile.UserLicense.Name FROM User WHERE Name = 'Eve'")[0]

    assert row["ProfileId"] is not None
    assert row["Profile"] is None


def test_values_are_spelled_as_json() -> None:
    """Quotes are escaped, moments end in +0000, dates stay dates, defaults fill what is not stored."""
    eve = _records("SELECT Department, CreatedDate, IsActive, ForecastEnabled FROM User WHERE Name = 'Eve'")[
        0
    ]
    console = _records("SELECT ExpirationDate, TotalLicenses FROM PermissionSetLicense")[0]

    assert eve["Department"] == 'R&D "x"'
    assert eve["CreatedDate"] == "2026-11-01T00:00:00.000+0000"
    assert (eve["IsActive"], eve["ForecastEnabled"]) == (False, False)
    assert (console["ExpirationDate"], console["TotalLicenses"]) == ("2026-12-31", 5)


def test_child_subqueries() -> None:
    """Children hang below their parents with a count of their own, and are null where there are none."""
    name = next(
        e.name
        for e in OBJECTS["User"].child_relationships
        if e.child == "PermissionSetLicenseAssign" and e.name
    )
    rows = _records(
        f"SELECT Name, (SELECT PermissionSetLicense.MasterLabel FROM {name}) FROM User ORDER BY Name"
    )

    assert [row[name] is None for row in rows] == [True, False, True, True, True]
    assert rows[1][name]["totalSize"] == 1
    assert rows[1][name]["records"][0]["PermissionSetLicense"]["MasterLabel"] == "Console"


def test_the_recycle_bin() -> None:
    """Deleted records are answered to queryAll only."""
    soql = "SELECT Id FROM PermissionSetLicenseAssign"

    assert len(_records(soql)) == 1
    assert len(_records(soql, _sight(deleted=True))) == 2


def _groups(soql: str) -> list[dict[str, Any]]:
    result = run(soql, SIGHT)
    assert isinstance(result, Groups)
    rows = json.loads(group_page(result, Layout()))
    assert all(row.pop("attributes") == {"type": "AggregateResult"} for row in rows)
    return list(rows)


@pytest.mark.parametrize(
    ("soql", "rows"),
    [
        ("SELECT COUNT(Id) FROM User", [{"expr0": 5}]),
        ("SELECT COUNT(Department) n, COUNT(Id) FROM User", [{"n": 4, "expr0": 5}]),
        ("SELECT COUNT_DISTINCT(ProfileId) FROM User", [{"expr0": 3}]),
        (
            "SELECT MIN(CreatedDate), MAX(LastLoginDate) m FROM User",
            [{"expr0": "2020-01-01T00:00:00.000+0000", "m": "2026-11-24T08:00:00.000+0000"}],
        ),
        ("SELECT SUM(TotalLicenses) t, AVG(UsedLicenses) a FROM UserLicense", [{"t": 10, "a": 1.5}]),
        ("SELECT MAX(Name) FROM User WHERE IsActive = true", [{"expr0": "Dora"}]),
        (
            "SELECT IsActive, COUNT(Id) FROM User GROUP BY IsActive ORDER BY COUNT(Id) DESC",
            [{"IsActive": True, "expr0": 3}, {"IsActive": False, "expr0": 2}],
        ),
        (
            "SELECT Profile.UserLicense.Name lic, COUNT(Id) n FROM User GROUP BY Profile.UserLicense.Name "
            "ORDER BY Profile.UserLicense.Name NULLS LAST",
            [{"lic": "Community", "n": 2}, {"lic": "Salesforce", "n": 2}, {"lic": None, "n": 1}],
        ),
        (
            "SELECT Profile.Name FROM User GROUP BY Profile.Name HAVING COUNT(Id) > 1 "
            "ORDER BY Profile.Name DESC",
            [{"Name": "Portal"}, {"Name": "Admin"}],
        ),
        (
            "SELECT CALENDAR_YEAR(CreatedDate) y, COUNT(Id) n FROM User GROUP BY CALENDAR_YEAR(CreatedDate) "
            "ORDER BY CALENDAR_YEAR(CreatedDate) LIMIT 3",
            [{"y": 2020, "n": 1}, {"y": 2021, "n": 1}, {"y": 2022, "n": 2}],
        ),
        ("SELECT COUNT(Id) FROM User WHERE Name = 'nobody'", [{"expr0": 0}]),
        ("SELECT ProfileId FROM User WHERE Name = 'nobody' GROUP BY ProfileId", []),
    ],
)
def test_aggregates(soql: str, rows: list[dict[str, Any]]) -> None:
    """Aggregates are named by alias or exprN, and grouped, filtered and ordered as asked."""
    assert _groups(soql) == rows


@pytest.mark.parametrize(
    ("soql", "count"),
    [
        ("SELECT COUNT() FROM User", 5),
        ("SELECT count() FROM User WHERE IsActive = true", 3),
        ("SELECT COUNT() FROM User LIMIT 2", 2),
        ("SELECT COUNT() FROM SetupAuditTrail", 1),
    ],
)
def test_counts(soql: str, count: int) -> None:
    """COUNT() gives a total and no records."""
    assert run(soql, SIGHT) == Count(count)


_NO_COLUMN = (
    "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. "
    "Please reference your WSDL or the describe call for the appropriate names."
)


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        (
            "SELECT Foo FROM User",
            "INVALID_FIELD",
            "\nSELECT Foo FROM User\n       ^\nERROR at Row:1:Column:8\n"
            f"No such column 'Foo' on entity 'User'. {_NO_COLUMN}",
        ),
        (
            "SELECT Id FROM Nothing",
            "INVALID_TYPE",
            "ERROR at Row:1:Column:16\nsObject type 'Nothing' is not supported.",
        ),
        (
            "SELECT Id\nFROM User\nWHERE Foo = 1",
            "INVALID_FIELD",
            "\nWHERE Foo = 1\n      ^\nERROR at Row:3:Column:7",
        ),
        (
            "SELECT Boss.Name FROM User",
            "INVALID_FIELD",
            "Didn't understand relationship 'Boss' in field path.",
        ),
        (
            "SELECT Id, (SELECT Id FROM Foos) FROM User",
            "INVALID_TYPE",
            "Didn't understand relationship 'Foos'",
        ),
        ("", "MALFORMED_QUERY", "SOQL statements cannot be empty or null"),
        (
            "SELECT Id FROM User WHERE",
            "MALFORMED_QUERY",
            "ERROR at Row:1:Column:26\nunexpected token: '<EOF>'",
        ),
        ("SELECT Id FROM User WHERE Name IS NULL", "MALFORMED_QUERY", "unexpected token: 'IS'"),
        ("SELECT Id,, Name FROM User", "MALFORMED_QUERY", "unexpected token: ','"),
        ("q=SELECT Id FROM User", "MALFORMED_QUERY", "unexpected token: 'q'"),
        ("SELECT Id FROM User WHERE Name = 'x", "MALFORMED_QUERY", "mismatched character '<EOF>'"),
        (
            "SELECT Id FROM User WHERE Id = 'x' AND Name = 'y' OR Name = 'z'",
            "MALFORMED_QUERY",
            "unexpected token: 'OR'",
        ),
        ("SELECT Id, Id FROM User", "MALFORMED_QUERY", "duplicate field selected: Id"),
        ("SELECT Name n FROM User", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT Id FROM User WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        (
            "SELECT Id FROM User WHERE Name = 5",
            "INVALID_FIELD",
            "criterion for field 'Name' must be of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM User WHERE CreatedDate > '2024-01-01'",
            "INVALID_FIELD",
            "criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM User WHERE IsActive = 'true'",
            "INVALID_FIELD",
            "must be of type boolean and should not",
        ),
        ("SELECT Id FROM UserLicense WHERE TotalLicenses = 1.5", "INVALID_FIELD", "must be of type int"),
        (
            "SELECT Id FROM SetupAuditTrail WHERE Display = 'x'",
            "INVALID_FIELD",
            "field 'Display' can not be filtered in a query call",
        ),
        ("SELECT Name, COUNT(Id) FROM User", "MALFORMED_QUERY", "Field must be grouped or aggregated: Name"),
        (
            "SELECT COUNT(Id) FROM User GROUP BY CreatedDate",
            "MALFORMED_QUERY",
            "'CreatedDate' can not be grouped",
        ),
        (
            "SELECT SUM(Name) FROM User",
            "MALFORMED_QUERY",
            "field Name does not support aggregate operator SUM",
        ),
        (
            "SELECT MAX(CreatedDate) FROM SetupAuditTrail",
            "INVALID_TYPE_FOR_OPERATION",
            "does not support aggregate",
        ),
        (
            "SELECT Id FROM User LIMIT 10 OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
        ("SELECT FIELDS(ALL) FROM User", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        ("SELECT FIELDS(ALL) FROM User LIMIT 201", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        (
            "SELECT Id FROM User WHERE Id IN (SELECT Name FROM Profile)",
            "MALFORMED_QUERY",
            "Semi join sub-selects must select an id or a reference field",
        ),
        (
            "SELECT Manager.Manager.Manager.Manager.Manager.Manager.Name FROM User",
            "MALFORMED_QUERY",
            "at most five levels",
        ),
        ("SELECT Id FROM User LIMIT many", "MALFORMED_QUERY", "unexpected token: 'many'"),
        (
            "SELECT Id FROM User WHERE CreatedDate = LAST_N_DAYS",
            "MALFORMED_QUERY",
            "unexpected token: 'LAST_N_DAYS'",
        ),
        ("SELECT Id FROM User trailing nonsense", "MALFORMED_QUERY", "unexpected token: 'nonsense'"),
    ],
)
def test_refusals(soql: str, code: str, text: str) -> None:
    """What makes no sense is refused with Salesforce's code and words, and the place of the mistake."""
    with pytest.raises(ApiError) as caught:
        run(soql, SIGHT)

    assert (caught.value.status, caught.value.code) == (400, code)
    assert text in caught.value.message


def test_fields_all_gives_every_field() -> None:
    """FIELDS(ALL) selects what describe shows to the user."""
    row = _records("SELECT FIELDS(ALL) FROM UserLicense LIMIT 1")[0]

    assert set(row) - {"attributes"} == set(SIGHT.catalog.entities["UserLicense"].fields)


def test_more_groups_than_a_page_holds() -> None:
    """More than 2,000 groups are refused, and accepted with a LIMIT."""
    many = pa.table({"Id": [_id("005", n) for n in range(2001)], "Name": [str(n) for n in range(2001)]})
    store = Store(lambda _: many, OBJECTS)
    sight = Sight(store, SIGHT.catalog, TODAY, lambda _: None)

    with pytest.raises(ApiError) as caught:
        run("SELECT Name, COUNT(Id) FROM User GROUP BY Name", sight)
    limited = run("SELECT Name, COUNT(Id) FROM User GROUP BY Name LIMIT 2000", sight)

    assert caught.value.code == "EXCEEDED_ID_LIMIT"
    assert isinstance(limited, Groups)
    assert limited.table.num_rows == 2000


_COMPARISONS = st.tuples(
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), st.sampled_from(["Ann", "BOB", "cy_d", "M", "zz"])
)


def _truth(comparison: tuple[str, str], name: str) -> bool:
    left, right = name.lower(), comparison[1].lower()
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[comparison[0]]


@given(st.lists(_COMPARISONS, min_size=1, max_size=4), st.sampled_from(["AND", "OR"]), st.booleans())
def test_conditions_follow_two_valued_logic(parts: list[tuple[str, str]], word: str, negated: bool) -> None:
    """Any junction of comparisons, negated or not, finds the rows that plain logic finds."""
    clause = f" {word} ".join(f"Name {operator} '{value}'" for operator, value in parts)
    combine = all if word == "AND" else any
    expected = [row[0][0] for row in USERS if combine(_truth(part, row[0]) for part in parts) != negated]

    assert _names(f"WHERE {'NOT' if negated else ''} ({clause})") == "".join(expected)
