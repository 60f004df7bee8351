"""docs/faults.md, from the table that the tests of faults run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from doc_pages import NOTE, prose, table
from license_ledger import errors

TESTS = Path(__file__).resolve().parents[2] / "tests"
MATRIX = TESTS / "contract" / "faults" / "matrix.toml"
STORE = TESTS / "component" / "faults" / "store.toml"

_NETWORK = (
    ("A connection is reset, before an answer or in the middle of one", "asks again, drops what it has"),
    ("A body ends early: by its chunks, before its length, or as if it were whole", "asks again"),
    ("A gzip stream ends early, a length is too large or too small", "asks again"),
    ("Nothing more arrives", "gives up after the time-out and asks again"),
    ("Small pieces with pauses", "waits"),
    ("Busy servers, pages for people", "asks again after a pause"),
    ("Any of these at the login", "calls the outcome unknown, and finds it out with the next try"),
)

_STORAGE = (
    ("The disk is full, at any change or in the middle of a file", "`StagingUnwritable`"),
    ("The place is read-only, forbidden, or the disk is broken", "`StagingUnwritable`"),
    ("The warehouse's disk is full", "`StagingUnwritable`"),
    ("The warehouse's server goes away or restarts", "`WarehouseUnavailable`"),
)

_SERVICES = (
    ("a task's process", "Airflow tries the task again; it finds its bulk job and the pages that had landed"),
    ("scheduler, with the tasks below it", "the next one tries them again when their heartbeats stop"),
    ("triggerer", "the next one watches the jobs from there"),
    ("API server", "tasks wait for the next one, or are tried again"),
    ("DAG processor", "nothing: what was parsed stays known"),
    ("Airflow's database", "whatever ends of it is started and tried again"),
    ("a worker machine", "the share it was extracting is taken over by another, without the landed pages"),
)


def faults_page() -> str:
    """What goes wrong, and what the ledger does about it."""
    cases = tomllib.loads(MATRIX.read_text(encoding="utf-8"))["case"]
    lines = [
        "# When something goes wrong",
        "",
        NOTE,
        "",
        *prose(
            "What Salesforce, the network, the storage and the machine do to a run, and what the ledger "
            "makes of it. Each row on Salesforce is a test. Three outcomes are possible: the run *recovers* "
            "and publishes the right rows; it *fails at once* and says what to change; or the task *is tried "
            "later*, by Airflow. In no case is anything wrong published: the day stays as it was "
            "until all of the new rows are right."
        ),
    ]
    for part in dict.fromkeys(case["part"] for case in cases):
        rows = [(case["does"], case["ledger"], _outcome(case)) for case in cases if case["part"] == part]
        lines += [
            f"## {part}",
            "",
            *table(("What Salesforce does", "What the ledger does", "Outcome"), rows),
            "",
        ]
    lines += ["## The network", ""]
    lines += prose(
        "At every address that a run calls: the first call to each is spoiled, and the run recovers."
    )
    lines += [*table(("What happens", "What the ledger does"), _NETWORK), ""]
    lines += _store()
    lines += ["## Disks and machine", ""]
    lines += prose(
        "A disk that is full, read-only or broken is tested at every step of a run, from its source to the "
        "warehouse. What is published stays whole and readable; once the place is well again the failed task "
        "goes on from where it was."
    )
    rows = [(what, _linked(error)) for what, error in _STORAGE]
    lines += [*table(("What happens", "Outcome"), rows), ""]
    lines += prose(
        "A process that is killed, at whatever moment, leaves nothing half done: its task is tried again. A "
        "kill between Salesforce's answer to a refresh and the store's commit costs the grant where refresh "
        "tokens rotate; a standby grant then takes over, see [connection](connection.md)."
    )
    lines += prose(
        "The services of Airflow are killed one after the other during one run, each with everything it "
        "has started, and a supervisor starts them again. The run ends well, its tables are true, and no "
        "bulk job is begun twice."
    )
    lines += [*table(("What is killed", "What becomes of the run"), _SERVICES), ""]
    lines += ["## All of it at random", ""]
    lines += prose(
        "`scripts/soak.py` makes hundreds of runs of the whole walk in an org that moves from day to day, "
        "each with faults drawn from all of the above and kills at random moments, and compares what is "
        "published, the warehouse and everything that was written or logged with the truth and with every "
        "secret that was ever issued. Seven such runs are part of the suite."
    )
    return "\n".join(lines).rstrip() + "\n"


def _store() -> list[str]:
    cases = tomllib.loads(STORE.read_text(encoding="utf-8"))["case"]
    rows = []
    for case in cases:
        outcome = "recovers"
        if "error" in case:
            passes = issubclass(getattr(errors, case["error"]), errors.TransientError)
            outcome = "is tried later" if passes else "fails at once"
        rows.append((case["does"], case["ledger"], _outcome({**case, "outcome": outcome})))
    return [
        "## The object store",
        "",
        *prose(
            "With landing and staging behind an S3 API, each row is tested at each step of a run, at "
            "different requests of it. Whatever fails, the day that was published stays whole and readable, "
            "and the failed task gets through once the store is well again."
        ),
        *table(("What the store does", "What the ledger does", "Outcome"), rows),
        "",
    ]


def _outcome(case: dict[str, Any]) -> str:
    if case["outcome"] == "recovers":
        return "recovers"
    what = "fails at once" if case["outcome"] == "fails at once" else "is tried later"
    text = f"{what}: {_linked('`' + case['error'] + '`')}"
    later = case.get("afterwards", "")
    return f"{text}, then {_linked('`' + later + '`')}" if later and later != case["error"] else text


def _linked(error: str) -> str:
    return f"[{error}](runbook.md#{error.strip('`').lower()})"
