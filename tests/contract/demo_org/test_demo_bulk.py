"""Bulk API 2.0 query jobs of the demo org, from creation to deletion."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from typing import Any

import pytest
from tests.demo_org_fixtures import TODAY, ApiSession, RunningOrg, StartOrg

from demo_org.world import World, WorldOptions

COLUMNS = (
    "Id, Name, Email, AboutMe, Street, IsActive, NumberOfFailedLogins, Latitude, LastLoginDate, CreatedDate, "
    "Profile.Name, Profile.UserLicense.Name"
)


@pytest.fixture(scope="module")
def api(shared_demo_org: RunningOrg) -> ApiSession:
    """A session that leaves nothing but jobs behind."""
    return shared_demo_org.login()


def _rows(text: str, delimiter: str = ",") -> list[list[str]]:
    csv.field_size_limit(1 << 24)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_job_from_creation_to_deletion(start_demo_org: StartOrg) -> None:
    """A job is created, waits, runs, is complete, is listed, and is gone after its deletion."""
    org = start_demo_org(bulk_seconds=0.6)
    api = org.login()
    created = api.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM User"})
    job = created.json()
    path = f"jobs/query/{job['id']}"

    assert created.status_code == 200
    assert list(job) == [
        "id",
        "operation",
        "object",
        "createdById",
        "createdDate",
        "systemModstamp",
        "state",
        "concurrencyMode",
        "contentType",
        "apiVersion",
        "lineEnding",
        "columnDelimiter",
    ]
    assert (job["state"], job["apiVersion"], job["object"]) == ("UploadComplete", 59.0, "User")
    assert re.fullmatch(r"750\w{15}", job["id"])
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}\.000\+0000", job["createdDate"])
    early = api.get(f"{path}/results")
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")

    seen = []
    while not seen or seen[-1] not in {"JobComplete", "Failed"}:
        seen.append(api.get(path).json()["state"])
        time.sleep(0.03)
    assert list(dict.fromkeys(seen)) == ["UploadComplete", "InProgress", "JobComplete"]

    done = api.get(path).json()
    assert done["numberRecordsProcessed"] == api.query("SELECT COUNT() FROM User")["totalSize"]
    assert (done["jobType"], done["retries"]) == ("V2Query", 0)
    assert done["totalProcessingTime"] >= 600
    listed = api.get("jobs/query", jobType="V2Query").json()
    assert [item["id"] for item in listed["records"]] == [job["id"]]
    assert "numberRecordsProcessed" not in listed["records"][0]

    deleted = api.call("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "Sforce-Limit-Info" not in deleted.headers
    assert api.get(path).status_code == 404


def _json_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace(".000+0000", ".000Z")


def test_csv_says_the_same_as_rest(start_demo_org: StartOrg) -> None:
    """Every cell is the value that REST answers: quotes, newlines, unicode, nulls, moments, parents."""
    options = WorldOptions(torture_share=0.5, nul_bytes=True, long_cells=True)
    world = World(users=600, today=TODAY, options=options)
    api = start_demo_org(world).login()
    job = api.bulk(f"SELECT {COLUMNS} FROM User")
    answer = api.get(f"jobs/query/{job['id']}/results")
    header, *cells = _rows(answer.content.decode("utf-8"))

    assert ", ".join(header) == COLUMNS
    expected = []
    for row in api.rows(f"SELECT {COLUMNS} FROM User"):
        profile = row["Profile"] or {"Name": None, "UserLicense": None}
        user_license = profile["UserLicense"] or {"Name": None}
        values = [row[name] for name in header[:10]] + [profile["Name"], user_license["Name"]]
        expected.append([_json_cell(value) for value in values])
    assert cells == expected
    text = answer.text
    assert '""' in text
    assert any("\n" in cell for row in cells for cell in row)
    assert any("\x00" in cell for row in cells for cell in row)
    assert any(len(cell) > 131_072 for row in cells for cell in row)


def test_every_cell_is_quoted(api: ApiSession) -> None:
    """All cells are quoted, the header and the empty ones too; lines end in LF."""
    job = api.bulk("SELECT Id, IsActive, ManagerId FROM User WHERE ManagerId = null LIMIT 2")

    text = api.get(f"jobs/query/{job['id']}/results").text

    assert re.fullmatch(r'"Id","IsActive","ManagerId"\n("005\w{15}","(true|false)",""\n){2}', text)


@pytest.mark.parametrize(
    ("name", "delimiter"),
    [("BACKQUOTE", "`"), ("CARET", "^"), ("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("TAB", "\t")],
)
@pytest.mark.parametrize(("ending", "characters"), [("LF", "\n"), ("CRLF", "\r\n")])
def test_delimiters_and_line_endings(
    api: ApiSession, name: str, delimiter: str, ending: str, characters: str
) -> None:
    """All six delimiters and both line endings give the same cells."""
    soql = "SELECT Id, Name, AboutMe, Street, CreatedDate FROM User"
    plain = api.bulk(soql)
    job = api.bulk(soql, columnDelimiter=name, lineEnding=ending)

    text = api.get(f"jobs/query/{job['id']}/results").content.decode()

    assert (job["columnDelimiter"], job["lineEnding"]) == (name, ending)
    assert text.startswith(f'"Id"{delimiter}"Name"')
    assert text.endswith(f'"{characters}')
    assert _rows(text, delimiter) == _rows(api.get(f"jobs/query/{plain['id']}/results").content.decode())


def test_pages_by_locator(api: ApiSession) -> None:
    """Each page repeats the header, tells its own records, and names the next page until the word null."""
    job = api.bulk("SELECT Id FROM User")
    path = f"jobs/query/{job['id']}/results"
    total = job["numberRecordsProcessed"]
    found: list[str] = []
    locator: str | None = None
    while locator != "null":
        answer = api.get(path, maxRecords=9, **({"locator": locator} if locator else {}))
        header, *rows = _rows(answer.text)
        assert header == ["Id"]
        assert int(answer.headers["Sforce-NumberOfRecords"]) == len(rows) <= 9
        assert answer.headers["Content-Type"] == "text/csv; charset=UTF-8"
        assert locator is None or not locator.isdigit()
        found += [row[0] for row in rows]
        locator = answer.headers["Sforce-Locator"]

    assert len(found) == total
    assert found == [row["Id"] for row in api.rows("SELECT Id FROM User")]
    again = api.get(path, maxRecords=9, locator=answer.request.url.split("locator=")[1])
    assert again.text == answer.text


def test_parallel_pages(start_demo_org: StartOrg) -> None:
    """ResultPages names five pages at a time, the first included, and all of them together are the result."""
    org = start_demo_org(bulk_page_rows=7)
    api = org.login()
    job = api.bulk("SELECT Id FROM User")
    listing = api.get(f"jobs/query/{job['id']}/resultPages").json()
    assert len(listing["resultPages"]) == 5
    assert listing["done"] is False

    urls = [page["resultUrl"] for page in listing["resultPages"]]
    while not listing["done"]:
        listing = api.get(listing["nextRecordsUrl"]).json()
        urls += [page["resultUrl"] for page in listing["resultPages"]]
    ids = [row[0] for url in urls for row in _rows(api.get(url).text)[1:]]

    assert "nextRecordsUrl" not in listing
    assert ids == [row["Id"] for row in api.rows("SELECT Id FROM User")]
    old = org.login("57.0")
    old_job = old.bulk("SELECT Id FROM User")
    assert old.get(f"jobs/query/{old_job['id']}/resultPages").status_code == 404


def test_an_empty_result_is_a_header(api: ApiSession) -> None:
    """A query that finds nothing gives the header, zero records and no further page."""
    job = api.bulk("SELECT Id, Name FROM User WHERE Name = 'nobody at all'")
    answer = api.get(f"jobs/query/{job['id']}/results")

    assert job["numberRecordsProcessed"] == 0
    assert (answer.text, answer.headers["Sforce-Locator"]) == ('"Id","Name"\n', "null")
    assert answer.headers["Sforce-NumberOfRecords"] == "0"


def test_a_result_is_frozen(start_demo_org: StartOrg) -> None:
    """A job gives the records of the moment in which it was made, whatever the clock does afterwards."""
    org = start_demo_org()
    api = org.login()
    job = api.bulk("SELECT Id, LastLoginDate, Profile.Name FROM User")
    before = api.get(f"jobs/query/{job['id']}/results", maxRecords=1000).text

    org.control.set_clock(dt.datetime(2026, 11, 30, tzinfo=dt.UTC))

    assert api.get(f"jobs/query/{job['id']}/results", maxRecords=1000).text == before
    later = api.bulk("SELECT Id, LastLoginDate, Profile.Name FROM User")
    assert api.get(f"jobs/query/{later['id']}/results", maxRecords=1000).text != before


def test_results_are_kept_for_a_week(start_demo_org: StartOrg) -> None:
    """Eight days later, by the org's clock, a job is gone."""
    org = start_demo_org()
    api = org.login()
    job = api.bulk("SELECT Id FROM User")

    org.control.set_clock(dt.datetime(2026, 12, 2, tzinfo=dt.UTC))

    assert api.get(f"jobs/query/{job['id']}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        ({"operation": "query"}, "API_ERROR", "Value does not match expected type at [line:1, column:22]"),
        ({"operation": "insert", "query": "x"}, "API_ERROR", "expected type at [line:1, column:15]"),
        ({"query": "SELECT Id FROM User", "lineEnding": "CR"}, "API_ERROR", "Value does not match"),
        ({"query": "SELECT COUNT() FROM User"}, "API_ERROR", "Aggregate functions are not supported"),
        ({"query": "SELECT COUNT(Id) FROM User"}, "API_ERROR", "Aggregate functions are not supported"),
        ({"query": "SELECT Name FROM User GROUP BY Name"}, "API_ERROR", "GROUP BY clause is not supported"),
        ({"query": "SELECT Id FROM User LIMIT 5 OFFSET 5"}, "API_ERROR", "OFFSET clause is not supported"),
        (
            {"query": "SELECT TYPEOF License WHEN UserLicense THEN Name END FROM PermissionSet"},
            "API_ERROR",
            "TYPEOF clause is not supported",
        ),
        (
            {"query": "SELECT Id, (SELECT Id FROM Contacts) FROM Account"},
            "API_ERROR",
            "Aggregate Relationships not supported in Bulk V2 Query with CSV content type",
        ),
        ({"query": "SELECT Id, Address FROM User"}, "API_ERROR", "Selecting compound data not supported"),
        ({"query": "SELECT Foo FROM User"}, "INVALID_FIELD", "No such column 'Foo' on entity 'User'"),
        ({"query": "SELECT Id FROM Foo"}, "INVALID_TYPE", "sObject type 'Foo' is not supported"),
        ({"query": "SELECT Id FROM"}, "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
    ],
)
def test_refusals_at_creation(api: ApiSession, body: dict[str, str], code: str, text: str) -> None:
    """What a Bulk query cannot do is refused when the job is created, with the reason."""
    answer = api.call("POST", "jobs/query", json={"operation": "query", **body})

    assert answer.status_code == 400
    error = answer.json()[0]
    assert error["errorCode"] == code
    assert text in error["message"]


