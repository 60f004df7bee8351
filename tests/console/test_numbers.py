"""The numbers on the pages are those of SQL over the published tables, which are the demo org's truth."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from demo_org.truth import Truth
from license_ledger.console import wording
from license_ledger.warehouse.connection import open_readonly
from tests.console.airflow_server import AirflowServer
from tests.console.reading_pages import Page, number
from tests.console.two_orgs import COMPANIES, OBSERVED, RECONSTRUCTED, RESCOPED, TODAY, Orgs
from tests.walk import noon

DAYS = [OBSERVED[0], RESCOPED, TODAY, RECONSTRUCTED]


@pytest.fixture(scope="module")
def tables(orgs: Orgs) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, for statements of the tests' own over its tables, never its views."""
    with open_readonly(orgs.warehouse) as connection:
        yield connection


def _page(server: AirflowServer, orgs: Orgs, route: str, day: object = TODAY) -> Page:
    mark = "&" if "?" in route else "?"
    answer = server.client("named").get(f"/{route}{mark}org={orgs.org_id}&day={day}")
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def _rows(tables: duckdb.DuckDBPyConnection, sql: str, orgs: Orgs, day: object) -> list[tuple[Any, ...]]:
    return tables.execute(sql, {"org": orgs.org_id, "day": day}).fetchall()


@pytest.mark.parametrize("day", DAYS)
def test_the_position_is_the_licenses_table(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection, day: object
) -> None:
    """Every license stands on the page with the total, used, in-scope and available seats of its table."""
    shown = _page(server, orgs, "position", day).table("licenses. Total, used")
    found = sorted(str((number(r["Total"]), number(r["Used"]), number(r["Available"]))) for r in shown.rows)
    sql = """
        SELECT total_count, used_count, available_count FROM licenses
        WHERE org_id = $org AND snapshot_date = $day
    """
    wanted = sorted(str(row) for row in _rows(tables, sql, orgs, day))

    assert found == wanted


def test_the_position_is_the_truth(server: AirflowServer, orgs: Orgs) -> None:
    """The page's numbers of every license with holders are what the demo org knows to be right."""
    world = orgs.org.server.org.world
    world.set_clock(noon(TODAY))
    truth = Truth(world).expected(company_names=COMPANIES)["licenses"]
    shown = _page(server, orgs, "position").table("licenses. Total, used")
    assert len(shown.rows) == len(truth)

    counted = truth[truth["license_layer"] != "usage"]
    wanted = sorted(int(n) for n in counted["in_scope_count"].fillna(0))
    found = sorted(number(row["In scope"]) or 0 for row in shown.rows[: len(counted)])

    assert found == wanted
    assert sum(number(row["Used"]) or 0 for row in shown.rows[: len(counted)]) == int(
        counted["used_count"].sum()
    )


@pytest.mark.parametrize("day", [OBSERVED[0], RESCOPED, TODAY])
def test_what_stands_out_is_counted_from_the_tables(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection, day: object
) -> None:
    """The tiles at the top count over-allocated, nearly exhausted and expiring licenses, and wasted seats."""
    tiles = _page(server, orgs, "position", day).tiles()
    sql = """
        SELECT
            count(*) FILTER (used_count > total_count),
            count(*) FILTER (
                total_count > 0 AND used_count <= total_count AND used_count >= 0.95 * total_count
            ),
            count(*) FILTER (license_layer <> 'usage' AND expires_on - snapshot_date <= 90)
        FROM licenses WHERE org_id = $org AND snapshot_date = $day
    """
    [(over, nearly, expiring)] = _rows(tables, sql, orgs, day)

    assert tiles["Over-allocated"] == over
    assert tiles["Nearly exhausted"] == nearly
    assert tiles["Expiring"] == expiring
    assert tiles["Seats not explained"] == 0
    assert tiles["Seats to reclaim"] == len(_page(server, orgs, "reclaim", day).table("Candidates").rows)


@pytest.mark.parametrize("day", [RESCOPED, TODAY])
def test_the_bridge_of_every_license_is_the_mismatches_table(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection, day: object
) -> None:
    """For every license with seats, the causes on its page are those of the table and add up to Used."""
    sql = """
        SELECT m.license_layer || ':' || m.license_id, l.used_count, m.cause, m.seat_count
        FROM mismatches AS m
        INNER JOIN licenses AS l USING (org_id, snapshot_date, license_layer, license_id)
        WHERE m.org_id = $org AND m.snapshot_date = $day AND m.seat_count <> 0
    """
    bridges: dict[str, dict[str, int]] = {}
    used: dict[str, int | None] = {}
    for address, count, cause, seats in _rows(tables, sql, orgs, day):
        bridges.setdefault(address, {})[wording.CAUSE[cause]] = seats
        used[address] = count
    assert len(bridges) > 20

    for address, wanted in bridges.items():
        table = _page(server, orgs, f"mismatch?license={address}", day).table("Causes of")
        found = {row["Cause"]: number(row["Seats"]) or 0 for row in table.rows}

        assert {name: seats for name, seats in found.items() if seats} == wanted
        if used[address] is not None:
            assert sum(found.values()) == used[address]
        assert all(row["What to do"] for row in table.rows)


