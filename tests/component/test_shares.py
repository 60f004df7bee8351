"""One huge object by several tasks: the same rows as by one, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import pipeline
from license_ledger.errors import CorruptAnswer, SalesforceUnavailable
from license_ledger.receipts import Unit
from license_ledger.run import RunContext
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import MemoryJob, Walk, noon

USERS = 13_000
PAGES = 13
SHARES = 3


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningOrg]:
    """An org whose users fill 13 result pages of the smallest size."""
    world = World(seed=21, users=USERS, today=TODAY)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), tmp_path_factory.mktemp("shares-org")) as server:
        yield RunningOrg(server)


@pytest.fixture
def org(served: RunningOrg) -> Iterator[RunningOrg]:
    """The org, quiet again after each test."""
    served.control.clear_requests()
    yield served
    served.control.no_fault()


@dataclass
class Extract:
    """An extract of the users, by shares."""

    walk: Walk
    context: RunContext
    units: list[Unit]

    def share(self, number: int, job: MemoryJob | None = None) -> dict[str, Any]:
        """Run a share; the receipt."""
        return dict(pipeline.extract(self.context, self.units[number], job or MemoryJob()))

    def landed(self) -> pa.Table:
        """The landed users, by id."""
        return self.context.extracted.folder.table("User").sort_by("Id")

    def parts(self) -> list[str]:
        """Names of everything that lies in the directory of the users."""
        return self.context.extracted.folder.storage.list("User")


def begin(org: RunningOrg, root: Path, *, shares: int = SHARES, version: str = "66.0") -> Extract:
    """Everything up to the extract of the users."""
    connection = org.connection()
    connection["extra"]["version"] = version
    values = {"bulk_shares": shares, "bulk_page_records": 1000}
    walk = Walk(connection, root, noon(TODAY), values=values)
    context = walk.context()
    pipeline.refresh_token(context)
    units = pipeline.inspect_org(context)["units"]
    return Extract(walk, context, [unit for unit in units if unit["objects"] == ["User"]])


@pytest.fixture
def extract(org: RunningOrg, tmp_path: Path) -> Extract:
    """An extract that three shares are to do."""
    return begin(org, tmp_path)


@pytest.fixture(scope="module")
def alone(served: RunningOrg, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The users as one task lands them."""
    whole = begin(served, tmp_path_factory.mktemp("alone"), shares=1)
    whole.share(0)
    return whole.landed()


def pages_fetched(org: RunningOrg) -> int:
    """How often the org was asked for a result page."""
    return sum(call["path"].endswith("/results") for call in org.control.requests())


def jobs_started(org: RunningOrg) -> int:
    """How often the org was asked to start a bulk job."""
    return sum(
        call["method"] == "POST" and call["path"].endswith("/jobs/query") for call in org.control.requests()
    )


def test_small_objects_are_not_shared(org: RunningOrg, extract: Extract, tmp_path: Path) -> None:
    """Only an object with four pages for each task is shared, and with one share nothing differs."""
    shared = pipeline.inspect_org(extract.context)["units"]
    plain = begin(org, tmp_path / "plain", shares=1)

    assert [(unit["label"], unit["share"]) for unit in extract.units] == [
        ("User 1/3", [0, 3]),
        ("User 2/3", [1, 3]),
        ("User 3/3", [2, 3]),
    ]
    small = [unit for unit in shared if "share" not in unit]
    assert {"people", "licenses"} <= {unit["label"] for unit in small}
    assert [sorted(unit) for unit in plain.units] == [["label", "objects"]]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_shares_land_what_one_task_lands(
    order: tuple[int, ...], org: RunningOrg, extract: Extract, alone: pa.Table
) -> None:
    """In any order, by one job, every page once; nothing is landed before the last one has finished."""
    receipts = []
    for number in order:
        assert extract.context.extracted.folder.landed("User") is None
        receipts.append(extract.share(number))

    assert extract.landed().equals(alone)
    assert sum(receipt["rows"]["User"] for receipt in receipts) == USERS
    assert (jobs_started(org), pages_fetched(org)) == (1, PAGES)
    assert len(extract.parts()) == PAGES + 1
    calls = sum(receipt["api_calls"] for receipt in receipts)
    assert pipeline.calls_of(extract.context) >= calls


def test_shares_at_once_land_what_one_task_lands(org: RunningOrg, extract: Extract, alone: pa.Table) -> None:
    """Side by side they agree on one job and one list of pages, and land the object once."""
    with ThreadPoolExecutor(SHARES) as threads:
        receipts = list(threads.map(extract.share, range(SHARES)))

    assert extract.landed().equals(alone)
    assert sum(receipt["rows"]["User"] for receipt in receipts) == USERS
    assert (jobs_started(org), pages_fetched(org)) == (1, PAGES)


