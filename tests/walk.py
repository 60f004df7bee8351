"""The whole walk in this process, without Airflow: for tests that compare what is published with truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from license_ledger import extraction, reader
from license_ledger.run import RunContext
from license_ledger.salesforce.credentials import parse
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.tokens import StoredToken
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage


class MemoryTokens:
    """A token store that forgets with the test."""

    def __init__(self) -> None:
        self.content: dict[str, Any] | None = None

    def read(self) -> StoredToken | None:
        """What is stored, or None."""
        return None if self.content is None else StoredToken.from_dict(self.content)

    def write(self, token: StoredToken) -> None:
        """Replace it."""
        self.content = token.to_dict()


class FileTokens(MemoryTokens):
    """A token store that outlives its process: for tests of steps in processes of their own."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def read(self) -> StoredToken | None:
        """What is stored, or None."""
        self.content = json.loads(self.path.read_text()) if self.path.exists() else None
        return super().read()

    def write(self, token: StoredToken) -> None:
        """Replace it."""
        super().write(token)
        self.path.write_text(json.dumps(self.content))


class MemoryJob:
    """The memory of a bulk job that forgets with the test."""

    def __init__(self) -> None:
        self.note: str | None = None

    def get(self) -> str | None:
        """What was set, or None."""
        return self.note

    def set(self, note: str) -> None:
        """Remember."""
        self.note = note

    def delete(self) -> None:
        """Forget."""
        self.note = None


@contextmanager
def unlocked() -> Iterator[None]:
    """No lock: one thread of one process refreshes here."""
    yield


@dataclass
class Walk:
    """
    Runs of the pipeline against one org, into one directory.

    Attributes:
        connection: the Airflow connection's JSON value.
        root: directory for landing, staging and warehouse.
        now: the ledger's clock.
        tokens: the token store, kept between runs.
        values: settings that differ from their defaults.
    """

    connection: dict[str, Any]
    root: Path
    now: datetime
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    values: dict[str, Any] = field(default_factory=dict)
    runs: int = 0

    @property
    def staging(self) -> Storage:
        """The staging root."""
        return Storage.from_url(self.settings.staging)

    @property
    def settings(self) -> Settings:
        """The settings of the next run."""
        places = {
            "staging": (self.root / "staging").as_uri(),
            "warehouse": f"duckdb:///{self.root / 'warehouse.duckdb'}",
        }
        return Settings(**{**places, **self.values})

    def context(self, company_names: list[str] | None = None, day: date | None = None) -> RunContext:
        """A context for the next run."""
        self.runs += 1
        credentials = parse(self.connection["extra"])
        sessions = RefreshTokenSessions(
            credentials, self.tokens, unlocked, lambda: self.now, sleep=lambda seconds: None
        )
        settings = self.settings
        return RunContext(
            connection_id="salesforce_default",
            snapshot_date=day or self.now.date(),
            run_key=f"run-{self.runs}",
            settings=settings,
            credentials=credentials,
            sessions=sessions,
            landing=Storage.from_url(settings.landing_url),
            staging=Storage.from_url(settings.staging),
            company_names=tuple(company_names or credentials.company_names),
            clock=lambda: self.now,
            sleep=lambda seconds: None,
        )

    def chosen(self, context: RunContext, *, only_landing: bool = False) -> RunContext:
        """The context after the first step, which decides what the day is made of."""
        # Steps that only ask Salesforce are measured, and need nothing of the rest.
        from license_ledger import pipeline

        source = pipeline.choose_source(context, only_landing=only_landing)
        return replace(context, source=source, org_id=source["org_id"])

    def extract(self, context: RunContext) -> None:
        """The steps that ask Salesforce."""
        extraction.refresh_token(context)
        for unit in extraction.inspect_org(context)["units"]:
            extraction.extract(context, unit, MemoryJob())

    def settle(self, context: RunContext, *, load: bool = True) -> dict[str, Any]:
        """The steps after that; returns the receipt of publishing."""
        from license_ledger import pipeline

        pipeline.transform(context)
        pipeline.reconcile(context)
        pipeline.check(context)
        receipt = dict(pipeline.publish(context))
        if load:
            pipeline.load_warehouse(context)
        return receipt

    def run(self, company_names: list[str] | None = None, *, load: bool = True) -> reader.Snapshot:
        """A whole run; returns the snapshot that is published then."""
        return self.run_day(None, company_names, load=load)

    def run_day(
        self,
        day: date | None,
        company_names: list[str] | None = None,
        *,
        load: bool = True,
        only_landing: bool = False,
    ) -> reader.Snapshot:
        """A whole run for a day, today's when None, by whatever way it can be had."""
        context = self.chosen(self.context(company_names, day), only_landing=only_landing)
        if context.source is not None and context.source["extracts"]:
            self.extract(context)
        self.settle(context, load=load)
        return reader.open_snapshot(context.staging, context.org, context.snapshot_date)

    def capabilities(self, snapshot: reader.Snapshot) -> list[dict[str, Any]]:
        """The capability report of a snapshot."""
        found: list[dict[str, Any]] = json.loads(snapshot.row["capabilities"])
        return found

    def rescope(self, context: RunContext, company_names: list[str], **values: Any) -> reader.Snapshot:
        """Settle what a run has landed again under another filter; returns the snapshot published then."""
        again = replace(
            context,
            company_names=tuple(company_names),
            settings=Settings(**{**context.settings.model_dump(), **values}),
            org_id=context.org,
        )
        self.settle(again, load=False)
        return reader.open_snapshot(context.staging, context.org, context.snapshot_date)


def noon(day: date) -> datetime:
    """Midday UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(0)
