"""A person is erased from a Postgres warehouse as from a file: nothing is found, every count stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from license_ledger import reader
from license_ledger.errors import CheckFailed
from license_ledger.privacy.erase import Erasure
from license_ledger.privacy.history import retain_history
from license_ledger.warehouse.contract import Replacement
from license_ledger.warehouse.ddl import DAY_TABLES
from license_ledger.warehouse.places import warehouse_at
from tests.component.privacy.history import PEOPLE, SEATS, History
from tests.pg import Server, asked, connected, running

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

OF_PEOPLE = [table.name for table in DAY_TABLES if "user_id" in {column.name for column in table.columns}]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests of this file."""
    with running() as one:
        yield one


@dataclass(frozen=True)
class Loaded:
    """Days in staging, with a Postgres warehouse beside it."""

    history: History
    url: str
    server: Server

    @property
    def erasure(self) -> Erasure:
        """An erasure from all of it."""
        history = self.history
        return Erasure(history.landing, history.staging, self.url, history.org_id, wait_seconds=20)

    def counts(self) -> list[Any]:
        """Everything that is counted, over all days."""
        found = []
        for name, keys in (("seats", SEATS), ("users", PEOPLE)):
            listed = ", ".join(["snapshot_date", *keys])
            found.append(
                asked(
                    self.url,
                    f"SELECT {listed}, count(*), count(DISTINCT user_id) FROM {name} "
                    f"GROUP BY {listed} ORDER BY {listed}",
                )
            )
        return [*found, *(asked(self.url, f"SELECT * FROM {name}") for name in ("licenses", "mismatches"))]

    def mentions(self, *values: str) -> set[str]:
        """Tables and views in whose rows, written out whole, any of the values is."""
        names = [
            name
            for (name,) in asked(
                self.url,
                "SELECT relname FROM pg_class WHERE relnamespace = "
                "'license_ledger'::regnamespace AND relkind IN ('r', 'v')",
            )
        ]
        found = set()
        for name in names:
            for value in values:
                query = f"SELECT count(*) FROM {name} AS t WHERE strpos(t::text, '{value}') > 0"
                if asked(self.url, query) != [(0,)]:
                    found.add(name)
        return found


@pytest.fixture
def loaded(few: Callable[[int], History], server: Server) -> Loaded:
    """Three days, loaded into Postgres as well."""
    history, url = few(3), server.url(server.database())
    warehouse_at(url).load_all([history.snapshot(day) for day in history.days])
    return Loaded(history, url, server)


def test_nothing_of_an_erased_person_is_found(loaded: Loaded) -> None:
    """No row of a table or view has the id or a value, every count stays; rewritten, no page has either."""
    person = loaded.history.person(loaded.history.days[-1], name="Ann Bell")
    values = [person[name] for name in ("username", "email", "name")]
    assert loaded.mentions(person["user_id"][:15]) >= {"users", "seats", "users_history"}
    counts, erasure = loaded.counts(), loaded.erasure
    preview = erasure.preview(erasure.person(user_id=person["user_id"]))
    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    assert report["rewritten"]["warehouse"] == preview["rewritten"]["warehouse"]
    assert report["searched"]["warehouse"] == 1
    assert loaded.mentions(person["user_id"][:15], *values) == set()
    assert loaded.counts() == counts
    assert _dead(loaded.url) == 0
    with connected(loaded.url) as connection:
        connection.execute("VACUUM FULL")
    assert _pages_with(loaded.url, person["user_id"], *values) == set()
    again = erasure.run(erasure.person(user_id=person["user_id"]))
    assert again["rewritten"] == {}


def test_erased_days_are_not_loaded_again(loaded: Loaded) -> None:
    """The warehouse's manifest is that of the rewritten files, so that the next load finds the day there."""
    history = loaded.history
    person = history.person(history.days[-1], name="Ann Bell")
    loaded.erasure.run(loaded.erasure.person(user_id=person["user_id"]))

    receipts = warehouse_at(loaded.url).load_all(
        [reader.open_snapshot(history.staging, history.org_id, day) for day in history.days]
    )
    assert [receipt["loaded"] for receipt in receipts] == [False] * 3


def _dead(url: str) -> int:
    """Rows in tables of people that are gone and not vacuumed away, as the server tells."""
    names = [f"license_ledger.{name}" for name in OF_PEOPLE]
    query = f"SELECT sum(pg_stat_get_dead_tuples(name::regclass))::int FROM unnest(ARRAY{names}) AS t (name)"
    [(dead,)] = asked(url, query)
    return int(dead)


def _pages_with(url: str, *values: str) -> set[str]:
    """Tables of people in whose files, or in those of their indexes, any of the values is."""
    found = set()
    with connected(url) as connection:
        connection.execute("CHECKPOINT")
        files = connection.execute(
            "SELECT c.relname, pg_read_binary_file(pg_relation_filepath(c.oid)) FROM pg_class AS c "
            "LEFT JOIN pg_index AS i ON i.indexrelid = c.oid "
            "WHERE coalesce(i.indrelid, c.oid) = ANY(%s::regclass[])",
            [OF_PEOPLE],
        ).fetchall()
    for name, content in files:
        found |= {name for value in values if value.encode() in bytes(content)}
    return found


def test_a_reader_in_a_long_transaction_keeps_an_erasure_from_being_called_done(loaded: Loaded) -> None:
    """Old rows that somebody still sees are reported; when they are gone the next call cleans up."""
    warehouse, history = warehouse_at(loaded.url), loaded.history
    person = history.person(history.days[-1], name="Ann Bell")
    who = Replacement(history.org_id, [person["user_id"]], "005000000000TOMBZZ", {"users": ["name", "email"]})
    with psycopg.connect(loaded.url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM license_ledger.users")
        with pytest.raises(CheckFailed, match="a transaction that began before"):
            warehouse.replace_person(who, wait_seconds=0.5)
    assert _dead(loaded.url) > 0

    assert warehouse.replace_person(who, wait_seconds=20) == {}
    assert _dead(loaded.url) == 0


def test_days_that_are_no_longer_kept_leave_postgres_too(loaded: Loaded) -> None:
    """Retention takes a day out of staging and of the warehouse; a dry run only says so."""
    walk = replace(loaded.history.walk, values={"history_daily_days": 2, "warehouse": loaded.url})
    history = loaded.history

    def retained(*, dry_run: bool) -> Any:
        return retain_history(
            history.landing,
            history.staging,
            walk.settings,
            org_id=history.org_id,
            today=history.days[-1],
            dry_run=dry_run,
        )

    told = retained(dry_run=True)
    assert len(warehouse_at(loaded.url).days(history.org_id)) == 3
    done = retained(dry_run=False)

    assert done["unloaded"] == told["unloaded"] == done["dropped"]
    assert sorted(day.isoformat() for day in warehouse_at(loaded.url).days(history.org_id)) == sorted(
        {day.isoformat() for day in history.days} - set(done["unloaded"])
    )
