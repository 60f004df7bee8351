"""
Two orgs on three Celery workers: plain processes around Redis, Postgres and an S3 API.

While the users of the larger one are being fetched, the machine that does it dies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from license_ledger import reader
from license_ledger.schemas import TABLES
from license_ledger.staging.landing import RunFolder
from tests import pg
from tests.demo_org_fixtures import RunningOrg
from tests.e2e.several_machines import Cluster, cluster, kill_machine

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

HUGE, SMALL = "salesforce_license_snapshot__huge", "salesforce_license_snapshot__small"
USERS, PAGES, SHARES = 12_000, 12, 3
AT_ONCE = 2
"""Tasks of the larger org that may run at the same time, on three workers."""

HELD_SECONDS = 100.0
TOKEN = r"5Aep861[\w.]{20,}|00D[A-Za-z0-9]{12,15}![\w.]{60,}"
"""What refresh and access tokens look like."""

COMPARED = {
    "users": ["user_id", "username", "license_id", "account_class", "is_active", "is_frozen"],
    "seats": ["user_id", "license_layer", "license_id", "is_active"],
    "licenses": ["license_layer", "license_id", "license_name", "total_count", "used_count"],
    "mismatches": ["license_layer", "license_id", "cause", "seat_count"],
}


@dataclass
class Ended:
    """
    Both runs after they have ended.

    Attributes:
        cluster: still up.
        orgs: by connection id.
        before: pages that were landed when the machine died.
        killed: the task that ran there.
        most: most extracts of the larger org that were seen running at once.
    """

    cluster: Cluster
    orgs: dict[str, RunningOrg]
    before: set[str]
    killed: dict[str, Any]
    most: int


def folder(cluster: Cluster, org: RunningOrg) -> RunFolder:
    """The folder of an org's first run."""
    (day,) = cluster.staging.list("_landing", f"org_id={org.server.org.world.org_id}")
    (run,) = cluster.staging.list("_landing", f"org_id={org.server.org.world.org_id}", day)
    return RunFolder(
        cluster.staging.child("_landing"),
        org.server.org.world.org_id,
        date.fromisoformat(day.partition("=")[2]),
        run.partition("=")[2],
    )


def parts(cluster: Cluster, org: RunningOrg) -> set[str]:
    """The landed pages of an org's users; none before there is a run."""
    try:
        return {name for name in folder(cluster, org).storage.list("User") if name.startswith("part-")}
    except ValueError:
        return set()