def test_the_bridges_are_the_truth(server: AirflowServer, orgs: Orgs) -> None:
    """Over all licenses, mismatch and seats in scope are those that the demo org knows to be right."""
    world = orgs.org.server.org.world
    world.set_clock(noon(TODAY))
    truth = Truth(world).expected(company_names=COMPANIES)["mismatches"]
    shown = _page(server, orgs, "mismatch").table("licenses with seats")
    in_scope = int(truth[truth["cause"] == "in_scope"]["seat_count"].sum())
    outside = int(truth[truth["cause"] != "in_scope"]["seat_count"].sum())

    assert sum(number(row["In scope"]) or 0 for row in shown.rows) == in_scope
    told = sum(number(row["Mismatch"]) or 0 for row in shown.rows)
    assert told == outside - _outside_of_uncounted(truth, world)


def _outside_of_uncounted(truth: Any, world: Any) -> int:
    """Seats out of scope of licenses that Salesforce does not count: no mismatch is told of them."""
    licenses = Truth(world).expected(company_names=COMPANIES)["licenses"]
    uncounted = licenses[licenses["used_count"].isna()]["license_id"]
    rows = truth[(truth["cause"] != "in_scope") & truth["license_id"].isin(uncounted)]
    return int(rows["seat_count"].sum())


def test_the_holders_behind_a_cause_are_the_seats_table(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection
) -> None:
    """Behind a cause whose people are published stand exactly the users of those seats."""
    sql = """
        SELECT s.license_layer || ':' || s.license_id, s.cause, count(*), list(u.username ORDER BY u.username)
        FROM seats AS s
        INNER JOIN users AS u USING (org_id, snapshot_date, user_id)
        WHERE s.org_id = $org AND s.snapshot_date = $day AND s.cause IN ('in_scope', 'deactivated_holder')
        GROUP BY ALL
    """
    for address, cause, count, usernames in _rows(tables, sql, orgs, TODAY):
        page = _page(server, orgs, f"mismatch?license={address}&cause={cause}&sort=username")
        found = page.table(f"{wording.CAUSE[cause]}, ").column("Username")

        assert len(found) == count
        assert sorted(found) == usernames


@pytest.mark.parametrize("day", [RESCOPED, TODAY])
def test_candidates_are_the_wasted_seats(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection, day: object
) -> None:
    """Reclaim lists each wasted seat once, in one waste class; its tiles and its export count the same."""
    sql = """
        SELECT
            CASE
                WHEN NOT s.is_active THEN 'Deactivated'
                WHEN s.is_frozen THEN 'Frozen'
                WHEN s.activity_band = 'never' THEN 'Never logged in'
                WHEN s.activity_band = '181+' THEN 'Idle 181 days or more'
                ELSE 'Idle 91 to 180 days'
            END AS waste,
            u.username,
            s.license_id
        FROM seats AS s
        INNER JOIN users AS u USING (org_id, snapshot_date, user_id)
        WHERE s.org_id = $org AND s.snapshot_date = $day
            AND s.cause IN ('in_scope', 'deactivated_holder')
            AND (
                s.is_active AND (
                    s.is_frozen OR s.activity_band IN ('181+', '91-180')
                    OR (s.activity_band = 'never' AND u.created_at::DATE <= s.snapshot_date - 30)
                )
                OR NOT s.is_active AND EXISTS (
                    SELECT 1 FROM mismatches AS m
                    WHERE m.org_id = s.org_id AND m.snapshot_date = s.snapshot_date
                        AND m.license_id = s.license_id AND m.cause = 'deactivated_holder'
                        AND m.seat_count > 0
                )
            )
    """
    wanted = sorted(_rows(tables, sql, orgs, day))
    assert wanted
    page = _page(server, orgs, "reclaim", day)
    answer = server.client("named").get(f"/reclaim.csv?org={orgs.org_id}&day={day}")
    exported = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    assert sorted((r["Waste class"], r["Username"], r["License ID"]) for r in exported) == wanted
    assert len(page.table("Candidates").rows) == min(len(wanted), 50)
    for name, count in page.tiles().items():
        assert count == sum(1 for waste, *_ in wanted if waste == name), name