def test_a_retried_share_goes_on_where_it_was(org: RunningOrg, extract: Extract, alone: pa.Table) -> None:
    """Pages that an earlier try has landed are not fetched again."""
    extract.share(0)
    org.control.fault("server_503", path=r"/results$", nth=3, count=None)
    with pytest.raises(SalesforceUnavailable):
        extract.share(1)
    org.control.no_fault()
    before = len([name for name in extract.parts() if name.startswith("part-")])
    org.control.clear_requests()
    extract.share(1)
    extract.share(2)

    assert before > 4
    assert pages_fetched(org) == PAGES - before
    assert jobs_started(org) == 0
    assert extract.landed().equals(alone)


def test_two_tries_of_one_share_do_not_disturb_each_other(extract: Extract, alone: pa.Table) -> None:
    """A try that was given up and still runs puts the same rows in the same places."""
    extract.share(0)
    extract.share(2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(extract.share, [1, 1]))

    assert extract.landed().equals(alone)


def test_a_share_that_runs_again_after_all_has_landed_asks_for_nothing(
    org: RunningOrg, extract: Extract, alone: pa.Table
) -> None:
    """An object is extracted once per inspection; the receipt is the same. A new inspection extracts anew."""
    first = [extract.share(number) for number in range(SHARES)]
    org.control.clear_requests()
    again = extract.share(1)

    assert org.control.requests() == []
    assert again["rows"] == first[1]["rows"]
    pipeline.inspect_org(extract.context)
    fresh = replace(extract, context=replace(extract.context))
    for number in range(SHARES):
        fresh.share(number)
    assert jobs_started(org) == 1
    assert fresh.landed().equals(alone)


def test_a_lost_job_is_replaced_by_one_of_a_single_share(
    org: RunningOrg, extract: Extract, alone: pa.Table
) -> None:
    """When somebody deletes the job, whoever notices fetches everything by another; the rest do nothing."""
    job = MemoryJob()
    extract.share(0, job)
    (lost,) = [call["path"] for call in org.control.requests() if call["path"].endswith("/resultPages")][:1]
    assert org.login("66.0").call("DELETE", lost.rpartition("/")[0]).status_code == 204
    taken_over, idle = extract.share(1), extract.share(2)

    assert (taken_over["rows"], idle["rows"]) == ({"User": USERS}, {"User": 0})
    assert jobs_started(org) == 2
    assert extract.landed().equals(alone)
    assert job.note is None


def test_what_bulk_refuses_comes_by_rest_once(org: RunningOrg, extract: Extract, alone: pa.Table) -> None:
    """The first share lands it all by REST; the others find nothing to do."""
    org.control.fault("bulk_forbidden", count=None)
    rows = [extract.share(number)["rows"]["User"] for number in range(SHARES)]

    assert rows == [USERS, 0, 0]
    assert jobs_started(org) == 1
    assert extract.landed().select(["Id", "Username"]).equals(alone.select(["Id", "Username"]))


def test_without_a_list_of_pages_one_share_reads_them_in_a_row(
    org: RunningOrg, tmp_path: Path, alone: pa.Table
) -> None:
    """Before API 58 each page tells where the next is; a share that breaks off goes on from there."""
    extract = begin(org, tmp_path, version="57.0")
    org.control.fault("server_503", path=r"/results$", nth=6, count=None)
    with pytest.raises(SalesforceUnavailable):
        extract.share(0)
    org.control.no_fault()
    before = len([name for name in extract.parts() if name.startswith("part-")])
    org.control.clear_requests()
    rows = [extract.share(number)["rows"]["User"] for number in range(SHARES)]

    assert rows == [USERS, 0, 0]
    assert before >= 3
    assert pages_fetched(org) == PAGES - before
    assert extract.landed().equals(alone)


def test_a_page_that_repeats_another_shares_rows_is_fetched_again(
    org: RunningOrg, extract: Extract, alone: pa.Table
) -> None:
    """The first page of a share shows the last one of its neighbor: seen when all are there, and mended."""
    extract.share(0)
    org.control.fault("duplicate_page")
    extract.share(1)
    assert org.control.hits("duplicate_page") == 1
    extract.share(2)

    assert extract.landed().equals(alone)


def test_rows_that_do_not_add_up_are_never_landed(org: RunningOrg, extract: Extract, alone: pa.Table) -> None:
    """A page that lost a row, and does not say how many it has, fails the extract; the next try is whole."""
    extract.share(0)
    org.control.fault("missing_rows")
    org.control.fault("record_count_header_missing", count=None)
    extract.share(1)
    with pytest.raises(CorruptAnswer, match=f"extract of User.*{USERS - 1} rows arrived where {USERS}"):
        extract.share(2)

    assert extract.context.extracted.folder.landed("User") is None
    org.control.no_fault()
    assert extract.share(2)["rows"] == {"User": USERS}
    assert extract.landed().equals(alone)
    assert extract.share(1)["rows"] == {"User": 0}
