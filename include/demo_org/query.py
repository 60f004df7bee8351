"""The query resources: first pages, further pages, and the little of the Tooling API that clients look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from demo_org.calls import Call, Reply, json_reply
from demo_org.columns import column_metadata
from demo_org.errors import ApiError, no_such_object
from demo_org.records import Layout, group_page, record_page
from demo_org.soql.executor import Count, Groups, RecordSet, run
from demo_org.soql.parser import parse

if TYPE_CHECKING:
    from demo_org.cursors import Cursor
    from demo_org.rest import Request

_LARGEST_PAGE = 2000
_SMALLEST_PAGE = 200
_TOOLING_EMPTY = {"apexclass", "apextrigger", "installedsubscriberpackage", "customfield", "entitydefinition"}
_LONG_TEXT = 255
_WIDE_ROW = 20_000


def query(request: Request) -> Reply:
    """Answer ``/query``."""
    return _query(request, deleted=False)


def query_all(request: Request) -> Reply:
    """Answer ``/queryAll``: like ``/query``, with the records in the recycle bin."""
    return _query(request, deleted=True)


def next_page(request: Request, name: str, offset: str) -> Reply:
    """Answer a ``nextRecordsUrl``."""
    org = request.org
    if org.faults.hit("cursor_dies_with_session", request.call.path):
        org.cursors.sever(name)
    cursor = org.cursors.find(name, request.session.digest, org.options.cursor_idle)
    start = int(offset)
    if start >= cursor.result.total:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _records(
        request, cursor.result, start, cursor.page_rows, cursor.id, _shown(request, cursor, start)
    )


def _shown(request: Request, cursor: Cursor, start: int) -> int:
    """Give the first record of what is answered in place of the page that begins here; mostly the same."""
    faults, path, rows = request.org.faults, request.call.path, cursor.page_rows
    if faults.hit("duplicate_rest_page", path):
        return max(0, start - rows)
    # The second and the third page change places, where both are whole.
    second = rows <= start < 2 * rows
    if start < 3 * rows <= cursor.result.total and faults.hit("reordered_rest_pages", path):
        return start + rows if second else start - rows
    return start


def tooling(request: Request) -> Reply:
    """Answer the Tooling API for the objects that clients ask about first: they exist and are empty."""
    text = _text(request.call)
    tree = parse(text)
    if tree.source.lower() == "organization":
        return query(request)
    if tree.source.lower() not in _TOOLING_EMPTY:
        raise no_such_object(text, tree.source_position, tree.source)
    body: dict[str, Any] = {
        "size": 0,
        "totalSize": 0,
        "done": True,
        "queryLocator": None,
        "entityTypeName": None,
        "records": [],
    }
    return json_reply(body, request.call)


def page_rows(result: RecordSet, call: Call, fixed: int | None) -> int:
    """
    Decide how many records a page holds.

    A real org promises at most 2,000 and gives fewer when rows are wide; one long text field halves the page.

    Args:
        result: the records.
        call: may ask for fewer with ``Sforce-Query-Options``.
        fixed: overrides everything.

    Returns:
        Records in a page.
    """
    if fixed is not None:
        return fixed
    asked = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""))
    rows = min(_LARGEST_PAGE, max(_SMALLEST_PAGE, int(asked[1]))) if asked else _LARGEST_PAGE
    fields = [column.field for column in result.columns]
    if any(field.type == "textarea" and field.length > _LONG_TEXT for field in fields):
        rows = min(rows, 1000)
    if sum(min(field.length, _LONG_TEXT) for field in fields) > _WIDE_ROW:
        rows = min(rows, 500)
    return rows


def _text(call: Call) -> str:
    text = call.query.get("q", "")
    if not text:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    return text


def _query(request: Request, *, deleted: bool) -> Reply:
    org, call = request.org, request.call
    if call.query.get("columns") == "true":
        return json_reply(column_metadata(_text(call), org.sight()), call)
    result = run(_text(call), org.sight(deleted=deleted))
    if isinstance(result, Count):
        return json_reply({"totalSize": result.total, "done": True, "records": []}, call)
    layout = call.layout
    if isinstance(result, Groups):
        records = group_page(result, layout.deeper())
        return _spelled(layout, result.table.num_rows, "", records)
    return _records(request, result, 0, page_rows(result, call, org.options.rest_page_rows), "")


def _records(
    request: Request, result: RecordSet, start: int, rows: int, cursor: str, shown: int | None = None
) -> Reply:
    org, layout = request.org, request.call.layout
    stop = min(start + rows, result.total)

    def keep(rest: RecordSet, offset: int) -> str:
        opened = org.cursors.open(
            request.session.digest, request.session.user, rest, _LARGEST_PAGE, org.options.most_cursors
        )
        return f"{request.base}/query/{opened.id}-{offset}"

    following = ""
    if stop < result.total and cursor:
        following = f"{request.base}/query/{cursor}-{stop}"
    elif stop < result.total:
        opened = org.cursors.open(
            request.session.digest, request.session.user, result, rows, org.options.most_cursors
        )
        following = f"{request.base}/query/{opened.id}-{stop}"
    first = start if shown is None else shown
    records = record_page(result, first, first + (stop - start), request.base, layout.deeper(), keep)
    return _spelled(layout, result.total, following, records)


def _spelled(layout: Layout, total: int, following: str, records: str) -> Reply:
    members = [layout.key("totalSize") + str(total), layout.key("done") + str(not following).lower()]
    if following:
        members.append(layout.key("nextRecordsUrl") + f'"{following}"')
    members.append(layout.key("records") + records)
    return Reply(200, (layout.opening() + layout.between().join(members) + layout.closing()).encode())
