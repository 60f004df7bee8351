"""Queries over REST: pages, cursors, totals, composite."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from tests.contract.salesforce.desk import Desk
from tests.demo_org_fixtures import RunningOrg

from license_ledger import errors
from license_ledger.salesforce.answers import Refusal
from license_ledger.salesforce.composite import ask_many, describe_of, query_of

SCHEMA = pa.schema(
    [
        ("Id", pa.string()),
        ("Username", pa.string()),
        ("IsActive", pa.bool_()),
        ("LastLoginDate", pa.timestamp("us", tz="UTC")),
        ("Profile.Name", pa.string()),
        ("Profile.UserLicense.LicenseDefinitionKey", pa.string()),
    ]
)
SOQL = f"SELECT {', '.join(SCHEMA.names)} FROM User"


@pytest.fixture
def paging(start_demo_org: Callable[..., RunningOrg]) -> Desk:
    """An org whose pages have seven rows."""
    return Desk(start_demo_org(rest_page_rows=7))


def rows(desk: Desk, soql: str = SOQL, schema: pa.Schema = SCHEMA) -> pa.Table:
    tables = list(desk.client().query_batches(soql, schema))
    return pa.concat_tables(tables) if tables else schema.empty_table()


def test_all_pages_are_read(paging: Desk) -> None:
    """Every user comes once, page by page, with parents as dotted columns and missing ones null."""
    tables = list(paging.client().query_batches(SOQL, SCHEMA))
    table = pa.concat_tables(tables)

    assert [t.num_rows for t in tables] == [7, 7, 7, 7, 7, 5]
    assert table.schema == SCHEMA
    assert len(set(table["Id"].to_pylist())) == 40
    assert (
        table["Profile.Name"].null_count == table["Profile.UserLicense.LicenseDefinitionKey"].null_count > 0
    )


def test_pages_can_be_had_as_they_come(paging: Desk) -> None:
    """Untyped pages say their total each time."""
    pages = list(paging.client().query_pages("SELECT Id FROM User"))

    assert [page["totalSize"] for page in pages] == [40] * 6
    assert [page["done"] for page in pages] == [False] * 5 + [True]


def test_a_query_without_rows_has_no_table(paging: Desk) -> None:
    """No rows is no table, and no error."""
    assert list(paging.client().query_batches(f"{SOQL} WHERE Username = 'nobody'", SCHEMA)) == []


@pytest.mark.parametrize("fault", ["session_expires_mid_query", "cursor_dies_with_session", "cursor_gone"])
@pytest.mark.parametrize("nth", [1, 3])
def test_a_lost_cursor_restarts_the_query_and_no_row_comes_twice(paging: Desk, fault: str, nth: int) -> None:
    """Whatever ends a cursor, and whenever, every row is there exactly once."""
    whole = rows(paging)
    paging.org.control.fault(fault, nth=nth)

    again = rows(paging)

    assert paging.org.control.hits(fault) >= 1
    assert again.sort_by("Id").equals(whole.sort_by("Id"))


def test_a_cursor_that_is_always_lost_is_given_up(paging: Desk) -> None:
    """Four starts, then a transient error that names the object."""
    paging.org.control.fault("cursor_gone", count=None)

    with pytest.raises(errors.SalesforceUnavailable, match="query of User"):
        rows(paging)
    assert paging.calls("/query") == 8


def test_a_small_result_without_ids_is_held_back_until_it_is_whole(paging: Desk) -> None:
    """Rows that cannot be told apart are only handed on when all are there."""
    schema = pa.schema([("Username", pa.string())])
    paging.org.control.fault("cursor_gone", nth=2)

    assert rows(paging, "SELECT Username FROM User", schema).num_rows == 40


def test_a_page_in_the_middle_that_fails_for_a_moment_is_asked_for_again(paging: Desk) -> None:
    """A cursor outlives a full moment."""
    paging.org.control.fault("server_503", path="query/", nth=2)

    assert rows(paging).num_rows == 40
    assert paging.calls("/v66.0/query") == 7


def test_a_timeout_of_the_query_is_no_empty_result(paging: Desk) -> None:
    """QUERY_TIMEOUT is an error, not nought rows."""
    paging.org.control.fault("query_timeout")

    with pytest.raises(errors.SalesforceUnavailable, match="QUERY_TIMEOUT"):
        rows(paging)


def test_a_hidden_field_is_drift(paging: Desk) -> None:
    """A field that vanished since describe names the object that lacks it."""
    paging.org.control.hide("User.Username")

    with pytest.raises(errors.SchemaDrift, match="query of User"):
        rows(paging)


def test_many_reads_are_few_calls(desk: Desk) -> None:
    """Five queries and any number of describes are one call; each part answers or is refused by itself."""
    client = desk.client()
    reads = {f"q{n}": query_of("SELECT COUNT() FROM User") for n in range(6)}
    reads |= {
        "d": describe_of("User"),
        "x": describe_of("Nonsense"),
        "y": query_of("SELECT Id FROM Nonsense"),
    }

    answers = ask_many(client, reads)

    assert client.api_calls == 2
    assert [answers[f"q{n}"]["totalSize"] for n in range(6)] == [40] * 6
    assert answers["d"]["name"] == "User"
    assert isinstance(answers["x"], Refusal)
    assert answers["x"].is_absence
    assert isinstance(answers["y"], Refusal)
    assert answers["y"].code == "INVALID_TYPE"


def test_without_composite_the_parts_are_asked_alone(desk: Desk) -> None:
    """An org that refuses composite requests answers the same, in more calls."""
    client = desk.client()
    desk.org.control.fault("insufficient_access", path="composite", count=None)

    answers = ask_many(client, {"a": query_of("SELECT COUNT() FROM User"), "b": describe_of("Nonsense")})

    assert answers["a"]["totalSize"] == 40
    assert answers["b"].is_absence
    assert client.api_calls == 3


def test_a_describe_that_fails_for_a_moment_is_asked_for_again(desk: Desk) -> None:
    """One describe of many that answers 406 does not spoil the others."""
    client = desk.client()
    desk.org.control.fault("insufficient_access", path="composite", count=None)
    desk.org.control.fault("describe_406_once", nth=2)

    answers = ask_many(client, {name: describe_of(name) for name in ("User", "Profile", "UserRole")})

    assert {name: answer["name"] for name, answer in answers.items()} == {n: n for n in answers}
    assert client.api_calls == 5


@pytest.mark.parametrize(
    ("fault", "kind"), [("daily_limit", errors.QuotaExhausted), ("api_disabled", errors.AccessDenied)]
)
def test_a_refusal_for_all_parts_is_an_error(desk: Desk, fault: str, kind: type[errors.LedgerError]) -> None:
    """Where no part can be answered, the parts are not tried one by one."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault(fault)

    with pytest.raises(kind):
        ask_many(client, {"a": query_of("SELECT COUNT() FROM User")})
    assert client.api_calls == 1
