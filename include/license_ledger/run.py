"""One run of the walk: what it was given, and what lies in its folder. No Airflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from license_ledger.errors import SchemaDrift
from license_ledger.receipts import Source
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.inspection import Inspection
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.tokens import Sessions
from license_ledger.salesforce.transport import Timeouts
from license_ledger.settings import PrivacyMode, Settings
from license_ledger.source import is_present
from license_ledger.staging.landing import ObjectReceipt, RunFolder
from license_ledger.staging.orgs import known_org
from license_ledger.staging.parquet import FileReceipt, ParquetSink
from license_ledger.staging.storage import Storage

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

INSPECTION = "inspection.json"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class RunContext:
    """
    What every step of a run is given; the same for every step and every try.

    Attributes:
        connection_id: names the org's connection.
        snapshot_date: the UTC day the run is for.
        run_key: names the run in the landing area.
        settings: of the pipeline.
        credentials: of the org.
        sessions: where access tokens come from.
        landing: root of the landing area.
        staging: root of the staging area.
        company_names: the company filter of this run.
        org_id: 18 characters; empty until it is known, then asked of the session.
        source: what the tables are made of; None: the landing of this run itself.
        began: when the run began; None: at the present.
        open_storage: from the URL of a directory to its storage.
        clock: the present, with a time zone.
        sleep: how to pause between tries of a call, in seconds.
        timeouts: of the calls.
    """

    connection_id: str
    snapshot_date: date
    run_key: str
    settings: Settings
    credentials: Credentials
    sessions: Sessions
    landing: Storage
    staging: Storage
    company_names: tuple[str, ...]
    org_id: str = ""
    source: Source | None = None
    began: datetime | None = None
    open_storage: Callable[[str], Storage] = field(default=Storage.from_url)
    clock: Callable[[], datetime] = field(default=_utc_now)
    sleep: Callable[[float], None] = field(default=time.sleep)
    timeouts: Timeouts = field(default=Timeouts())

    @cached_property
    def org(self) -> str:
        """18-character id of the org: as given, else as the connection led to it before, else asked for."""
        known = self.org_id or known_org(self.landing, self.connection_id, self.credentials.fingerprint)
        return known or self.sessions.current().org_id

    @property
    def provenance(self) -> str:
        """What the snapshot may call itself: tables made anew after their day are replayed."""
        chosen = "observed" if self.source is None else self.source["provenance"]
        now = self.clock()
        is_late = chosen == "observed" and not is_present(self.snapshot_date, self.began or now, now)
        return "replayed" if is_late else chosen

    @property
    def reconstructs(self) -> bool:
        """Whether the day is rolled back from a later landing."""
        return self.source is not None and self.source["provenance"] == "reconstructed"

    @property
    def landing_date(self) -> date:
        """The day whose landing this run reads, and writes where it extracts."""
        return self.snapshot_date if self.source is None else date.fromisoformat(self.source["landing_date"])

    @cached_property
    def own_folder(self) -> RunFolder:
        """The folder for what this run makes."""
        return RunFolder(self.landing, self.org, self.snapshot_date, self.run_key)

    @cached_property
    def extracted(self) -> Landed:
        """What was extracted, by this run or by the one whose landing it reads."""
        key = self.run_key if self.source is None else self.source["landing_run"]
        return Landed(RunFolder(self.landing, self.org, self.landing_date, key), self.own_folder)

    @cached_property
    def landed(self) -> Landed:
        """The objects as of the snapshot date: as extracted, or as rolled back to it."""
        if self.reconstructs:
            return Landed(self.own_folder, self.own_folder)
        return self.extracted

    @property
    def snapshot_id(self) -> str:
        """Identifies what this run will publish."""
        if self.source is not None and self.source["snapshot_id"]:
            return self.source["snapshot_id"]
        return self.extracted.snapshot_id

    def client(self) -> RestClient:
        """A new client of the org, at the connection's API version."""
        return RestClient(
            self.sessions,
            api_version=self.credentials.api_version,
            ca_bundle=self.credentials.ca_bundle,
            proxies=self.credentials.proxies,
            timeouts=self.timeouts,
            sleep=self.sleep,
        )


