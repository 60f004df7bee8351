"""
What the shares of a huge object agree on: a small file in the run folder, written under a lease. No Airflow.

Imported by ``shares.py`` only, which says what shares are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypedDict

from license_ledger.staging.landing import RunFolder
from license_ledger.staging.lease import lease

__all__ = ["Plan", "PlanFile", "job_of", "plan_file", "range_of"]

PLANS = "_plans"

LOCK_SECONDS = 600.0
"""How long to wait for another share that is making the plan; a dead one loses its lease sooner."""


class Plan(TypedDict):
    """
    What the shares of an object agree on.

    Attributes:
        snapshot_id: of the inspection that it is for; a plan for another one counts for nothing.
        note: of the bulk job, as its memory keeps it: id, fingerprint, start; empty: it comes by REST.
        shares: numbers of the shares that the pages are divided among.
        rows: how many Salesforce processed; None while it is not known, or not told.
        pages: locator and rows of each; None where they are read one after another.
        ready: whether the job is complete and ``pages`` is decided.
    """

    snapshot_id: str
    note: str
    shares: list[int]
    rows: int | None
    pages: list[tuple[str, int | None]] | None
    ready: bool


class PlanFile:
    """
    The plan of an object, as the memory of its bulk job; :func:`plan_file` hands it out.

    Attributes:
        plan: as it is written; None when there is none for this inspection.
    """

    plan: Plan | None

    def __init__(self, folder: RunFolder, path: str, snapshot_id: str, number: int, of: int) -> None:
        self._folder, self._path, self._snapshot_id = folder, path, snapshot_id
        self._number, self._of = number, of
        try:
            found: Plan = folder.read_json(path)
            self.plan = found if found["snapshot_id"] == snapshot_id else None
        except FileNotFoundError:
            self.plan = None

    def get(self) -> str | None:
        """The note of the job, or None."""
        return self.plan["note"] if self.plan else None

    def set(self, note: str) -> None:
        """Plan for a new job: of all shares, or of this one alone when it takes the place of another."""
        alone = self.plan is not None or not note
        self.keep(
            Plan(
                snapshot_id=self._snapshot_id,
                note=note,
                shares=[self._number] if alone else list(range(self._of)),
                rows=None,
                pages=None,
                ready=False,
            )
        )

    def delete(self) -> None:
        """Nothing: what follows is another job, in its place."""

    def keep(self, plan: Plan) -> None:
        """Write the plan."""
        self._folder.write_json(self._path, plan)
        self.plan = plan


@contextmanager
def plan_file(
    folder: RunFolder, object_name: str, snapshot_id: str, number: int, of: int
) -> Iterator[PlanFile]:
    """
    Hold the plan of an object while no other share can change it.

    Args:
        folder: the run folder.
        object_name: Salesforce API name.
        snapshot_id: of the inspection that is being extracted.
        number: of the share that asks.
        of: how many shares there are.

    Raises:
        StoreBusy: another share did not finish in time.
    """
    with lease(folder.storage, f"plan/{object_name}", wait_seconds=LOCK_SECONDS):
        yield PlanFile(folder, f"{PLANS}/{object_name}.json", snapshot_id, number, of)


def job_of(plan: Plan) -> str:
    """Id of the bulk job of a plan that has one."""
    return plan["note"].split()[0]


def range_of(plan: Plan, number: int) -> range:
    """
    The pages of a share, of a plan that lists them.

    Neighbors, so that most pages are compared with the one before while they are fetched.
    """
    count, shares = len(plan["pages"] or ()), plan["shares"]
    at = shares.index(number)
    return range(at * count // len(shares), (at + 1) * count // len(shares))
