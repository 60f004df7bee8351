"""Bulk API 2.0 queries: jobs, pages, faults, resumption."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from tests.contract.salesforce.desk import Desk, Job
from tests.demo_org_fixtures import TODAY, RunningOrg

from demo_org.world import World, WorldOptions
from license_ledger import errors
from license_ledger.salesforce import bulk
from license_ledger.salesforce.bulk_jobs import BulkRefused, JobGone
from license_ledger.salesforce.bulk_pages import result_tables
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.transport import Timeouts

MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("Id", pa.string()),
        ("Username", pa.string()),
        ("Name", pa.string()),
        ("IsActive", pa.bool_()),
        ("LastLoginDate", MOMENT),
        ("CreatedDate", MOMENT),
        ("Profile.Name", pa.string()),
        ("Title", pa.string()),
    ]
)
SOQL = f"SELECT {', '.join(SCHEMA.names)} FROM User"
RESULTS = "/results"


def run(desk: Desk, client: RestClient | None = None, job: Job | None = None, **options: Any) -> pa.Table:
    tables = list(
        bulk.query_batches(
            client or desk.client(), SOQL, SCHEMA, job=job or Job(), **{"page_records": 9, **options}
        )
    )
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def truth(desk: Desk) -> pa.Table:
    return pa.concat_tables(desk.client().query_batches(SOQL, SCHEMA)).sort_by("Id")


def sorted_by_id(table: pa.Table) -> pa.Table:
    return table.combine_chunks().sort_by("Id")


def same(left: pa.Table, right: pa.Table) -> bool:
    return bool(sorted_by_id(left).equals(sorted_by_id(right)))


@pytest.mark.parametrize("version", ["66.0", "57.0"])
def test_a_result_of_several_pages_equals_what_rest_says(reading_desk: Desk, version: str) -> None:
    """Listed pages and chained ones give the same rows, the ones that REST gives."""
    client = reading_desk.client(api_version=version)
    job = Job()
    tables = list(bulk.query_batches(client, SOQL, SCHEMA, job=job, page_records=9))

    assert [table.num_rows for table in tables] == [9, 9, 9, 9, 4]
    assert all(table.schema == SCHEMA for table in tables)
    assert same(pa.concat_tables(tables), truth(reading_desk))
    assert job.note is None


def test_the_job_is_remembered_before_it_is_watched_and_deleted_at_the_end(desk: Desk) -> None:
    """The note is there with the first poll and gone with the last row; so is the job."""
    job = Job()
    seen: list[str | None] = []
    desk.org.control.options(bulk_seconds=0.3)
    run(desk, job=job, wait=lambda pause: (seen.append(job.note), time.sleep(0.05))[0])

    assert seen
    words = str(seen[0]).split()
    assert (len(words), words[0][:3]) == (3, "750")
    assert abs(int(words[2]) - time.time()) < 60
    assert job.note is None
    job_id = str(seen[0]).split()[0]
    assert {
        (row["method"], row["status"]) for row in desk.org.control.counts() if row["path"].endswith(job_id)
    } == {
        ("GET", 200),
        ("DELETE", 204),
    }


def test_another_try_takes_up_the_job_where_it_is(desk: Desk) -> None:
    """A task that died after it started its job does not start a second one."""
    job = Job()
    first = bulk.start(desk.client(), SOQL, job)

    table = run(desk, job=job)

    assert table.num_rows == 40
    assert desk.org.control.usage()["jobs"] == 1
    assert [str(note).split()[0] for note in job.history] == [first, "None"]


@pytest.mark.parametrize(
    "end", ["deleted", "aborted", "failed", "other query", "too old", "nonsense", "other version"]
)
def test_a_remembered_job_that_is_no_use_is_replaced_once(desk: Desk, end: str) -> None:
    """A job that is gone, dead, old or of another query leads to a new one, and to the whole result."""
    client, job = desk.client(), Job()
    if end == "failed":
        desk.org.control.fault("bulk_job_fails")
    old = bulk.start(client, SOQL, job, now=lambda: 0 if end == "too old" else time.time())
    if end == "deleted":
        time.sleep(0.1)
        bulk.discard(client, old)
    elif end == "aborted":
        bulk.abort(client, old)
    elif end == "failed":
        time.sleep(0.1)
    elif end == "other query":
        job.note = f"{old} 0000000000000000 {int(time.time())}"
    elif end == "nonsense":
        job.note = "nonsense"
    elif end == "other version":
        client.api_version = "60.0"

    assert run(desk, client, job).num_rows == 40
    assert desk.org.control.usage()["jobs"] == 2


def test_a_job_that_is_not_finished_in_time_is_left_for_the_next_try(desk: Desk) -> None:
    """The deadline is an error that Airflow retries, and the job is still remembered."""
    job = Job()
    desk.org.control.fault("bulk_stuck")
    pauses: list[float] = []

    with pytest.raises(errors.JobStalled, match="InProgress"):
        run(desk, job=job, timeout_seconds=60, wait=pauses.append)

    assert job.note
    assert pauses == sorted(pauses)
    assert 60 <= sum(pauses) < 120


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("bulk_job_fails", "InternalServerError"),
        ("bulk_job_fails_without_message", "without a reason"),
        ("bulk_aborted", "was aborted"),
    ],
)
def test_a_job_that_dies_is_an_error_and_forgotten(desk: Desk, fault: str, words: str) -> None:
    """Failed with and without a message, and aborted by somebody: told, and the next try starts anew."""
    job = Job()
    desk.org.control.fault(fault)

    with pytest.raises(errors.JobFailed, match=words):
        run(desk, job=job)
    assert job.note is None
    assert run(desk, job=job).num_rows == 40


def test_a_poll_that_fails_does_not_fail_the_job(desk: Desk) -> None:
    """The state is asked for again until the deadline."""
    desk.org.control.fault("bulk_poll_fails", count=12)

    assert run(desk).num_rows == 40


def test_a_job_that_vanishes_while_it_is_watched_is_started_once_more(desk: Desk) -> None:
    """Somebody deletes the job: one new one, then an error."""
    desk.org.control.fault("job_gone", count=1)
    assert run(desk).num_rows == 40

    desk.org.control.fault("job_gone", count=None)
    with pytest.raises(errors.JobFailed, match="twice"):
        run(desk)


def test_the_state_of_a_job_that_is_gone_is_told(desk: Desk) -> None:
    """For an operator that polls by itself: gone is an error that leads to another try."""
    with pytest.raises(JobGone) as caught:
        bulk.state(desk.client(), "750R0000000zlh9IAA")
    assert isinstance(caught.value, errors.TransientError)


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("bulk_refuses_object", {}, BulkRefused),
        ("bulk_restriction", {}, BulkRefused),
        ("bulk_forbidden", {}, BulkRefused),
        ("bulk_jobs_limit", {}, errors.QuotaExhausted),
        ("bulk_storage_limit", {}, errors.QuotaExhausted),
        ("daily_limit", {}, errors.QuotaExhausted),
    ],
)
def test_a_refused_job_is_either_for_rest_or_an_error(
    desk: Desk, fault: str, options: dict[str, Any], kind: type[errors.LedgerError]
) -> None:
    """What bulk does not serve REST may; where an allocation is used up REST would only eat more."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault(fault, **options)

    with pytest.raises(kind) as caught:
        bulk.start(client, SOQL, Job())
    assert type(caught.value) is kind


