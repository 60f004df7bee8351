"""One org, one published day, and runs of the walk that meet faults."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from tests.demo_org_fixtures import TODAY
from tests.published import require_explained, require_true
from tests.walk import MemoryJob, MemoryTokens, Walk, noon, unlocked

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.errors import LedgerError
from license_ledger.run import RunContext
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.transport import Timeouts

USERS = 40
SWITCHES: dict[str, Any] = {
    "bulk_seconds": 0.0,
    "bulk_page_rows": 18,
    "rest_page_rows": 100,
    "grants_per_user": 1000,
}
"""Small pages, so that every kind of call is made: several pages of bulk results and of REST queries."""

VALUES: dict[str, Any] = {"bulk_threshold": 30, "bulk_timeout_minutes": 1}
"""Users and assignments come by bulk, everything else by REST."""

PATIENCE = Timeouts(connect=5, read=20)

Step = tuple[str, Callable[[], object]]


def steps(context: RunContext) -> Iterator[Step]:
    """The steps of a run from its first call on, each to be taken before the next is asked for."""
    yield "refresh_token", lambda: pipeline.refresh_token(context)
    units: list[Any] = []
    yield "inspect_org", lambda: units.extend(pipeline.inspect_org(context)["units"])
    for unit in units:
        job = MemoryJob()
        yield f"extract {unit['label']}", lambda unit=unit, job=job: pipeline.extract(context, unit, job)
    yield "transform", lambda: pipeline.transform(context)
    yield "reconcile", lambda: pipeline.reconcile(context)
    yield "check", lambda: pipeline.check(context)
    yield "publish", lambda: pipeline.publish(context)


@dataclass
class Attempt:
    """
    A run that can be stopped by an error and go on from there, as one whose task is cleared.

    Attributes:
        context: of the run.
        error: what stopped it, or None.
        at: the step that it was stopped at.
    """

    context: RunContext
    error: LedgerError | None = None
    at: str = ""
    _coming: list[Step] = field(default_factory=list)
    _rest: Iterator[Step] | None = None

    def go_on(self) -> None:
        """Take the steps that are left, the one that failed once more."""
        self.error, self.at = None, ""
        self._rest = self._rest or steps(self.context)
        while True:
            if not self._coming:
                step = next(self._rest, None)
                if step is None:
                    return
                self._coming.append(step)
            name, work = self._coming[0]
            try:
                work()
            except LedgerError as error:
                self.error, self.at = error, name
                return
            self._coming.clear()


class Ordeal:
    """
    A demo org, and a day that was published before anything went wrong.

    Args:
        root: a directory of its own.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.world = World(seed=3, users=USERS, today=TODAY)
        self.org = DemoOrg(self.world, OrgOptions(**SWITCHES), root / "org")
        self.org.start()
        self._calm = root / "calm"
        walk = self.walk(self._calm)
        for day in (TODAY - timedelta(days=1), TODAY):
            self.control.set_clock(noon(day))
            walk.now = noon(day)
            self.before = walk.run(load=False).snapshot_id
        self.expected = Truth(self.world).expected(company_names=["*"])
        self._totals_before = self._totals(reader.open_snapshot(walk.staging, self.world.org_id, TODAY))

    @property
    def control(self) -> Any:
        """Steers the org."""
        return self.org.control

    def walk(self, root: Path, **extra: Any) -> Walk:
        """A walk into a directory of its own."""
        connection = self.org.access.connection("*")
        connection["extra"].update(extra)
        return Walk(connection, root, noon(TODAY), MemoryTokens(), VALUES)

    def calm_down(self) -> None:
        """Take back everything that was switched, and end every session."""
        self.control.no_fault()
        self.control.options(**vars(OrgOptions()) | SWITCHES)
        self.control.hide()
        self.control.expire_sessions()
        self.control.clear_requests()

    def attempt(
        self,
        root: Path,
        *,
        ahead: float = 0.0,
        standby: bool = False,
        patience: Timeouts = PATIENCE,
        **extra: Any,
    ) -> Attempt:
        """
        A run of the day that is published already, about to begin.

        Args:
            root: a directory of its own.
            ahead: seconds by which the ledger's clock is ahead of the org's.
            standby: whether the connection has a standby grant.
            patience: how long to wait for an answer.
            extra: fields of the connection.
        """
        shutil.copytree(self._calm / "staging", root / "staging")
        # Grants of its own: a case may lose them.
        grants = {"refresh_token": self.control.new_refresh_token()}
        if standby:
            grants["standby_refresh_token"] = self.control.new_refresh_token()
        walk = self.walk(root, **grants, **extra)
        walk.now += timedelta(seconds=ahead)
        context = walk.context()
        sessions = RefreshTokenSessions(
            context.credentials,
            walk.tokens,
            unlocked,
            lambda: walk.now,
            sleep=lambda seconds: None,
            timeouts=patience,
        )
        return Attempt(replace(context, sessions=sessions, timeouts=patience))

    def require_published(
        self, attempt: Attempt, *, without: tuple[str, ...] = (), ours: tuple[str, ...] = ()
    ) -> None:
        """
        See that the run has replaced the day, by the truth.

        Args:
            attempt: a run that has come to its end.
            without: columns that are not visible, hence null.
            ours: columns that are not compared, because they tell the time of the ledger's clock.
        """
        snapshot = self._snapshot(attempt)
        assert snapshot.snapshot_id != self.before
        snapshot.verify()
        require_true(snapshot, self._truth(without, ours), attempt.context.run_key)
        require_explained(snapshot)
        assert self._totals(snapshot) == self._totals_before

    def require_untouched(self, attempt: Attempt) -> None:
        """See that the day is published as it was before the run."""
        snapshot = self._snapshot(attempt)
        assert snapshot.snapshot_id == self.before
        snapshot.verify()
        require_true(snapshot, self.expected, "the day before the fault")

    def _snapshot(self, attempt: Attempt) -> reader.Snapshot:
        context = attempt.context
        return reader.open_snapshot(context.staging, self.world.org_id, context.snapshot_date)

    def _totals(self, snapshot: reader.Snapshot) -> list[dict[str, Any]]:
        """Salesforce's own totals, for which there is no ground truth: as on the day without faults."""
        rows = snapshot.table("control_totals")
        return list(rows.sort_by([(name, "ascending") for name in rows.column_names]).to_pylist())

    def _truth(self, without: tuple[str, ...], ours: tuple[str, ...]) -> dict[str, pd.DataFrame]:
        return {name: _seen(rows, without, ours) for name, rows in self.expected.items()}


def _seen(rows: pd.DataFrame, without: tuple[str, ...], ours: tuple[str, ...]) -> pd.DataFrame:
    compared = rows.drop(columns=[column for column in ours if column in rows])
    return compared.assign(**{column: None for column in without if column in rows})