def extracts(cluster: Cluster) -> list[dict[str, Any]]:
    """The extracts of the larger org."""
    return [task for task in cluster.tasks(HUGE) if task["task_id"] == "extract"]


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RunningOrg]]:
    """One org whose users are worth sharing, and one of forty accounts."""
    root, today = tmp_path_factory.mktemp("orgs"), datetime.now(UTC).date()
    worlds = {"huge": World(seed=31, users=USERS, today=today), "small": World(today=today)}
    servers = {name: DemoOrg(world, OrgOptions(rotation=True), root / name) for name, world in worlds.items()}
    for server in servers.values():
        server.start()
    yield {name: RunningOrg(server) for name, server in servers.items()}
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="module")
def ended(orgs: dict[str, RunningOrg], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """The scheduled runs of both orgs; the machine that extracts the users is killed after two pages."""
    huge = orgs["huge"]
    huge.control.fault("stall", path=r"/results$", nth=3, count=None, after=0.0, seconds=HELD_SECONDS)
    connections = {name: org.connection() for name, org in orgs.items()}
    with cluster(
        tmp_path_factory.mktemp("cluster"),
        connections,
        workers=3,
        slots=1,
        LICENSE_LEDGER_BULK_SHARES=str(SHARES),
        LICENSE_LEDGER_BULK_PAGE_RECORDS="1000",
        LICENSE_LEDGER_ORG_POOLS="true",
    ) as running:
        running.set_slots("salesforce__huge", 1)
        running.wait_until(lambda: len(parts(running, huge)) >= 2, "the first two pages")
        (killed,) = running.wait_until(
            lambda: [task for task in extracts(running) if task["state"] == "running" and task["pid"]],
            "the extract that runs",
        )
        worker = running.worker_of(killed)
        assert worker is not None
        kill_machine(worker)
        before = parts(running, huge)
        huge.control.no_fault()
        huge.control.clear_requests()
        running.set_slots("salesforce__huge", AT_ONCE)
        most = 0

        def over() -> bool:
            nonlocal most
            most = max(most, sum(task["state"] == "running" for task in extracts(running)))
            run = running.run(HUGE)
            return run is not None and run["state"] in {"success", "failed"}

        running.wait_until(over, "the end of the larger run")
        yield Ended(running, orgs, before, killed, most)


def test_both_runs_end_well(ended: Ended) -> None:
    """The scheduled run of each org succeeds, the one that lost a machine as well."""
    assert ended.cluster.ended(HUGE)["state"] == "success"
    assert ended.cluster.ended(SMALL)["state"] == "success"


def test_the_share_of_the_dead_worker_is_taken_over(ended: Ended) -> None:
    """Airflow notices the silence and tries that one task again, on another worker."""
    tries = {task["map_index"]: task["try_number"] for task in extracts(ended.cluster)}
    labels = {task["rendered_map_index"] for task in extracts(ended.cluster)}

    assert ended.killed["try_number"] == 1
    assert tries[ended.killed["map_index"]] > 1
    assert {f"User {number}/{SHARES}" for number in range(1, SHARES + 1)} <= labels


def test_pages_that_had_landed_are_not_fetched_again(ended: Ended) -> None:
    """After the machine died the org is asked for the missing pages of the users, and for no other."""
    landed = folder(ended.cluster, ended.orgs["huge"]).landed("User")
    assert landed is not None
    (job,) = {part.removesuffix(".parquet").rpartition("-")[2] for part in landed["parts"]}
    asked = [
        call for call in ended.orgs["huge"].control.requests() if call["path"].endswith(f"{job}/results")
    ]
    started = [call for call in ended.orgs["huge"].control.requests() if call["path"].endswith("/jobs/query")]

    assert 2 <= len(ended.before) < PAGES
    assert {f"User/{part}" for part in ended.before} < set(landed["parts"])
    assert len(asked) == PAGES - len(ended.before)
    assert (landed["rows"], len(landed["parts"])) == (USERS, PAGES)
    assert not [call for call in started if job in call["path"]]


def test_no_org_takes_more_workers_than_its_pool_has_slots(ended: Ended) -> None:
    """At every moment at most so many extracts of the larger org were running."""
    assert 1 <= ended.most <= AT_ONCE


@pytest.mark.parametrize("name", ["huge", "small"])
def test_what_is_published_is_true(name: str, ended: Ended) -> None:
    """In the bucket and in the warehouse, for both orgs: the same rows as the org's ground truth."""
    world = ended.orgs[name].server.org.world
    day = date.fromisoformat(ended.cluster.ended(HUGE)["partition_key"])
    snapshot = reader.open_snapshot(ended.cluster.staging, world.org_id, day)
    snapshot.verify()
    expected = Truth(world).expected(company_names=["*"])

    for table, columns in COMPARED.items():
        wanted = expected[table][columns].astype(object)
        wanted = wanted.where(wanted.notna(), None)
        truth = sorted(wanted.itertuples(index=False, name=None), key=repr)
        rows = snapshot.table(table, columns).to_pylist()
        if table == "mismatches":
            rows = [row for row in rows if row["seat_count"]]
        assert sorted((tuple(row.values()) for row in rows), key=repr) == truth, table
        loaded = pg.asked(
            ended.cluster.warehouse, f"SELECT count(*) FROM {table} WHERE org_id = '{world.org_id}'"
        )
        assert loaded == [(snapshot.table(table, columns[:1]).num_rows,)], table


def test_nothing_lies_on_a_machine(ended: Ended) -> None:
    """Below the home of the processes is no Parquet file, no staging area and no warehouse."""
    root = ended.cluster.home.root

    assert not list(root.rglob("*.parquet"))
    assert not (root / "staging").exists()
    assert not list(root.rglob("*.duckdb*"))
    with psycopg.connect(ended.cluster.warehouse) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables").fetchall()
    assert {table.name for table in TABLES} <= {name for (name,) in found}


def test_no_secret_leaves_the_workers(ended: Ended) -> None:
    """No log of any process and no object of the bucket holds a client secret, refresh or access token."""
    known = [text for org in ended.orgs.values() for text in (org.client_secret, org.refresh_token)]
    shape = re.compile("|".join([TOKEN, *map(re.escape, known)]).encode())
    files = [path for path in ended.cluster.home.root.rglob("*.log") if path.is_file()]
    fs, bucket = ended.cluster.staging.fs, ended.cluster.staging.root.partition("/")[0]
    texts = [path.read_bytes() for path in files] + list(fs.cat(fs.find(bucket)).values())

    assert any(path.name == "attempt=2.log" for path in files)
    assert all(re.fullmatch(TOKEN, org.refresh_token) for org in ended.orgs.values())
    assert not [text for text in texts if shape.search(text)]