def test_a_compound_field_is_for_rest(reading_desk: Desk) -> None:
    """The real refusal of a compound field, not a made one."""
    with pytest.raises(BulkRefused, match="compound"):
        bulk.start(reading_desk.client(), "SELECT Id, Address FROM User", Job())


def test_a_bad_query_is_no_matter_for_rest(reading_desk: Desk) -> None:
    """An unknown field would be unknown to REST as well."""
    with pytest.raises(errors.SchemaDrift, match="bulk query of User"):
        bulk.start(reading_desk.client(), "SELECT Id, Nonsense FROM User", Job())


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("reset_mid_body", {}),
        ("truncate_body", {}),
        ("truncate_body", {"framing": "length"}),
        ("truncate_silently", {}),
        ("truncate_silently", {"after": 0.95}),
        ("missing_rows", {}),
        ("record_count_wrong", {}),
        ("malformed_csv", {}),
        ("extra_cell", {}),
        ("duplicate_page", {"nth": 3}),
        ("page_fails_once", {}),
        ("page_fails_once", {"status": 420}),
        ("html_maintenance", {}),
        ("session_expires", {}),
    ],
)
@pytest.mark.parametrize("version", ["66.0", "57.0"])
def test_a_page_that_breaks_is_asked_for_again(
    desk: Desk, fault: str, options: dict[str, Any], version: str
) -> None:
    """Whatever happens to a page on its way, the result is whole and right in the end."""
    whole = truth(desk)
    desk.org.control.fault(fault, **{"path": r"/results/?$", "nth": 2, **options})

    table = run(desk, desk.client(api_version=version))

    assert desk.org.control.hits(fault) >= 1
    assert same(table, whole)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("missing_rows", "rows arrived"),
        ("truncate_silently", "a page is broken"),
        ("extra_cell", "well-formed"),
        ("malformed_csv", "middle of a row|well-formed"),
        ("html_maintenance", "a web page"),
        ("page_fails_once", "503"),
    ],
)
def test_a_page_that_is_always_broken_is_an_error(desk: Desk, fault: str, reason: str) -> None:
    """After five tries the run fails; what is wrong is said without a row of the page."""
    desk.org.control.fault(fault, path=r"/results/?$", count=None)

    with pytest.raises(errors.LedgerError, match=reason) as caught:
        run(desk, page_records=1000)
    assert isinstance(caught.value, errors.CorruptAnswer | errors.SalesforceUnavailable)
    assert desk.calls(RESULTS) == 5
    assert "@" not in str(caught.value)


