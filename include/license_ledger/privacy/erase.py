"""
Erasing one person from everything that the ledger has kept. May import staging, the warehouse and its
package.

In order: find every file that mentions the person; rewrite them day by day, landing first; delete what was
kept and carried of the old ones; then the warehouse, and a search of everything. Killed at any moment, the
next call goes on with the same tombstone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypeVar

import structlog

from license_ledger.errors import CheckFailed
from license_ledger.privacy.day import DayDone, Eraser
from license_ledger.privacy.identifiers import full_id, pseudonym
from license_ledger.privacy.person import Person
from license_ledger.privacy.places import days_with_files
from license_ledger.privacy.plan import Plan
from license_ledger.privacy.report import ErasureReport, Rewritten, in_words
from license_ledger.privacy.rules import forgotten_columns
from license_ledger.privacy.search import Findings, Search
from license_ledger.privacy.survey import DaySurvey, paths_of, resolve, survey
from license_ledger.processes import can_begin, processes
from license_ledger.staging.layout import Day, checked_org_id
from license_ledger.staging.lease import lease
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.contract import Replacement, Warehouse
from license_ledger.warehouse.ddl import WAREHOUSE_TABLES
from license_ledger.warehouse.places import warehouse_at

__all__ = ["Erasure", "in_words", "require_nothing_left"]

_log = structlog.get_logger(__name__)

ROUNDS = 3
"""How often what is still found is erased: somebody may publish meanwhile."""

_Each = TypeVar("_Each")


@dataclass
class Erasure:
    """
    An erasure to be done.

    Attributes:
        landing: the landing root.
        staging: the staging root.
        warehouse: its URL; empty: there is none.
        org_id: 18-character id of the org.
        pseudonym_key: the secret that pseudonyms are made with; None when there are none.
        workers: threads, for few days or an object store; by default two more than cores, for while others
            wait.
        processes: for many days on a disk, most of which is Python that threads cannot do side by side.
        many_days: from how many days on processes are worth their start.
        wait_seconds: how long to wait for a writer of a day, and for a loader of the warehouse.
    """

    landing: Storage
    staging: Storage
    warehouse: str
    org_id: str
    pseudonym_key: bytes | None = None
    workers: int = field(default_factory=lambda: (os.cpu_count() or 1) + 2)
    processes: int = field(default_factory=lambda: (os.cpu_count() or 1) + 1)
    many_days: int = 30
    wait_seconds: float = 600.0

    @cached_property
    def _warehouse(self) -> Warehouse | None:
        return warehouse_at(self.warehouse) if self.warehouse else None

    def person(self, *, user_id: str = "", email: str = "", username: str = "") -> Person:
        """
        Name the person, by one of the three.

        Raises:
            ConfigError: the id is none, or nobody or more than one user has the address.
        """
        checked_org_id(self.org_id)
        found = (
            full_id(user_id)
            if user_id
            else resolve(
                self.landing,
                self.staging,
                self.org_id,
                email=email,
                username=username,
                workers=self.workers,
            )
        )
        ids = (found,) if self.pseudonym_key is None else (found, pseudonym(self.pseudonym_key, found))
        return Person(self.org_id, ids)

    def preview(self, person: Person) -> ErasureReport:
        """
        Tell what :meth:`run` would do; nothing is changed.

        Raises:
            CorruptSnapshot: a file cannot be read.
        """
        began = time.monotonic()
        days = self._days()
        with self._pool(days) as pool:
            found = survey(self.landing, self.staging, days, person, pool)
        total: dict[str, Rewritten] = {}
        for each in found:
            for path, rows in each.rows.items():
                _count(total, self._layer(path), 1, rows)
        self._count_warehouse(total, self._in_warehouse(person))
        return self._report(
            person, total, sum(bool(each.rows) for each in found), Findings(), began, dry_run=True
        )

    def run(self, person: Person) -> ErasureReport:
        """
        Erase the person.

        Args:
            person: what :meth:`person` gave.

        Returns:
            The report; ``left`` is empty when nothing of the person is found any more.

        Raises:
            ConfigError: an erasure of somebody else was interrupted; or the warehouse is none.
            StoreBusy: another erasure, or a writer that does not finish, is at it.
            WarehouseUnavailable: its server is away.
            CheckFailed: a transaction of the warehouse that began before still sees old rows.
            CorruptSnapshot: a file cannot be read or rewritten.
            ProcessLost: a process that did a part of it was killed, or the machine ran out of memory.
            StagingUnwritable: naming the path. In every case the call can be repeated and goes on.
        """
        began = time.monotonic()
        total: dict[str, Rewritten] = {}
        with lease(self.staging, f"erase/{self.org_id}", wait_seconds=self.wait_seconds):
            person.planned = Plan.tombstone_of(self.staging, self.org_id)
            every = self._days()
            with self._pool(every) as pool:
                days, findings = self._rounds(person, every, total, pool)
        report = self._report(person, total, days, findings, began, dry_run=False)
        _log.info(
            "erase.finished",
            org_id=self.org_id,
            rewritten=total,
            left=len(findings.left),
            days=report["days"],
        )
        return report

    def _days(self) -> list[Day]:
        return days_with_files(self.landing, self.staging, self.org_id)

    def _pool(self, days: Sequence[Day]) -> AbstractContextManager[Executor]:
        """Who does the work of so many days."""
        is_local = self.landing.is_local and self.staging.is_local
        if is_local and len(days) >= self.many_days and can_begin():
            return processes(self.processes)
        return ThreadPoolExecutor(self.workers)

    def _rounds(
        self, person: Person, every: Sequence[Day], total: dict[str, Rewritten], pool: Executor
    ) -> tuple[int, Findings]:
        """Erase until nothing is found. Returns the number of days concerned, and what the search found."""
        found = survey(self.landing, self.staging, every, person, pool)
        meets = any(each.meets for each in found)
        plan = Plan.begin(self.staging, self.org_id, *paths_of(found), meets=meets)
        eraser = Eraser(self.landing, self.staging, person, plan.tombstone, self.wait_seconds)
        days = {each.day for each in found if each.rows}
        for left in range(ROUNDS - 1, -1, -1):
            manifests = self._staged(eraser, found, total, pool)
            search = Search(person)
            with ThreadPoolExecutor(1) as beside:
                # Neither needs the other, and a warehouse file is made anew by little more than a core.
                loading = beside.submit(self._loaded, person, plan.tombstone, manifests, total)
                findings = search.staged(self.landing, self.staging, pool)
                loading.result()
            if self._warehouse is not None:
                findings.add(search.warehouse(self._warehouse))
            if not findings.left or not left:
                break
            found = survey(self.landing, self.staging, self._days(), person, pool)
            days |= {each.day for each in found if each.rows}
        if not findings.left:
            plan.end()
        return len(days), findings

    def _staged(
        self, eraser: Eraser, found: Sequence[DaySurvey], total: dict[str, Rewritten], pool: Executor
    ) -> dict[date, tuple[str, str]]:
        concerned = [each for each in found if each.is_concerned]
        manifests = {}
        done: list[DayDone] = list(pool.map(eraser.erase, concerned))
        for each, one in zip(concerned, done, strict=True):
            for layer, files in one.files.items():
                _count(total, layer, files, one.rows[layer])
            if one.manifest is not None:
                manifests[each.day.snapshot_date] = one.manifest
        list(pool.map(eraser.clear, [each.day for each in concerned]))
        return manifests

    def _in_warehouse(self, person: Person) -> dict[str, int]:
        return self._warehouse.count_person(self.org_id, person.ids) if self._warehouse else {}

    def _loaded(
        self,
        person: Person,
        tombstone: str,
        manifests: dict[date, tuple[str, str]],
        total: dict[str, Rewritten],
    ) -> None:
        """Put the tombstone into the warehouse, and see that nothing of deleted rows stays behind."""
        if self._warehouse is None:
            return
        who = Replacement(
            org_id=self.org_id,
            user_ids=person.ids,
            tombstone=tombstone,
            forgotten={each.name: forgotten_columns(each) for each in WAREHOUSE_TABLES},
            domains=sorted(person.domains),
            manifests=manifests,
        )
        rows = self._warehouse.replace_person(who, wait_seconds=self.wait_seconds)
        self._count_warehouse(total, rows)

    def _count_warehouse(self, total: dict[str, Rewritten], rows: dict[str, int]) -> None:
        if any(rows.values()):
            _count(total, "warehouse", 1, sum(rows.values()))

    def _layer(self, path: str) -> str:
        if not path.startswith(f"{self.landing.root}/org_id="):
            return "staging"
        return "work" if "/_work/" in path else "landing"

    def _report(
        self,
        person: Person,
        total: dict[str, Rewritten],
        days: int,
        findings: Findings,
        began: float,
        *,
        dry_run: bool,
    ) -> ErasureReport:
        return ErasureReport(
            org_id=self.org_id,
            dry_run=dry_run,
            days=days,
            rewritten=total,
            seconds=round(time.monotonic() - began, 1),
            searched=findings.files,
            searched_bytes=findings.bytes,
            left=findings.left,
            shared=sorted(person.shared),
            labels=sorted(findings.labels),
        )


def require_nothing_left(report: ErasureReport) -> None:
    """
    See that the search found nothing.

    Raises:
        CheckFailed: naming the places.
    """
    if report["left"]:
        raise CheckFailed(
            "erasure of one person",
            f"something is still found: {', '.join(report['left'])}",
            "see that no run of the DAG is under way, and erase again",
        )


def _count(total: dict[str, Rewritten], layer: str, files: int, rows: int) -> None:
    one = total.setdefault(layer, Rewritten(files=0, rows=0))
    one["files"] += files
    one["rows"] += rows