@pytest.mark.parametrize("day", [RESCOPED, TODAY])
def test_people_are_counted_from_the_users_table(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection, day: object
) -> None:
    """Account classes, external accounts by domain, and the domains to classify are those of the table."""
    page = _page(server, orgs, "people", day)
    classes = (
        "SELECT account_class, count(*) FROM users WHERE org_id = $org AND snapshot_date = $day GROUP BY 1"
    )
    assert page.tiles() == {wording.ACCOUNT[n]: c for n, c in _rows(tables, classes, orgs, day)}
    outside = """
        SELECT email_domain, count(*) FROM users
        WHERE org_id = $org AND snapshot_date = $day AND account_class IN ('external', 'contractor', 'guest')
        GROUP BY account_class, user_type, email_domain
    """
    wanted = sorted((name or "\N{EN DASH}", count) for name, count in _rows(tables, outside, orgs, day))
    if wanted:
        shown = page.table("External accounts by user type and domain").rows
        assert sorted((row["Domain"], number(row["Accounts"])) for row in shown) == wanted
    seen = """
        SELECT email_domain, count(*) FROM users
        WHERE org_id = $org AND snapshot_date = $day AND scope_reason = 'everyone'
            AND account_class IN ('employee', 'contractor', 'unknown') AND email_domain IS NOT NULL
        GROUP BY 1
    """
    domains = dict(_rows(tables, seen, orgs, day))
    worklist = _page(server, orgs, "people?tab=domains", day)
    if domains:
        rows = worklist.table("Domains to classify").rows
        assert {row["Domain"]: number(row["Accounts"]) for row in rows} == domains


def test_people_left_out_are_the_truth(server: AirflowServer, orgs: Orgs) -> None:
    """The users whom the filter leaves out are as many, for each reason, as the demo org knows."""
    world = orgs.org.server.org.world
    world.set_clock(noon(TODAY))
    everybody = len(Truth(world).expected(company_names=["*"])["users"])
    inside = len(Truth(world).expected(company_names=COMPANIES)["users"])
    shown = _page(server, orgs, "people").table("Users who are not in scope")

    assert sum(number(row["Users"]) or 0 for row in shown.rows) == everybody - inside


def test_the_history_has_a_row_per_day_and_gaps_stay_gaps(
    server: AirflowServer, orgs: Orgs, tables: duckdb.DuckDBPyConnection
) -> None:
    """The days of a license are those with a snapshot, with their provenance; others are no points."""
    page = _page(server, orgs, "history")
    rows = page.table("by day, the newest first").rows
    sql = """
        SELECT CAST(l.snapshot_date AS VARCHAR), l.used_count, l.total_count, s.provenance
        FROM licenses AS l
        INNER JOIN snapshots AS s USING (org_id, snapshot_date)
        WHERE l.org_id = $org AND l.license_name = 'Salesforce' AND l.license_layer = 'user'
            AND l.snapshot_date <= $day
        ORDER BY 1 DESC
    """
    wanted = _rows(tables, sql, orgs, TODAY)

    found = [(r["Day"], number(r["Used"]), number(r["Total"]), r["Provenance"]) for r in rows]
    assert found == wanted
    assert [r["Before it"] for r in rows if r["Day"] == str(RESCOPED)] == ["gap of 2 days"]
    chart = page.root.get_element_by_id("trend-data").text
    assert '"2026-11-18"' in chart
    assert '"used": [null, 16, 16, null, null, 16' in chart


def test_rescoped_people_are_no_movers(server: AirflowServer, orgs: Orgs) -> None:
    """The day on which the filter was changed shows its people as rescoped, every one of them listed."""
    page = _page(server, orgs, "history", RESCOPED)
    tiles = page.tiles()

    assert tiles["Rescoped in"] == 24
    assert "Joiners" not in tiles
    assert len(page.table("Movements").rows) == sum(tiles.values())


def test_trust_tells_where_numbers_come_from(server: AirflowServer, orgs: Orgs) -> None:
    """Trust lists every snapshot with gaps and changes of scope, the runs, and says that all is explained."""
    page = _page(server, orgs, "trust")
    snapshots = page.table("snapshots of the org")

    assert snapshots.column("Day") == [str(day) for day in [*reversed(OBSERVED), RECONSTRUCTED]]
    notes = dict(zip(snapshots.column("Day"), snapshots.column("Notes"), strict=True))
    assert notes[str(RESCOPED)] == "gap of 2 daysscope changed"
    assert page.table("Runs of the DAG").column("State") == ["success"]
    assert "Every seat is explained." in page.texts("empty")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (TODAY, []),
        (OBSERVED[0], ["You are looking at the past: 2026-11-16."]),
        (
            RECONSTRUCTED,
            ["Reconstructed from what Salesforce remembers; some rows are likely or unsure. See Trust."],
        ),
    ],
)
def test_days_say_what_they_are(server: AirflowServer, orgs: Orgs, day: object, said: list[str]) -> None:
    """A past and a reconstructed day say so above the numbers, on every page; today says nothing."""
    for route in ("position", "mismatch", "reclaim", "people", "history", "trust"):
        notices = _page(server, orgs, route, day).texts("notice")
        # How long ago the last snapshot was is the machine's clock's matter, see test_views.py.
        assert [text for text in said if text not in notices] == []


def test_links_keep_the_org_and_the_day(server: AirflowServer, orgs: Orgs) -> None:
    """Every link to a page of the console keeps the org, and those that do not choose a day keep the day."""
    for route in ("position", "mismatch", "reclaim", "people", "history", "trust"):
        links = [link for link in _page(server, orgs, route, OBSERVED[0]).links() if "?" in link]
        assert links
        assert all(f"org={orgs.org_id}" in link for link in links)
        assert sum(f"day={OBSERVED[0]}" not in link for link in links) <= 2 + len(OBSERVED)
