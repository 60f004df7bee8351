"""Bulk API 2.0 query jobs over HTTP."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from demo_org.bulk_csv import DELIMITERS, LINE_ENDINGS, Flaws, page
from demo_org.bulk_jobs import FINAL, Job, locator, new_job_id, offset_of
from demo_org.calls import CSV, Call, Reply, json_reply
from demo_org.errors import ApiError, not_found
from demo_org.soql.executor import RecordSet, execute
from demo_org.soql.parser import parse
from demo_org.soql.shapes import refuse_compound, refuse_in_bulk

if TYPE_CHECKING:
    from demo_org.org import Org
    from demo_org.rest import Request

_OPERATIONS = ("query", "queryAll")
_MOST_PAGES = 5
_PAGES_SINCE = 58.0


def create(request: Request) -> Reply:
    """Answer ``POST /jobs/query``."""
    org, body = request.org, _job_body(request.call)
    text = str(body["query"])
    tree = parse(text)
    sight = org.sight(deleted=body["operation"] == "queryAll")
    refuse_in_bulk(tree, sight.catalog)
    refused = org.faults.options("bulk_refuses_object")
    if refused and refused["object"].lower() == tree.source.lower():
        org.faults.take("bulk_refuses_object", request.call.path)
        raise ApiError(
            400, "INVALIDENTITY", f"Entity '{refused['object']}' is not supported by the Bulk API."
        )
    if org.usage.jobs >= org.options.bulk_jobs_per_day:
        text = f"Max bulk v2 query jobs ({org.options.bulk_jobs_per_day}) per 24 hrs has been reached"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    result = execute(tree, sight)
    if not isinstance(result, RecordSet):
        raise ApiError(400, "API_ERROR", "Aggregate queries are not supported in Bulk Query")
    refuse_compound(result.columns)
    job = Job(
        new_job_id(),
        str(body["operation"]),
        result.entity,
        request.session.user,
        request.version,
        str(body["lineEnding"]),
        str(body["columnDelimiter"]),
        dt.datetime.now(dt.UTC) + dt.timedelta(seconds=org.faults.skew()),
        org.world.now,
        result,
        org.options.bulk_seconds,
        total=result.total,
        pk_chunking=not (tree.order_by or tree.limit is not None),
    )
    _afflict(org, job, request.call)
    org.usage.jobs += 1
    org.jobs.add(job)
    return json_reply(job.head("UploadComplete"), request.call)


def info(request: Request, name: str) -> Reply:
    """Answer ``GET /jobs/query/{id}``."""
    return json_reply(_job(request, name).info(), request.call)


def listing(request: Request) -> Reply:
    """Answer ``GET /jobs/query``."""
    kind = request.call.query.get("jobType", "V2Query")
    jobs = request.org.jobs.of(request.session.user) if kind == "V2Query" else []
    records = [{**job.head(), "jobType": "V2Query"} for job in jobs]
    return json_reply({"done": True, "records": records, "nextRecordsUrl": None}, request.call)


def change(request: Request, name: str) -> Reply:
    """Answer ``PATCH /jobs/query/{id}``: a query job can only be aborted."""
    job = _job(request, name)
    body = request.call.json()
    if not isinstance(body, dict) or body.get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOBSTATE", "The state of a query job can only be changed to Aborted")
    request.org.jobs.abort(job)
    return json_reply(job.info(), request.call)


def delete(request: Request, name: str) -> Reply:
    """Answer ``DELETE /jobs/query/{id}``."""
    request.org.jobs.delete(_job(request, name))
    return Reply(204, b"", "")


def results(request: Request, name: str) -> Reply:
    """Answer ``GET /jobs/query/{id}/results``: one page of CSV."""
    job = _finished(request, name)
    org, call = request.org, request.call
    start = offset_of(job, call.query.get("locator", ""))
    rows = _page_rows(org, call)
    total = job.result.total
    stop = min(start + rows, total)
    shown = max(0, start - rows) if org.faults.hit("duplicate_page", call.path) else start
    end = shown + (stop - start)
    # Only where there are two whole pages to change places.
    if start < 2 * rows <= total and org.faults.hit("reordered_pages", call.path):
        shown, end = (rows, 2 * rows) if start < rows else (0, rows)
    headers = _headers(org, call, job, start, stop)
    flaws = Flaws(
        nul=org.faults.hit("nul_bytes", call.path),
        long_cell=_long_cell(org, call),
        open_quote=org.faults.hit("malformed_csv", call.path),
        extra_cell=org.faults.hit("extra_cell", call.path),
        lost_row=org.faults.hit("missing_rows", call.path),
    )
    body = page(
        job.result,
        shown,
        end,
        DELIMITERS[job.delimiter],
        LINE_ENDINGS[job.line_ending],
        flaws,
    )
    kind = "text/csv" if org.faults.hit("no_csv_charset", call.path) else CSV
    return Reply(200, body, kind, headers)


def result_pages(request: Request, name: str) -> Reply:
    """Answer ``GET /jobs/query/{id}/resultPages``: the addresses of the next pages, to be read side by
    side.
    """
    if float(request.version) < _PAGES_SINCE:
        raise not_found()
    job = _finished(request, name)
    rows = _page_rows(request.org, request.call)
    start = offset_of(job, request.call.query.get("locator", ""))
    total = job.result.total
    starts = list(range(start, max(total, 1), rows))
    base = f"{request.base}/jobs/query/{job.id}"
    suffix = f"&maxRecords={rows}" if "maxRecords" in request.call.query else ""
    pages = [
        {"resultUrl": f"{base}/results?locator={locator(job, one)}{suffix}"} for one in starts[:_MOST_PAGES]
    ]
    body: dict[str, Any] = {"resultPages": pages}
    done = len(starts) <= _MOST_PAGES
    if not done:
        body["nextRecordsUrl"] = f"{base}/resultPages?locator={locator(job, starts[_MOST_PAGES])}{suffix}"
    body["done"] = done
    return json_reply(body, request.call)


def ingest_listing(request: Request) -> Reply:
    """Answer ``GET /jobs/ingest``: nobody has ever loaded anything here."""
    return json_reply({"done": True, "records": [], "nextRecordsUrl": None}, request.call)


def _job_body(call: Call) -> dict[str, Any]:
    body = call.json()
    if not isinstance(body, dict):
        raise ApiError(400, "API_ERROR", "Value does not match expected type at [line:1, column:1]")
    defaults = {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"}
    merged = {**defaults, **{key: value for key, value in body.items() if value is not None}}
    choices = {
        "operation": _OPERATIONS,
        "contentType": ("CSV",),
        "columnDelimiter": tuple(DELIMITERS),
        "lineEnding": tuple(LINE_ENDINGS),
    }
    for key, allowed in choices.items():
        if merged.get(key) not in allowed:
            raise _mismatch(call, key)
    if not isinstance(merged.get("query"), str) or not str(merged["query"]).strip():
        raise _mismatch(call, "query")
    return merged


def _mismatch(call: Call, key: str) -> ApiError:
    """Give the error of a value that is not of the expected kind, pointing into the body as a real org
    does.
    """
    text = call.body.decode("utf-8", "replace")
    found = re.search(rf'"{key}"\s*:\s*', text)
    place = found.end() if found else len(text.rstrip()) - 1
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    return ApiError(400, "API_ERROR", f"Value does not match expected type at [line:{line}, column:{column}]")


def _afflict(org: Org, job: Job, call: Call) -> None:
    failing = org.faults.take("bulk_job_fails", call.path)
    if failing:
        job.outcome, job.message = "Failed", str(failing["message"])
    if org.faults.hit("bulk_job_fails_without_message", call.path):
        job.outcome, job.message = "Failed", ""
    if org.faults.hit("bulk_aborted", call.path):
        job.outcome = "Aborted"
    job.stuck = org.faults.hit("bulk_stuck", call.path)
    if org.faults.hit("job_total_wrong", call.path):
        job.total = job.result.total + 1
    if org.faults.hit("job_total_missing", call.path):
        job.total = None


def _job(request: Request, name: str) -> Job:
    job = request.org.jobs.find(name, request.session.user)
    if job.version != request.version:
        text = f"The job was created with API version {job.version}; use that version to read it"
        raise ApiError(409, "API_VERSION_MISMATCH", text)
    return job


def _finished(request: Request, name: str) -> Job:
    job = _job(request, name)
    state = job.state
    if state != "JobComplete":
        word = "not complete yet" if state not in FINAL else state
        raise ApiError(400, "INVALIDJOBSTATE", f"Results are not available, the job is {word}")
    return job


def _page_rows(org: Org, call: Call) -> int:
    asked = call.query.get("maxRecords", "")
    if not asked:
        return org.options.bulk_page_rows
    if not asked.isdigit() or int(asked) < 1:
        raise ApiError(400, "API_ERROR", f"Invalid maxRecords: {asked[:32]}")
    return min(int(asked), org.options.bulk_page_rows)


def _long_cell(org: Org, call: Call) -> int:
    options = org.faults.take("long_cell", call.path)
    return int(options["bytes"]) if options else 0


def _headers(org: Org, call: Call, job: Job, start: int, stop: int) -> dict[str, str]:
    headers = {"Sforce-NumberOfRecords": str(stop - start)}
    if org.faults.hit("record_count_wrong", call.path):
        headers["Sforce-NumberOfRecords"] = str(stop - start + 1)
    if org.faults.hit("record_count_header_missing", call.path):
        del headers["Sforce-NumberOfRecords"]
    if stop < job.result.total:
        headers["Sforce-Locator"] = locator(job, stop)
    elif org.faults.hit("locator_empty", call.path):
        headers["Sforce-Locator"] = ""
    elif not org.faults.hit("locator_missing", call.path):
        headers["Sforce-Locator"] = "null"
    return headers
