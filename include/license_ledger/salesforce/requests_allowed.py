"""
Which requests the client may send at all: reads, and what a bulk query job needs. May import nothing.

The ledger never writes Salesforce data. This is not left to the callers: every request passes here.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["LONGEST_ADDRESS", "require_read_only"]

LONGEST_ADDRESS = 16_384 - 2_500
"""Bytes. Salesforce refuses address and headers together above 16,384; the rest is for the headers."""

_JOBS = re.compile(r"jobs/query")
_JOB = re.compile(r"jobs/query/750\w{12}(?:\w{3})?")


def require_read_only(method: str, path: str, body: Any) -> None:
    """
    See that a request changes nothing but bulk query jobs.

    Args:
        method: HTTP method.
        path: below ``/services/data/vNN.N/``.
        body: what will be sent as JSON, or None.

    Raises:
        ValueError: it might write; this is a bug of the caller.
    """
    if method == "GET" and body is None:
        return
    allowed = (
        (method == "POST" and _JOBS.fullmatch(path) and str(body.get("operation")) == "query")
        or (method == "POST" and path == "composite" and _only_reads(body))
        or (method == "PATCH" and _JOB.fullmatch(path) and body == {"state": "Aborted"})
        or (method == "DELETE" and _JOB.fullmatch(path) and body is None)
    )
    if not allowed:
        raise ValueError(f"the ledger only reads, it does not {method} {path}")


def _only_reads(body: Any) -> bool:
    parts = body.get("compositeRequest", [])
    return all(part.get("method") == "GET" and "body" not in part for part in parts)