def test_objects_that_bulk_does_not_serve(demo_org: RunningOrg) -> None:
    """An object that exists for REST only is refused by its name."""
    demo_org.control.fault("bulk_refuses_object", object="UserLicense")
    api = demo_org.login()
    body = {"operation": "query", "query": "SELECT Id FROM userlicense"}

    answer = api.call("POST", "jobs/query", json=body)

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDENTITY")
    assert answer.json()[0]["message"] == "Entity 'UserLicense' is not supported by the Bulk API."
    assert api.bulk("SELECT Id FROM User")["state"] == "JobComplete"


def test_aborting(start_demo_org: StartOrg) -> None:
    """A running job can be aborted, a finished one cannot."""
    org = start_demo_org(bulk_seconds=30.0)
    api = org.login()
    job = api.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM User"}).json()
    path = f"jobs/query/{job['id']}"

    busy = api.call("DELETE", path)
    aborted = api.call("PATCH", path, json={"state": "Aborted"})
    again = api.call("PATCH", path, json={"state": "Aborted"})
    org.control.options(bulk_seconds=0.0)
    done = api.bulk("SELECT Id FROM User")
    late = api.call("PATCH", f"jobs/query/{done['id']}", json={"state": "Aborted"})

    assert busy.status_code == 400
    assert aborted.json()["state"] == "Aborted"
    assert again.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert late.json() == [
        {"message": "Aborting already Completed Job not allowed", "errorCode": "INVALIDJOBSTATE"}
    ]


