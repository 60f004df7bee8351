"""One run after the other: the org is moved, faults are switched on, the steps taken, the rest judged."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from tests.component.faults.apart import Ended, KeptTokens, apart
from tests.component.faults.breaking import s3_requests, spoil_s3
from tests.contract.faults.test_network_faults import SPOILED
from tests.walk import Walk, noon

from demo_org.control import Control
from soaking.judging import judged, leaked, true_rows
from soaking.plan import STEPS, Plan
from soaking.stepping import Steps, is_transient
from soaking.tally import Tally, headings

TRIES = 4
"""As Airflow's tasks: one try and three more."""
RUNS_A_DAY = 8
_SEARCHING = 3600.0
"""Seconds that the search at the end may take: some gigabytes, for hundreds of secrets in many forms each."""

VALUES = {"bulk_threshold": 30, "bulk_timeout_minutes": 1}
SWITCHES = {
    "bulk_seconds": 0.0,
    "bulk_page_rows": 18,
    "rest_page_rows": 100,
    "grants_per_user": 100_000,
    "keep_secrets": True,
}


@dataclass
class Soak:
    """
    A soak under way.

    Attributes:
        root: directory for everything but the org and the S3 API.
        control: steers the org.
        connection: the Airflow connection's JSON value.
        org: seed and users of the org's world.
        proxy: address of the proxy before the S3 API.
        first_day: of the org.
        tally: what became of the runs so far.
    """

    root: Path
    control: Control
    connection: dict[str, Any]
    org: dict[str, int]
    proxy: str
    first_day: date
    tally: Tally = field(default_factory=Tally)
    _usual: dict[str, list[float]] = field(default_factory=dict)
    _unseen: dict[str, Any] = field(default_factory=dict)
    _published: dict[tuple[str, date], str] = field(default_factory=dict)
    _searched: int = 0
    _headings: set[str] = field(default_factory=headings)

    def run(self, plan: Plan) -> None:
        """Make a run, and book what became of it."""
        began, log = datetime.now(UTC), self.root / "logs" / f"run-{plan.number:05d}.log"
        day = self.first_day + timedelta(days=(plan.number - 1) // RUNS_A_DAY)
        walk = self._walk(plan, day)
        truth = self._prepare(plan, day, log)
        steps = Steps(walk, self.root / plan.storage, self.root / "jobs")
        self._switch_on(plan)
        failed = self._take(plan, steps, log)
        self._switch_off(plan)
        self._judge(plan, steps, truth, log, began, failed)
        self._mend_grants(plan, walk)
        self.tally.seconds += (datetime.now(UTC) - began).total_seconds()

    def _walk(self, plan: Plan, day: date) -> Walk:
        connection = json.loads(json.dumps(self.connection))
        if not (plan.standby or (plan.case and plan.case.standby)):
            connection["extra"].pop("standby_refresh_token")
        connection["extra"].update(plan.case.extra if plan.case else {})
        values: dict[str, Any] = dict(VALUES)
        if plan.storage == "s3":
            values["staging"] = "s3://soak/staging"
        now = noon(day) + timedelta(seconds=plan.case.ahead if plan.case else 0)
        tokens = KeptTokens(self.root / "tokens" / "store.json")
        return Walk(connection, self.root / plan.storage, now, tokens, values, runs=plan.number)

    def _prepare(self, plan: Plan, day: date, log: Path) -> Path:
        truth = self.root / "truth" / f"{day}.pickle"
        if not truth.exists():
            self.control.set_clock(noon(day))
            made = partial(true_rows, truth, **self.org, anchor=self.first_day, day=day)
            self._well(apart(made, log))
        return truth

    def _switch_on(self, plan: Plan) -> None:
        case = plan.case
        rotation = plan.rotation or bool(case and case.org.get("rotation"))
        self.control.options(**{**SWITCHES, **(case.org if case else {}), "rotation": rotation})
        self.control.hide(*(case.hide if case else ()))
        if plan.expires or case:
            self.control.expire_sessions()
        for name, options in (case.faults if case else {}).items():
            self.control.fault(name, **options)
        if plan.spoiled:
            name, options = SPOILED[plan.spoiled]
            self.control.fault(name, **{**options, "count": None, "each_path": True})

    def _switch_off(self, plan: Plan) -> None:
        self.tally.struck += sum(state["hits"] for state in self.control.faults().values())
        self.control.no_fault()
        self.control.hide()
        self.control.options(**SWITCHES, most_cursors=10)
        if plan.storage == "s3":
            spoil_s3(self.proxy)

    def _take(self, plan: Plan, steps: Steps, log: Path) -> Ended | None:
        """Take the steps, each a few times if that may help; gives how the last one failed, or None."""
        steps.job.mkdir(exist_ok=True)
        for left in steps.job.iterdir():
            left.unlink()
        units: list[Any] = [None]
        for step in STEPS:
            for unit in units if step == "extract" else [None]:
                ended = self._tried(plan, steps, step, unit, log)
                if ended.value is None:
                    return ended
                if step == "choose_source":
                    steps.source = ended.value
                if step == "inspect_org":
                    units[:] = ended.value["units"]
        return None

    def _tried(self, plan: Plan, steps: Steps, step: str, unit: Any, log: Path) -> Ended:
        ended = Ended()
        for number in range(TRIES):
            breaks = plan.broken if not number and plan.broken.get("step") == step else {}
            if breaks and plan.storage == "s3":
                spoil_s3(self.proxy, kind=breaks["kind"].split()[1], nth=breaks["nth"], count=breaks["count"])
            usual = self._usual.setdefault(f"{plan.storage} {step}", [])
            kill = None
            if not number and plan.killed and plan.killed[0] == step:
                kill = plan.killed[1] * (statistics.median(usual) if usual else 0.1)
            ended = apart(steps.work(step, breaks, unit), log, kill_after=kill)
            if breaks and plan.storage == "s3":
                self.tally.struck += s3_requests(self.proxy)["struck"]
                spoil_s3(self.proxy)
            self._book(plan, step, ended, usual)
            if ended.value is not None or not is_transient(ended):
                break
            self.tally.tries += 1
        return ended

    def _book(self, plan: Plan, step: str, ended: Ended, usual: list[float]) -> None:
        if ended.value is not None:
            usual.append(ended.seconds)
            del usual[:-20]
        self.tally.kills += ended.killed
        if ended.error and ended.error not in self._headings:
            where = f"run {plan.number} ({', '.join(plan.names)}), {step}"
            self.tally.unexplained.append(f"{where}: {ended.error}: {ended.text[:300]}")

    def _judge(
        self, plan: Plan, steps: Steps, truth: Path, log: Path, began: datetime, failed: Ended | None
    ) -> None:
        case = plan.case
        here = (list(case.without), list(case.ours)) if case else ([], [])
        found = self._well(apart(lambda: judged(steps.context(), truth, self._unseen | {"": here}), log))
        key = (plan.storage, steps.walk.now.date())
        outcome = f"fails: {failed.error or 'killed'}" if failed else "published"
        is_new = found["snapshot"] != self._published.get(key, "")
        if is_new:
            self._unseen[found["snapshot"]] = here
            self._published[key] = found["snapshot"]
        where = f"run {plan.number} ({', '.join(plan.names)})"
        self.tally.wrong += [f"{where}: {what}" for what in found["wrong"]]
        if failed is None and found["loaded"] != found["snapshot"]:
            self.tally.wrong.append(f"{where}: the warehouse has not what is published")
        secrets = self.control.secrets()
        fresh = secrets[self._searched :]
        places = [log, self.root / "disk"]
        for name in self._well(apart(lambda: leaked(steps.context(), places, fresh, began), log)):
            self.tally.leaks.append(f"{where}: {name}")
        self._searched, self.tally.secrets = max(0, len(secrets) - 20), len(secrets)
        self.tally.searched += 1
        self.tally.runs += 1
        self.tally.published += is_new
        for name in plan.names:
            self.tally.outcomes[(name, outcome)] += 1

    def _mend_grants(self, plan: Plan, walk: Walk) -> None:
        """What an administrator does: authorize again in place of every grant that is lost."""
        extra = self.connection["extra"]
        alive = {
            name: self.control.grant(extra[name])["alive"]
            for name in ("refresh_token", "standby_refresh_token")
        }
        stood_by = "standby_refresh_token" in walk.connection["extra"]
        if not alive["refresh_token"]:
            if stood_by:
                self.tally.lost += 1
                self.tally.taken_over += alive["standby_refresh_token"]
            else:
                self.tally.alone += 1
        for name, lives in alive.items():
            if not lives:
                extra[name] = self.control.new_refresh_token()

    def final_search(self, log: Path) -> None:
        """Search everything for every secret once more."""
        plan = Plan(0, "s3", False, True, False)
        steps = Steps(self._walk(plan, self.first_day), self.root / "s3", self.root / "jobs")
        places = [self.root / "logs", self.root / "disk", self.root / "s3"]
        secrets = self.control.secrets()
        began = datetime(2000, 1, 1, tzinfo=UTC)
        search = apart(lambda: leaked(steps.context(), places, secrets, began), log, kill_after=_SEARCHING)
        self.tally.leaks += [f"at the end: {name}" for name in self._well(search)]
        self.tally.searched += 1

    @staticmethod
    def _well(ended: Ended) -> Any:
        """What a process of the soak's own returned. Raises when it did not: then the soak is wrong."""
        if ended.error or ended.killed:
            how = f"killed after {ended.seconds:.0f} s" if ended.killed else f"{ended.error}: {ended.text}"
            raise RuntimeError(f"a process of the soak's own: {how}")
        return ended.value
