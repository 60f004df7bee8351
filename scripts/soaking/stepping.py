"""The steps of a run, as work for processes of their own, on storage that may be told to break."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.component.faults.apart import Ended, KeptJob
from tests.component.faults.breaking import BrokenDisk, limit_files
from tests.walk import Walk

from license_ledger import pipeline
from license_ledger.errors import LedgerError
from license_ledger.run import RunContext
from license_ledger.salesforce.transport import Timeouts


@dataclass
class Steps:
    """
    The steps of one run.

    Attributes:
        walk: the walk it is a run of; its token store is in a file.
        root: directory that breaks when the disk is to break.
        job: where the bulk jobs of the run are remembered.
    """

    walk: Walk
    root: Path
    job: Path
    source: Any = None

    def context(self) -> RunContext:
        """The context of a step, made anew in each process."""
        walk = replace(self.walk)
        walk.runs -= 1
        context = replace(walk.context(), timeouts=Timeouts(connect=10, read=60))
        if self.source is not None:
            context = replace(context, source=self.source, org_id=self.source["org_id"])
        return context

    def work(self, step: str, broken: dict[str, Any], unit: Any = None) -> Callable[[], Any]:
        """What a process does for a step, on storage that breaks if it is to."""

        def work() -> Any:
            context = self.context()
            if broken.get("kind") == "disk limit":
                limit_files(int(broken["bytes"]))
            elif broken.get("kind", "").startswith("disk "):
                BrokenDisk(self.root, broken["kind"].removeprefix("disk "), broken["nth"]).install()
            if step == "extract":
                return dict(pipeline.extract(context, unit, KeptJob(self.job / unit["label"])))
            return dict(getattr(pipeline, step)(context))

        return work


def is_transient(ended: Ended) -> bool:
    """Whether Airflow would try such a task again: killed, transient, or unknown to the tree."""
    return ended.killed or "TransientError" in ended.kinds or LedgerError.__name__ not in ended.kinds