def test_a_job_belongs_to_its_version(shared_demo_org: RunningOrg) -> None:
    """A job made with one API version cannot be read with another."""
    job = shared_demo_org.login("59.0").bulk("SELECT Id FROM User LIMIT 1")

    answer = shared_demo_org.login("60.0").get(f"jobs/query/{job['id']}/results")

    assert answer.status_code == 409


def test_foreign_locators(api: ApiSession) -> None:
    """A locator of another job, or one made up, is refused."""
    first, second = api.bulk("SELECT Id FROM User"), api.bulk("SELECT Id FROM User")
    locator = api.get(f"jobs/query/{first['id']}/results", maxRecords=5).headers["Sforce-Locator"]

    for name in (locator, "12345", "%%%"):
        assert api.get(f"jobs/query/{second['id']}/results", locator=name).status_code == 400


def test_jobs_count(start_demo_org: StartOrg) -> None:
    """The daily number of jobs is told by limits, and the last one is followed by a refusal."""
    api = start_demo_org(bulk_jobs_per_day=1).login()
    api.bulk("SELECT Id FROM User LIMIT 1")

    limits = api.get("limits").json()
    answer = api.call("POST", "jobs/query", json={"operation": "query", "query": "SELECT Id FROM User"})

    assert limits["DailyBulkV2QueryJobs"] == {"Max": 1, "Remaining": 0}
    assert answer.json()[0]["message"] == "Max bulk v2 query jobs (1) per 24 hrs has been reached"


def test_newer_versions_tell_about_chunking(shared_demo_org: RunningOrg) -> None:
    """ORDER BY and LIMIT switch chunking off, and only newer versions tell."""
    api = shared_demo_org.login("62.0")

    assert api.bulk("SELECT Id FROM User")["isPkChunkingSupported"] is True
    assert api.bulk("SELECT Id FROM User ORDER BY Id LIMIT 5")["isPkChunkingSupported"] is False
    assert "isPkChunkingSupported" not in shared_demo_org.login("59.0").bulk("SELECT Id FROM User")


@pytest.mark.slow
def test_a_large_page_streams(start_demo_org: StartOrg) -> None:
    """A page of 100,000 wide rows is sent in well under the memory it would take as a whole."""
    api = start_demo_org(World(users=100_000, today=TODAY)).login()
    job = api.bulk(f"SELECT {COLUMNS} FROM User")
    answer = api.call("GET", f"jobs/query/{job['id']}/results", stream=True)
    pieces = [len(piece) for piece in answer.iter_content(1 << 16)]

    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert sum(pieces) > 15_000_000
    assert answer.headers["Sforce-NumberOfRecords"] == "100000"
