"""
One huge object, extracted by several tasks on several machines. No Airflow.

Its bulk job has many result pages; each task, a *share*, lands a range of them, page by page. What the shares
have to agree on is the *plan*, a small file in the run folder, written under a lease: which job, where its
pages begin, and which shares they are divided among. Whoever finishes last lands the object by one write.
``docs/decisions/0012-shares.md`` says why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import pyarrow as pa

from license_ledger.errors import CorruptAnswer, JobFailed, LedgerError
from license_ledger.privacy.concealment import concealed
from license_ledger.receipts import Unit
from license_ledger.run import RunContext
from license_ledger.salesforce import bulk
from license_ledger.salesforce.bulk import BulkRefused, JobGone, JobMemory
from license_ledger.salesforce.bulk_listing import Address, listed_addresses
from license_ledger.salesforce.bulk_pages import Page, pages_after, pages_at
from license_ledger.salesforce.extract import complete, query_many
from license_ledger.salesforce.inspection import Inspection, arrow_schema, extracted_schema, soql
from license_ledger.salesforce.rest import RestClient
from license_ledger.share_plan import Plan, PlanFile, job_of, plan_file, range_of
from license_ledger.staging.pages import PageReceipt, Pages

__all__ = ["PAGES_PER_SHARE", "extract_share", "units_of"]

log = logging.getLogger(__name__)

PAGES_PER_SHARE = 4
"""Pages that a share has at least: one task more costs about as much as fetching so many."""

_PLANS_TRIED = 2
"""A job that is gone is replaced once, by one of this share alone: nobody knows which others still come."""


class Landed(TypedDict):
    """What one share has landed: rows and bytes of its pages."""

    rows: int
    bytes: int


def units_of(inspection: Inspection, *, most: int, page_records: int) -> list[Unit]:
    """
    The units of an inspection as tasks extract them: a huge object as several shares.

    Args:
        inspection: of the run.
        most: shares per object.
        page_records: rows per result page.

    Returns:
        The units in the order of the inspection; without shares exactly those.
    """
    units: list[Unit] = []
    for unit in inspection["units"]:
        plain = Unit(label=unit["label"], objects=unit["objects"])
        plan = inspection["objects"][unit["objects"][0]]
        of = 1
        if plan["api"] == "bulk":
            pages = None if plan["rows"] is None else -(-plan["rows"] // page_records)
            of = most if pages is None else max(1, min(most, pages // PAGES_PER_SHARE))
        if of == 1:
            units.append(plain)
        else:
            units += [
                Unit(label=f"{unit['label']} {n + 1}/{of}", objects=unit["objects"], share=[n, of])
                for n in range(of)
            ]
    return units


def extract_share(
    context: RunContext,
    client: RestClient,
    name: str,
    share: Sequence[int],
    job: JobMemory,
    wait: Callable[[float], None] | None,
) -> Landed:
    """
    Land one share of an object, and the object when it is the last one.

    Pages that an earlier try has landed are not asked for again. May run again at any time, also beside
    another try of itself.

    Args:
        context: of the run.
        client: of the org.
        name: of the object.
        share: its number, from 0, and how many there are.
        job: this task's memory of the bulk job, for who watches it from elsewhere.
        wait: how to wait for the bulk job; the client's way when None.

    Raises:
        StoreBusy: another share did not finish its plan in time.
        CorruptAnswer: the pages do not add up to what Salesforce processed.
        LedgerError: what a call of the org raises; pages landed before stay landed.
    """
    client.api_version = context.extracted.inspection["api_version"]
    work = _Share(context, client, name, share[0], share[1])
    for _ in range(_PLANS_TRIED):
        try:
            landed = work.land(job, wait or client.sleep)
        except JobGone:
            job.delete()
            continue
        except LedgerError as error:
            raise error.within(f"extract of {name}") from None
        # The plan remembers the job for whoever still needs it.
        job.delete()
        return landed
    raise JobFailed(
        f"bulk job for {name}", "it was deleted while it was watched, twice", "find out who deletes the jobs"
    )


@dataclass
class _Share:
    """One share at work."""

    context: RunContext
    client: RestClient
    name: str
    number: int
    of: int

    @cached_property
    def inspection(self) -> Inspection:
        return self.context.extracted.inspection

    def land(self, job: JobMemory, wait: Callable[[float], None]) -> Landed:
        """Do what is this share's to do. Raises JobGone when the plan has to be made anew."""
        plan = self._started(job)
        if self.number in plan["shares"] and plan["note"]:
            if self._pages_of(plan).is_landed():
                return self._landed(plan)
            plan = self._ready(plan, wait)
        if self.number not in plan["shares"]:
            log.info("%s: all pages are those of share %s", self.name, plan["shares"])
            return Landed(rows=0, bytes=0)
        if not plan["note"]:
            return self._by_rest()
        try:
            return self._fetch(plan)
        except LedgerError:
            # Another try of this share may have landed it all, and tidied up, while this one was at it.
            if not self._pages_of(plan).is_landed():
                raise
            return self._landed(plan)

    def _started(self, job: JobMemory) -> Plan:
        """The plan, with its job started: by the first share, or by any when the job is gone."""
        with self._plan() as memory:
            plan = memory.plan
            if plan is None or (plan["note"] and not self._pages_of(plan).is_landed()):
                try:
                    bulk.start(self.client, soql(self.inspection, self.name), memory)
                except BulkRefused as refused:
                    log.warning("Salesforce: %s comes by REST, bulk refuses it (%s)", self.name, refused.got)
                    memory.set("")
        assert memory.plan is not None
        if memory.plan["note"]:
            job.set(memory.plan["note"])
        return memory.plan

    def _ready(self, plan: Plan, wait: Callable[[float], None]) -> Plan:
        """The plan once the job is complete and its pages are divided."""
        if plan["ready"]:
            return plan
        timeout = self.context.settings.bulk_timeout_minutes * 60
        state = bulk.finish(self.client, job_of(plan), timeout_seconds=timeout, wait=wait)
        with self._plan() as memory:
            if memory.plan is None or memory.plan["note"] != plan["note"]:
                raise JobGone(f"bulk job {job_of(plan)}", "another has taken its place", "run again")
            if not memory.plan["ready"]:
                memory.keep(self._divided(memory.plan, state.rows))
            return memory.plan

    def _fetch(self, plan: Plan) -> Landed:
        """Land the pages of this share that are missing, and the object if no other's are."""
        pages = self._pages_of(plan)
        mine = self._listed(plan, pages) if plan["pages"] is not None else self._chained(plan, pages)
        pages.finish(self.number, mine)
        every = pages.finished(plan["shares"])
        if every is not None and not pages.is_landed():
            self._commit(plan, pages, every)
        return _sum(mine)

    def _landed(self, plan: Plan) -> Landed:
        """What this share had landed when the object was."""
        pages = self._pages_of(plan)
        numbers = range_of(plan, self.number) if plan["pages"] is not None else sorted(pages.there())
        return _sum({number: pages.kept(number)[0] for number in numbers})

    def _by_rest(self) -> Landed:
        """Land all of the object."""
        for name, tables in query_many(self.client, self.inspection, [self.name]):
            whole = arrow_schema(self.inspection, name)
            receipt = self.context.extracted.folder.land(name, whole, self._concealed(tables))
        return Landed(rows=receipt["rows"], bytes=receipt["bytes"])

    def _pages_of(self, plan: Plan) -> Pages:
        """The landed pages of a plan's job."""
        return Pages(self.context.extracted.folder, self.name, job_of(plan))

    def _plan(self) -> AbstractContextManager[PlanFile]:
        """The plan, while no other share can change it."""
        landed = self.context.extracted
        return plan_file(landed.folder, self.name, landed.snapshot_id, self.number, self.of)

    def _divided(self, plan: Plan, rows: int | None) -> Plan:
        """The plan with its pages; where they are not listed, this share reads them one after another."""
        page_records = self.context.settings.bulk_page_records
        listed = listed_addresses(self.client, job_of(plan), page_records=page_records)
        pages = [(address.locator, address.rows) for address in listed or ()]
        if not pages:
            return {**plan, "rows": rows, "pages": None, "ready": True, "shares": [self.number]}
        log.info("%s: %d pages for shares %s", self.name, len(pages), plan["shares"])
        return {**plan, "rows": rows, "pages": pages, "ready": True}

    def _listed(self, plan: Plan, pages: Pages) -> dict[int, PageReceipt]:
        numbers, there = range_of(plan, self.number), pages.there()
        mine = {number: pages.kept(number)[0] for number in numbers if number in there}
        missing = [number for number in numbers if number not in there]
        if mine:
            log.info("%s: %d pages are there, %d are fetched", self.name, len(mine), len(missing))
        return mine | self._fetched(plan, pages, missing)

    def _fetched(self, plan: Plan, pages: Pages, numbers: Sequence[int]) -> dict[int, PageReceipt]:
        listed = plan["pages"] or []
        coming = pages_at(
            self.client,
            job_of(plan),
            extracted_schema(self.inspection, self.name),
            [Address(*listed[number], listed=True) for number in numbers],
            page_records=self.context.settings.bulk_page_records,
        )
        return {number: self._land(pages, number, page) for number, page in zip(numbers, coming, strict=True)}

    def _chained(self, plan: Plan, pages: Pages) -> dict[int, PageReceipt]:
        mine: dict[int, PageReceipt] = {}
        there, locator = pages.there(), ""
        while len(mine) in there:
            mine[len(mine)], locator = pages.kept(len(mine))
            if not locator:
                return mine
        for page in pages_after(
            self.client,
            job_of(plan),
            extracted_schema(self.inspection, self.name),
            locator,
            page_records=self.context.settings.bulk_page_records,
        ):
            mine[len(mine)] = self._land(pages, len(mine), page, following=page.next_locator)
        return mine

    def _land(self, pages: Pages, number: int, page: Page, *, following: str = "") -> PageReceipt:
        whole = arrow_schema(self.inspection, self.name)
        tables = (complete(table, whole) for table in page.tables())
        return pages.land(number, whole, self._concealed(tables), following=following)

    def _concealed(self, tables: Iterable[pa.Table]) -> Iterable[pa.Table]:
        """The rows as they may be written."""
        return concealed(self.context.settings, self.context.extracted, self.name, tables)

    def _commit(self, plan: Plan, pages: Pages, every: dict[int, PageReceipt]) -> None:
        """Land the object if its pages are all there and add up."""
        repeated = _repeated(every)
        if repeated and plan["pages"] is not None:
            log.warning("%s: pages %s repeat rows and are fetched again", self.name, repeated)
            every |= self._fetched(plan, pages, repeated)
        rows, expected = sum(page["rows"] for page in every.values()), plan["rows"]
        if expected is not None and rows != expected:
            # The state may have been read a moment before its counters were final.
            expected = bulk.state(self.client, job_of(plan)).rows
        if _repeated(every) or (expected is not None and rows != expected):
            self._begin_anew(plan, pages)
            raise CorruptAnswer(
                f"result of bulk job {job_of(plan)}",
                f"{rows} rows arrived where {expected} were processed"
                if rows != expected
                else "pages repeat rows of others",
                "run again",
            )
        pages.commit(every)
        bulk.discard(self.client, job_of(plan))

    def _begin_anew(self, plan: Plan, pages: Pages) -> None:
        """Give everything to this share, whose next try is the only one that is sure to come."""
        with self._plan() as memory:
            pages.forget()
            memory.keep({**plan, "shares": [self.number]})


def _sum(pages: dict[int, PageReceipt]) -> Landed:
    return Landed(
        rows=sum(page["rows"] for page in pages.values()), bytes=sum(page["bytes"] for page in pages.values())
    )


def _repeated(pages: dict[int, PageReceipt]) -> list[int]:
    """Numbers of pages that begin or end with a row that begins or ends another one."""
    owners: dict[str, list[int]] = {}
    for number, page in pages.items():
        for end in page["ends"]:
            owners.setdefault(end, []).append(number)
    return sorted({number for numbers in owners.values() if len(numbers) > 1 for number in numbers})
