"""
The run folder: what one run has extracted and what it makes of it, before anything is published.

::

    <landing>/org_id=<18>/snapshot_date=<day>/run=<key>/
        <Object>/part-00000-<try>.parquet …   <Object>/_landed.json
        inspection.json   _work/…   _complete.json

An object is landed when its ``_landed.json`` names its parts; each try writes parts of its own, so that a
try that was given up and still runs harms nobody. May import its own package.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypedDict

import pyarrow as pa

from license_ledger.errors import ConfigError, CorruptSnapshot
from license_ledger.staging.layout import Day
from license_ledger.staging.parquet import FileReceipt
from license_ledger.staging.storage import Storage

PART_ROWS = 1_000_000
COMPLETE = "_complete.json"
LANDED = "_landed.json"
ERASED = "_erased.json"
WORK = "_work"

_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEY = re.compile(r"[^A-Za-z0-9._-]+")


class ObjectReceipt(TypedDict):
    """
    What was landed of one object.

    Attributes:
        object: Salesforce API name.
        rows: number of rows.
        parts: paths of the Parquet files below the run folder, in order; one at least.
        bytes: size of all parts.
    """

    object: str
    rows: int
    parts: list[str]
    bytes: int


class RunFolder:
    """
    The folder of one run.

    Args:
        landing: the landing root.
        org_id: Salesforce id of the org.
        snapshot_date: the UTC day of the snapshot.
        run_key: identifies the run; what cannot be in a file name is replaced, without two keys becoming one.

    Attributes:
        storage: rooted at the folder.
        day: org and day.
        key: the run key as it is in the path.
    """

    def __init__(self, landing: Storage, org_id: str, snapshot_date: date, run_key: str) -> None:
        self.day = Day(org_id, snapshot_date)
        self.key = safe_key(run_key)
        self.storage = landing.child(self.day.partition, f"run={self.key}")

    def land(
        self, object_name: str, schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]
    ) -> ObjectReceipt:
        """
        Stream an object's rows into parts, and switch to them when all are there.

        Args:
            object_name: Salesforce API name.
            schema: of every batch; an object without rows is landed as one empty part.
            batches: the rows; consumed once.

        Returns:
            The receipt; what an earlier try landed is deleted by then.

        Raises:
            StagingUnwritable: naming the path.
            SchemaDrift: a batch does not fit the schema. What raises while batches are made comes out
                unchanged; the object then is as it was before.
        """
        folder, attempt = _folder(object_name), uuid.uuid4().hex[:8]
        parts: list[FileReceipt] = []
        pieces = iter(batches)
        try:
            piece = next(pieces, None)
            while piece is not None or not parts:
                name = f"{folder}/part-{len(parts):05d}-{attempt}.parquet"
                with self.storage.parquet_writer(name, schema, landing=True) as sink:
                    while piece is not None and sink.rows < PART_ROWS:
                        sink.write(piece)
                        piece = next(pieces, None)
                parts.append(sink.receipt)
        except BaseException:
            for part in parts:
                self.storage.delete(part["path"])
            raise
        return self.switch(
            ObjectReceipt(
                object=object_name,
                rows=sum(part["rows"] for part in parts),
                parts=[f"{folder}/{part['path'].rpartition('/')[2]}" for part in parts],
                bytes=sum(part["bytes"] for part in parts),
            )
        )

    def switch(self, receipt: ObjectReceipt) -> ObjectReceipt:
        """
        Make the parts of a receipt the landed object, in one step; they are there already.

        Returns:
            The receipt; whatever else lay in the object's directory is deleted by then.
        """
        folder = _folder(receipt["object"])
        names = {part.rpartition("/")[2] for part in receipt["parts"]}
        self.storage.write_json(f"{folder}/{LANDED}", receipt)
        for name in self.storage.list(folder):
            if name not in names | {LANDED}:
                self.storage.delete(folder, name)
        return receipt

    def landed(self, object_name: str) -> ObjectReceipt | None:
        """The receipt of an object; None when it has not been landed. Raises CorruptSnapshot when torn."""
        path = f"{_folder(object_name)}/{LANDED}"
        try:
            found = self.storage.read_json(path)
            return ObjectReceipt(
                object=str(found["object"]),
                rows=int(found["rows"]),
                parts=[str(part) for part in found["parts"]],
                bytes=int(found["bytes"]),
            )
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise CorruptSnapshot(
                f"file {self.storage.path(path)}", "is no receipt", "run the extract again"
            ) from error

    def objects(self) -> list[str]:
        """API names of the landed objects, sorted."""
        names = (name for name in self.storage.list() if _OBJECT.fullmatch(name))
        return [name for name in names if self.storage.exists(name, LANDED)]

    def batches(self, object_name: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """
        Stream a landed object.

        Raises:
            CorruptSnapshot: the object has not been landed, or a part is missing or torn.
            SchemaDrift: a column is not there.
        """
        for part in self._parts(object_name):
            try:
                yield from self.storage.parquet_batches(part, columns)
            except FileNotFoundError:
                raise CorruptSnapshot(
                    f"file {self.storage.path(part)}", "is not there", "run the extract again"
                ) from None

    def table(self, object_name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """A small landed object at once; raises like :meth:`batches`."""
        schema = self.schema(object_name)
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns if name in schema.names])
        return pa.Table.from_batches(list(self.batches(object_name, columns)), schema)

    def schema(self, object_name: str) -> pa.Schema:
        """The Arrow schema of a landed object, without metadata; raises like :meth:`batches`."""
        part = self._parts(object_name)[0]
        try:
            return self.storage.parquet_footer(part).schema.remove_metadata()
        except FileNotFoundError:
            raise CorruptSnapshot(
                f"file {self.storage.path(part)}", "is not there", "run the extract again"
            ) from None

    def write_json(self, name: str, content: Any) -> None:
        """Put a small JSON file into the folder in one step."""
        self.storage.write_json(name, content)

    def read_json(self, name: str) -> Any:
        """What :meth:`write_json` wrote. Raises FileNotFoundError."""
        return self.storage.read_json(name)

    def work(self, name: str) -> str:
        """The full path of a work file."""
        return self.storage.path(WORK, name)

    def drop_work(self) -> None:
        """Delete the work files, once they are published."""
        self.storage.delete(WORK)

    def mark_complete(self, completed_at: datetime, **facts: str | int) -> None:
        """
        Say that everything of this run has been landed, so that its day can be replayed from it.

        Args:
            completed_at: the present, with time zone; of several complete runs of a day the latest counts.
            facts: small facts to keep with it.
        """
        if completed_at.tzinfo is None:
            raise ConfigError("time completed_at", "has no time zone", "pass a UTC time")
        self.storage.write_json(COMPLETE, {**facts, "completed_at": completed_at.isoformat()})

    def facts(self) -> dict[str, str | int]:
        """The facts that the mark keeps; none where the run is not complete. Raises CorruptSnapshot."""
        if self.completed_at() is None:
            return {}
        found: dict[str, str | int] = self.storage.read_json(COMPLETE)
        return found

    def completed_at(self) -> datetime | None:
        """When the run was marked complete; None when it was not. Raises CorruptSnapshot."""
        try:
            return datetime.fromisoformat(self.storage.read_json(COMPLETE)["completed_at"])
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            path = self.storage.path(COMPLETE)
            raise CorruptSnapshot(f"file {path}", "is no completion mark", "run the extract again") from error

    def _parts(self, object_name: str) -> list[str]:
        receipt = self.landed(object_name)
        if receipt is None:
            raise CorruptSnapshot(
                f"object {object_name} of run {self.key}", "has not been landed", "run the extract first"
            )
        return receipt["parts"]


def safe_key(run_key: str) -> str:
    """The run key as part of a path: anything but letters, digits, dots, dashes and underscores is a dash."""
    safe = _KEY.sub("-", run_key).strip(".-")
    if safe != run_key or not safe or len(safe) > 100:
        safe = f"{safe[:100]}-{hashlib.sha256(run_key.encode()).hexdigest()[:8]}"
    return safe


def _folder(object_name: str) -> str:
    if not _OBJECT.fullmatch(object_name):
        raise ConfigError(f"object {object_name!r}", "is not an API name", "use the name that describe gives")
    return object_name


def mark_erased(run: Storage) -> None:
    """
    Say in a run folder that landed objects have been written anew without somebody.

    Whoever was reading them at that moment learns it from :func:`erasures`.
    """
    run.write_json(ERASED, {"times": erasures(run) + 1})


def erasures(run: Storage) -> int:
    """How often landed objects of a run folder have been written anew without somebody."""
    try:
        return int(run.read_json(ERASED)["times"])
    except FileNotFoundError:
        return 0
