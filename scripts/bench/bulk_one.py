"""
The first Bulk API, as far as a query of JSON records needs it: job, batch, result.

The demo org has it not, since the ledger does not use it; one contender knows nothing else that reads more
than one page. The shape of its answers follows what its clients read: moments are milliseconds since 1970.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from functools import partial

from demo_org.org import Org
from demo_org.records import Layout, record_page
from demo_org.soql.executor import RecordSet, run

_JOB, _BATCH, _RESULT = "750000000000001AAA", "751000000000001AAA", "752000000000001AAA"
_MOMENT = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000"')
_PATH = re.compile(r"^/services/async/(\d+\.\d)/job(/\w+(/batch(/\w+(/result(/\w+)?)?)?)?)?$")


class BulkOne:
    """
    Answers the calls of one query after another.

    Args:
        org: whose records.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._results: dict[str, bytes] = {}
        self._query = ""

    def answer(self, method: str, path: str, body: bytes) -> bytes | None:
        """
        Answer a call.

        Args:
            method: of HTTP.
            path: below ``/services/async/``.
            body: of the call.

        Returns:
            JSON; None when there is no such resource.
        """
        found = _PATH.match(path)
        if found is None:
            return None
        depth = sum(part is not None for part in found.groups()[1:])
        batch = partial(self._batch, body)
        steps: tuple[Callable[[], object], ...] = (self._job, self._job, batch, self._batch)
        if depth < len(steps):
            return json.dumps(steps[depth]()).encode()
        return json.dumps([_RESULT]).encode() if depth == len(steps) else self._records()

    def _job(self) -> dict[str, object]:
        return {"id": _JOB, "state": "Open", "operation": "query", "contentType": "JSON", "object": "User"}

    def _batch(self, query: bytes = b"") -> dict[str, object]:
        if query:
            self._query = query.decode()
        return {"id": _BATCH, "jobId": _JOB, "state": "Completed", "stateMessage": None}

    def _records(self) -> bytes:
        if self._query not in self._results:
            result = run(self._query, self._org.sight())
            if not isinstance(result, RecordSet):
                return b"[]"
            text = record_page(result, 0, result.total, "/services/data/v62.0", Layout(False), lambda *_: "")
            self._results[self._query] = _MOMENT.sub(_milliseconds, text).encode()
        return self._results[self._query]


def _milliseconds(found: re.Match[str]) -> str:
    moment = dt.datetime.fromisoformat(f"{found[1]}+00:00")
    return str(round(moment.timestamp() * 1000))