@pytest.mark.parametrize(
    "fault", ["locator_missing", "locator_empty", "record_count_header_missing", "no_csv_charset"]
)
@pytest.mark.parametrize("version", ["66.0", "57.0"])
def test_headers_that_are_stripped_on_the_way_do_no_harm(desk: Desk, fault: str, version: str) -> None:
    """The end of the result and its encoding are known without them."""
    whole = truth(desk)
    desk.org.control.fault(fault)

    assert same(run(desk, desk.client(api_version=version)), whole)


def test_a_total_that_does_not_match_is_an_error(desk: Desk) -> None:
    """All pages are whole, but Salesforce processed one record more."""
    desk.org.control.fault("job_total_wrong")

    with pytest.raises(errors.CorruptAnswer, match="40 rows arrived where 41 were processed"):
        run(desk)


def test_a_total_that_is_not_told_does_not_matter(desk: Desk) -> None:
    """The pages say how many rows they have."""
    desk.org.control.fault("job_total_missing")

    assert run(desk).num_rows == 40


def test_missing_rows_are_noticed_without_the_pages_header(desk: Desk) -> None:
    """Where no page says how many rows it has, the job's total still does."""
    desk.org.control.fault("record_count_header_missing")
    desk.org.control.fault("missing_rows")

    with pytest.raises(errors.CorruptAnswer, match="39 rows arrived where 40 were processed"):
        run(desk)


def test_a_chain_of_pages_that_ends_early_is_noticed(desk: Desk) -> None:
    """Where a proxy strips the locator of every page, the first page is not taken for the whole."""
    client = desk.client(api_version="57.0")
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)

    class Stripping:
        """The client behind a proxy that knows nothing of locators."""

        api_version, session, sleep = client.api_version, client.session, client.sleep
        ask, renew = client.ask, client.renew

        @staticmethod
        def open(*arguments: Any) -> Any:
            response = client.open(*arguments)
            response.headers.pop("Sforce-Locator", None)
            return response

    with pytest.raises(errors.CorruptAnswer, match="9 rows arrived where 40 were processed"):
        list(bulk.fetch(Stripping(), job_id, SCHEMA, page_records=9))  # type: ignore[arg-type]


def test_an_empty_result_is_no_table(reading_desk: Desk) -> None:
    """No rows is no page and no error."""
    soql = f"{SOQL} WHERE Username = 'nobody'"

    assert list(bulk.query_batches(reading_desk.client(), soql, SCHEMA, job=Job())) == []


def test_a_session_that_ends_between_pages_is_renewed_once(desk: Desk) -> None:
    """Pages that were on their way with the dead session are asked for again with the one new session."""
    client = desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)
    tables = bulk.fetch(client, job_id, SCHEMA, page_records=4)
    got = [next(tables)]
    desk.org.control.expire_sessions()
    got += list(tables)

    assert sum(table.num_rows for table in got) == 40
    assert desk.calls("/oauth2/token") == 2


def test_a_result_that_nobody_wants_any_more_is_dropped(desk: Desk) -> None:
    """Closing the iterator in the middle ends the threads."""
    tables = bulk.query_batches(desk.client(), SOQL, SCHEMA, job=Job(), page_records=4)
    next(tables)
    tables.close()

    assert tables.gi_frame is None


