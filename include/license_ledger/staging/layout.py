"""
Where things lie below the staging root. Pure; may import errors and schemas.

Every name is made here. Only published tables end in ``.parquet`` below a table's directory: what is being
written, what was replaced, and the locks lie in directories of their own under names that no glob for Parquet
matches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from license_ledger.errors import ConfigError
from license_ledger.schemas import SNAPSHOTS, TABLES

GENERATIONS = "_generations"
LEASES = "_leases"
KEPT = ".kept"
DATA_TABLES = tuple(table.name for table in TABLES if table is not SNAPSHOTS)

_ORG_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_SNAPSHOT_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")


def checked_org_id(org_id: str) -> str:
    """The org id, when it is one: 15 or 18 letters and digits. Raises ConfigError otherwise."""
    if not _ORG_ID.fullmatch(org_id):
        raise ConfigError(
            f"org id {org_id!r}", "is not a Salesforce id", "give the 18-character id of the org"
        )
    return org_id


def checked_snapshot_id(snapshot_id: str) -> str:
    """The snapshot id, when it can be part of a file name. Raises ConfigError otherwise."""
    if not _SNAPSHOT_ID.fullmatch(snapshot_id):
        raise ConfigError(
            f"snapshot id {snapshot_id!r}",
            "cannot be part of a file name",
            "use up to 128 letters, digits, dots, dashes and underscores",
        )
    return snapshot_id


@dataclass(frozen=True)
class Day:
    """
    One org's day in staging.

    Attributes:
        org_id: Salesforce id of the org.
        snapshot_date: the UTC day.
    """

    org_id: str
    snapshot_date: date

    def __post_init__(self) -> None:
        checked_org_id(self.org_id)

    def __str__(self) -> str:
        return f"{self.snapshot_date.isoformat()} of org {self.org_id}"

    @property
    def partition(self) -> str:
        """The Hive partition directories of the day."""
        return f"org_id={self.org_id}/snapshot_date={self.snapshot_date.isoformat()}"

    @property
    def lease(self) -> str:
        """The name of the lease that writers of the day hold."""
        return f"day/{self.org_id}/{self.snapshot_date.isoformat()}"

    @property
    def generations(self) -> str:
        """The directory of files that are about to be published, or were until now."""
        return f"{GENERATIONS}/{self.partition}"

    def canonical(self, table: str) -> str:
        """The one file of a published table."""
        return f"{table}/{self.partition}/{table}.parquet"

    def kept(self, table: str, file_id: str) -> str:
        """The place of one particular file of a table, before and after it is the canonical one."""
        return f"{self.generations}/{kept_name(table, file_id)}"


def kept_name(table: str, file_id: str) -> str:
    """The file name of a kept file."""
    return f"{table}-{file_id}{KEPT}"


def partition_values(names: Iterator[str] | list[str], key: str) -> Iterator[str]:
    """The values of Hive directories called ``key=value``, in their order; other names are passed over."""
    for name in names:
        found, _, value = name.partition("=")
        if found == key and value:
            yield value


def days_of(names: list[str]) -> Iterator[date]:
    """The days of Hive directories called ``snapshot_date=…``; what is not a day is passed over."""
    for value in partition_values(names, "snapshot_date"):
        try:
            yield date.fromisoformat(value)
        except ValueError:
            continue
