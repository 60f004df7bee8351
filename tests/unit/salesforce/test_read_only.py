"""The client can only read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.salesforce.requests_allowed import require_read_only

JOB = "jobs/query/750R0000000zlh9IAA"
GET_PART = {"method": "GET", "referenceId": "a", "url": "/services/data/v66.0/query?q=x"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "query", None),
        ("GET", "/services/data/", None),
        ("POST", "jobs/query", {"operation": "query", "query": "SELECT Id FROM User"}),
        ("POST", "composite", {"compositeRequest": [GET_PART]}),
        ("PATCH", JOB, {"state": "Aborted"}),
        ("DELETE", JOB, None),
    ],
)
def test_reads_and_bulk_query_jobs_are_allowed(method: str, path: str, body: Any) -> None:
    """Everything an extract needs passes."""
    require_read_only(method, path, body)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "query", {"x": 1}),
        ("POST", "sobjects/User", {"LastName": "x"}),
        ("PATCH", "sobjects/User/005x00000012Q9PAAU", {"IsActive": False}),
        ("DELETE", "sobjects/User/005x00000012Q9PAAU", None),
        ("POST", "jobs/ingest", {"operation": "insert"}),
        ("POST", "jobs/query", {"operation": "delete"}),
        ("POST", "jobs/query/", {"operation": "query"}),
        ("POST", "composite", {"compositeRequest": [GET_PART, {**GET_PART, "method": "POST"}]}),
        ("POST", "composite", {"compositeRequest": [{**GET_PART, "body": {}}]}),
        ("POST", "composite/tree/User", {"compositeRequest": []}),
        ("PATCH", JOB, {"state": "UploadComplete"}),
        ("PATCH", JOB, {"state": "Aborted", "x": 1}),
        ("DELETE", f"{JOB}/results", None),
        ("DELETE", "jobs/ingest/750R0000000zlh9IAA", None),
        ("DELETE", f"{JOB}/../../sobjects/User/005", None),
        ("PUT", "query", None),
    ],
)
def test_whatever_might_write_is_refused(method: str, path: str, body: Any) -> None:
    """Records, ingest jobs, writing parts and other methods are refused before anything is sent."""
    with pytest.raises(ValueError, match="only reads"):
        require_read_only(method, path, body)


@given(
    st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "MERGE"]),
    st.text(max_size=40),
    st.none() | st.just({"a": 1}),
)
def test_no_path_made_of_other_text_can_be_written_to(method: str, path: str, body: Any) -> None:
    """Property: with anything but the known paths, every other method is refused."""
    with pytest.raises((ValueError, AttributeError)):
        require_read_only(method, path, body)