def test_pages_that_salesforce_makes_too_large_are_taken_in_parts(desk: Desk) -> None:
    """A listed page of more rows than may be held is read piece by piece; every row comes once."""
    desk.org.control.options(bulk_page_rows=25)
    client = desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)

    class Listing:
        """The client, but for a list of pages that does not know how many rows are wanted."""

        api_version, session, sleep = client.api_version, client.session, client.sleep
        open, renew = client.open, client.renew

        @staticmethod
        def ask(method: str, path: str, **_: Any) -> Any:
            return client.ask(method, path)

    tables = list(result_tables(Listing(), job_id, SCHEMA, page_records=4))  # type: ignore[arg-type]

    assert max(table.num_rows for table in tables) == 4
    assert same(pa.concat_tables(tables), truth(desk))


@pytest.mark.parametrize(("pages", "url"), [("resultPages", "resultUrl"), ("resultChunks", "resultLink")])
def test_both_spellings_of_the_list_of_pages_are_read(reading_desk: Desk, pages: str, url: str) -> None:
    """What the documents say and what has been seen lead to the same result."""
    client = reading_desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)

    class Spelling:
        """The client, with the list of pages spelled another way."""

        api_version, session, sleep = client.api_version, client.session, client.sleep
        open, renew = client.open, client.renew

        @staticmethod
        def ask(method: str, path: str, **options: Any) -> Any:
            answer = client.ask(method, path, **options)
            listed = [{url: entry["resultUrl"]} for entry in answer.pop("resultPages")]
            return {**answer, pages: listed}

    tables = list(result_tables(Spelling(), job_id, SCHEMA, page_records=5))  # type: ignore[arg-type]

    assert sum(table.num_rows for table in tables) == 40


@pytest.fixture
def hard_texts(start_demo_org: Callable[..., RunningOrg]) -> Desk:
    """An org whose texts are hard to transport."""
    options = WorldOptions(nul_bytes=True, long_cells=True, torture_share=0.5)
    return Desk(start_demo_org(World(users=600, today=TODAY, options=options)))


def test_every_value_arrives_as_it_was_sent(hard_texts: Desk) -> None:
    """Newlines, quotes, NUL bytes, huge cells, "NA" and leading zeros are the same by bulk and by REST."""
    extra = ("Department", "EmployeeNumber", "CompanyName", "AboutMe", "Street")
    schema = pa.schema([*SCHEMA, *((name, pa.string()) for name in extra)])
    soql = f"SELECT {', '.join(schema.names)} FROM User"
    client = hard_texts.client(Timeouts(connect=5, read=30))
    by_rest = pa.concat_tables(client.query_batches(soql, schema))
    by_bulk = pa.concat_tables(bulk.query_batches(client, soql, schema, job=Job(), page_records=250))
    texts = [text for name in (*extra, "Title") for text in by_bulk[name].to_pylist() if text]

    assert same(by_bulk, by_rest)
    assert any("\n" in text for text in texts)
    assert any('"' in text for text in texts)
    assert any("\x00" in text for text in texts)
    assert any(len(text.encode()) > 128 * 1024 for text in texts)
    assert {"NA"} <= set(texts)
    assert any(text.startswith("0") for text in texts)


def test_a_compressed_result_is_the_same(reading_desk: Desk) -> None:
    """Gzip is read where it is wanted, for slow networks."""
    client = reading_desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)
    plain = pa.concat_tables(result_tables(client, job_id, SCHEMA, page_records=50))
    small = pa.concat_tables(result_tables(client, job_id, SCHEMA, page_records=50, compressed=True))

    assert same(plain, small)


def test_a_gzip_stream_that_ends_early_is_noticed(desk: Desk) -> None:
    """Half a compressed page, framed as if it were whole, is asked for again."""
    client = desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)
    desk.org.control.fault("truncate_gzip", path=r"/results/?$")

    tables = list(result_tables(client, job_id, SCHEMA, page_records=50, compressed=True))

    assert sum(table.num_rows for table in tables) == 40
    assert desk.org.control.hits("truncate_gzip") == 1


def test_nought_records_processed_are_not_believed_without_the_result(desk: Desk) -> None:
    """A total that was read too early hides no row: the result is read all the same."""
    client = desk.client()
    job_id = bulk.start(client, SOQL, Job())
    bulk.finish(client, job_id, timeout_seconds=30, wait=time.sleep)

    tables = list(bulk.fetch(client, job_id, SCHEMA, page_records=50, expected=0))

    assert sum(table.num_rows for table in tables) == 40
