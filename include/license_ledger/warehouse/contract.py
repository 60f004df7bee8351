"""
What every warehouse can do, whatever database it is. May import errors, schemas and the warehouse.

The pipeline, the replay, retention and erasure speak to a warehouse by this alone; `places.py` knows which
databases there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypedDict

from license_ledger.inputs.given import Inputs
from license_ledger.warehouse.day import LoadableSnapshot

__all__ = ["Inputs", "LoadReceipt", "LoadableSnapshot", "Replacement", "Texts", "Warehouse"]

WAIT_SECONDS = 600.0
"""How long to wait for another loader, unless said otherwise."""


class LoadReceipt(TypedDict):
    """
    What a load did.

    ``rows``: rows of the day now in each table. ``bytes``: size of the whole file. ``loaded``: False when the
    snapshot was in the warehouse already and nothing was written.
    """

    warehouse: str
    org_id: str
    snapshot_date: str
    snapshot_id: str
    rows: dict[str, int]
    bytes: int
    loaded: bool


@dataclass(frozen=True)
class Replacement:
    """
    One person's rows, and what becomes of them.

    Attributes:
        org_id: of the org.
        user_ids: every id that the person goes by, 18 characters each.
        tombstone: the id that takes their place.
        forgotten: per table, the columns that become null.
        domains: e-mail domains that stay, because others share them.
        manifests: per day, the files that the warehouse's rows came from and the manifest of the files that
            replaced them; so that a day which is loaded already is not loaded again.
    """

    org_id: str
    user_ids: Sequence[str]
    tombstone: str
    forgotten: Mapping[str, Sequence[str]]
    domains: Sequence[str] = ()
    manifests: Mapping[date, tuple[str, str]] = ()  # type: ignore[assignment]


class Texts(Protocol):
    """Every text of a warehouse, for whoever looks for something in it."""

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Columns of text per table, somebody else's tables in the same place included."""

    def ask(self, query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query with parameters ``$1``, ``$2``; it names tables as :meth:`columns` does."""


class Warehouse(Protocol):
    """
    A warehouse of snapshots.

    Whatever is changed is seen by readers wholly or not at all, and they are never locked out. Errors of
    every method: ConfigError for what somebody has to put right, StoreBusy and WarehouseUnavailable for what
    passes.
    """

    @property
    def name(self) -> str:
        """Where it is, for messages and receipts: never with a user or a password."""

    @property
    def file(self) -> Path | None:
        """The file that holds all of it, whose bytes can be searched; None for a server."""

    def require_writable(self) -> None:
        """See, before anything is asked of Salesforce, that a load can succeed; nothing is changed."""

    def load_all(
        self,
        snapshots: Sequence[LoadableSnapshot],
        *,
        inputs: Inputs | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> list[LoadReceipt]:
        """
        Put snapshots in place of what their orgs had for their days; what is there already is left alone.

        Args:
            snapshots: of different days, each read once, streaming.
            inputs: what the files that people keep say now; None: what is there of them stays.
            wait_seconds: how long to wait for another loader.

        Returns:
            A receipt per snapshot, in their order.

        Raises:
            CorruptSnapshot: rows are not those announced, or do not fit. That day stays as it was.
        """

    def days(self, org_id: str) -> dict[date, str]:
        """The org's days with their provenances, ascending; empty when there is no warehouse yet."""

    def forget_days(self, org_id: str, days: Iterable[date], *, wait_seconds: float = WAIT_SECONDS) -> int:
        """Take days out, all at once; returns how many were there."""

    def count_person(self, org_id: str, user_ids: Sequence[str]) -> dict[str, int]:
        """Rows of a person per table that lists people; empty when there is no warehouse yet."""

    def replace_person(self, who: Replacement, *, wait_seconds: float = WAIT_SECONDS) -> dict[str, int]:
        """
        Put a tombstone in place of a person, and leave nothing behind of rows that were changed or deleted.

        Returns:
            Rows per table that were replaced; empty when there was nothing to do.
        """

    def texts(self) -> AbstractContextManager[Texts | None]:
        """Read the texts; None when there is no warehouse yet."""