@dataclass(frozen=True)
class Landed:
    """
    The folder of a run, read in the light of its inspection, and the folder for what is made of it.

    Attributes:
        folder: the run folder with the landed objects.
        work: the folder for work files; another one where a run reads the landing of an earlier run.
    """

    folder: RunFolder
    work: RunFolder

    @cached_property
    def inspection(self) -> Inspection:
        """What ``inspect_org`` found. Raises FileNotFoundError before that."""
        found: Inspection = self.folder.read_json(INSPECTION)["inspection"]
        return found

    @property
    def captured_at(self) -> datetime:
        """When the extract began (UTC)."""
        return datetime.fromisoformat(self.inspection["captured_at"])

    @property
    def snapshot_id(self) -> str:
        """The snapshot that was to be published when this was extracted."""
        return str(self.folder.read_json(INSPECTION)["snapshot_id"])

    @property
    def privacy_mode(self) -> PrivacyMode:
        """How the people of the extract were written down."""
        mode: PrivacyMode = self.folder.read_json(INSPECTION).get("privacy_mode", "named")
        return mode

    def columns(self, object_name: str) -> list[str]:
        """API names of the fields that the org offers of an object; empty when it offers none."""
        plan = self.inspection["objects"].get(object_name)
        return [name for name, _ in plan["fields"]] if plan else []

    def offers(self, object_name: str, name: str) -> bool:
        """Whether the org offers a field."""
        return name in self.columns(object_name)

    def has_landed(self, object_name: str) -> bool:
        """Whether the object could be read. An object that could not is a capability, not a zero."""
        plan = self.inspection["objects"].get(object_name)
        return plan is not None and plan["available"]

    def batches(self, object_name: str) -> Iterator[pa.RecordBatch]:
        """
        Stream what landed of an object.

        Raises:
            SchemaDrift: it was to be extracted and did not land.
        """
        self._require(object_name)
        yield from self.folder.batches(object_name)

    def table_if_landed(self, object_name: str) -> pa.Table | None:
        """All rows of a small object; None when it could not be read. Raises as :meth:`batches`."""
        if not self.has_landed(object_name):
            return None
        self._require(object_name)
        return self.folder.table(object_name)

    def rows(self) -> dict[str, int]:
        """Rows per landed object."""
        return {
            name: self._require(name)["rows"] for name in self.inspection["objects"] if self.has_landed(name)
        }

    def write_work(
        self, name: str, table: pa.Table, metadata: Mapping[str, str] | None = None
    ) -> FileReceipt:
        """Put a small table into a work file."""
        with self.work_writer(name, table.schema, metadata or {}) as sink:
            sink.write(table)
        return sink.receipt

    def work_writer(
        self, name: str, schema: pa.Schema, metadata: Mapping[str, str]
    ) -> AbstractContextManager[ParquetSink]:
        """Stream a work file."""
        return self.work.storage.parquet_writer(self.work.work(f"{name}.parquet"), schema, metadata)

    def work_source(self, name: str) -> str | Dataset:
        """A work file for the checks: its path on a local disk, else a dataset that can be scanned again."""
        storage, path = self.work.storage, self.work.work(f"{name}.parquet")
        if storage.is_local:
            return storage.path(path)
        # With it comes pandas, which no other step needs: half a second of every task.
        from license_ledger.staging.datasets import dataset

        return dataset(storage, path)

    def work_table(self, name: str) -> pa.Table:
        """All rows of a small work file."""
        storage, path = self.work.storage, self.work.work(f"{name}.parquet")
        batches, footer = list(storage.parquet_batches(path)), storage.parquet_footer(path)
        return pa.Table.from_batches(batches, schema=footer.schema)

    def _require(self, object_name: str) -> ObjectReceipt:
        receipt = self.folder.landed(object_name)
        if receipt is None:
            raise SchemaDrift(
                f"landing of {object_name}",
                "nothing is there, although the org offers the object",
                "clear the extract tasks of this run and let them run again",
            )
        return receipt
