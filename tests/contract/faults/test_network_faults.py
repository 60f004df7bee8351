"""
A network that spoils every step of a run: login, describe, queries, pages, and all calls of a bulk job.

Each case is a whole run in which the first call to every address of the org meets the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.faults.ordeal import Ordeal

from demo_org.fault_table import CALLS
from license_ledger.salesforce.transport import Timeouts

KINDS = {
    "describe and first pages": r"/composite$",
    "limits": r"/limits$",
    "further pages": CALLS["page"],
    "creation of a job": CALLS["jobs"],
    "state of a job": CALLS["job"],
    "list of result pages": r"/resultPages$",
    "result page": CALLS["results"],
}
"""Every kind of call that a run makes after its login."""

SPOILED: dict[str, tuple[str, dict[str, Any]]] = {
    "reset before the answer": ("reset_before_answer", {}),
    "reset in the body": ("reset_mid_body", {}),
    "chunks that end early": ("truncate_body", {}),
    "a body that ends before its length": ("truncate_body", {"framing": "length"}),
    "a body that ends early and looks whole": ("truncate_silently", {}),
    "half a gzip stream": ("truncate_gzip", {}),
    "a length that is too large": ("wrong_length", {"by": 40}),
    "a length that is too small": ("wrong_length", {"by": -40}),
    "small pieces": ("slow_drip", {"bytes": 8192, "pause": 0.001}),
    "busy": ("server_503", {}),
    "a page for people": ("html_maintenance", {}),
}


@pytest.fixture(scope="module")
def ordeal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """The org that all cases share, one after the other."""
    made = Ordeal(tmp_path_factory.mktemp("network"))
    yield made
    made.org.stop()


def struck_kinds(ordeal: Ordeal, name: str) -> set[str]:
    """Which kinds of calls a fault has struck."""
    paths = ordeal.control.faults()[name]["struck"]
    return {kind for kind, pattern in KINDS.items() if any(re.search(pattern, path) for path in paths)}


@pytest.mark.parametrize("spoiled", list(SPOILED))
def test_every_address_fails_once(ordeal: Ordeal, spoiled: str, tmp_path: Path) -> None:
    """Whatever the network does to the first call to each address, the run gets through with the truth."""
    name, options = SPOILED[spoiled]
    ordeal.calm_down()
    attempt = ordeal.attempt(tmp_path)
    ordeal.control.fault(name, count=None, each_path=True, **options)

    attempt.go_on()

    assert attempt.error is None, f"{attempt.at}: {attempt.error!r}"
    assert struck_kinds(ordeal, name) == set(KINDS)
    ordeal.require_published(attempt)


def test_answers_that_stall_beyond_the_time_out(ordeal: Ordeal, tmp_path: Path) -> None:
    """A call of which nothing more arrives is given up, and asked again."""
    ordeal.calm_down()
    attempt = ordeal.attempt(tmp_path, patience=Timeouts(connect=5, read=1))
    path = f"{KINDS['describe and first pages']}|{KINDS['creation of a job']}|{KINDS['result page']}"
    ordeal.control.fault("stall", path=path, count=None, each_path=True, seconds=20.0)

    attempt.go_on()

    assert attempt.error is None, f"{attempt.at}: {attempt.error!r}"
    assert len(struck_kinds(ordeal, "stall")) == 3
    ordeal.require_published(attempt)


LOGIN: dict[str, tuple[str, dict[str, Any], str]] = {
    "reset before the answer": ("reset_before_answer", {}, "RefreshOutcomeUnknown"),
    "reset in the body": ("reset_mid_body", {"after": 0.02}, "RefreshOutcomeUnknown"),
    "chunks that end early": ("truncate_body", {"after": 0.02}, "RefreshOutcomeUnknown"),
    "a body that ends before its length": ("truncate_body", {"framing": "length"}, "RefreshOutcomeUnknown"),
    "a body that ends early and looks whole": ("truncate_silently", {"after": 0.02}, "RefreshOutcomeUnknown"),
    "a length that is too large": ("wrong_length", {"by": 40}, "RefreshOutcomeUnknown"),
    "half a gzip stream": ("truncate_gzip", {"after": 0.02}, "RefreshOutcomeUnknown"),
    "a stall beyond the time-out": ("stall", {"seconds": 20.0, "after": 0.02}, "RefreshOutcomeUnknown"),
    "small pieces": ("slow_drip", {"bytes": 64, "pause": 0.001}, ""),
}
"""What is spoiled of a token answer, and the error; none where the run goes on."""


@pytest.mark.parametrize("rotation", [False, True], ids=["no rotation", "rotation"])
@pytest.mark.parametrize("spoiled", list(LOGIN))
def test_a_spoiled_login(ordeal: Ordeal, spoiled: str, rotation: bool, tmp_path: Path) -> None:
    """
    A refresh whose answer is spoiled is sent once, and its outcome called unknown.

    The next try gets through: with the old token where it is still good, with the standby grant where the new
    one was lost with the answer.
    """
    name, options, error = LOGIN[spoiled]
    ordeal.calm_down()
    ordeal.control.options(rotation=rotation)
    attempt = ordeal.attempt(tmp_path, standby=True, patience=Timeouts(connect=5, read=1))
    ordeal.control.fault(name, path=CALLS["token"], count=1, **options)

    attempt.go_on()

    assert (type(attempt.error).__name__ if attempt.error else "") == error, repr(attempt.error)
    if error:
        assert [row["count"] for row in ordeal.control.counts() if row["path"].endswith("/token")] == [1]
        ordeal.require_untouched(attempt)
        attempt.go_on()
    assert attempt.error is None, f"{attempt.at}: {attempt.error!r}"
    ordeal.require_published(attempt)
