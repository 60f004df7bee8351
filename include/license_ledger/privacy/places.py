"""
Where people can be in landing and staging: every file of an org, by day, and what kind it is. May import
staging and its package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from license_ledger.salesforce.objects import object_named
from license_ledger.schemas import TABLES
from license_ledger.staging.landing import COMPLETE
from license_ledger.staging.layout import DATA_TABLES, GENERATIONS, LEASES, Day, days_of
from license_ledger.staging.storage import Storage

Layer = Literal["landing", "work", "staging"]

PEOPLE_TABLES = tuple(
    table.name for table in TABLES if any(column.name == "user_id" for column in table.columns)
)
"""Published tables with rows of people."""

_RUN_FILE = re.compile(r"run=[^/]+/(?P<folder>[^/]+)/(?P<name>[^/]+)\.parquet")
_KEPT = re.compile(r"(?P<table>[a-z_]+)-[0-9a-f]+\.kept")


@dataclass(frozen=True)
class Place:
    """
    A Parquet file.

    Attributes:
        layer: landed objects, work files of runs, or staging.
        day: org and day.
        path: full path.
        kind: API name of the landed object, or name of the table.
        token: changes with every writing of the file.
    """

    layer: Layer
    day: Day
    path: str
    kind: str
    token: str

    @property
    def run(self) -> str:
        """The directory of the run, for files of landing."""
        return self.path[: self.path.index("/run=") + 5] + self.path.partition("/run=")[2].partition("/")[0]


def can_name_people(object_name: str) -> bool:
    """Whether a landed object has any field that relates to a person; one that nobody declared may have."""
    try:
        declared = object_named(object_name)
    except KeyError:
        return True
    return any(field.personal != "none" for field in declared.fields)


def days_with_files(landing: Storage, staging: Storage, org_id: str) -> list[Day]:
    """Days of an org that landing or staging has any directory of, ascending."""
    partition = f"org_id={org_id}"
    found = set(days_of(landing.list(partition)))
    for name in (*DATA_TABLES, "snapshots"):
        found |= set(days_of(staging.list(name, partition)))
    found |= set(days_of(staging.list(GENERATIONS, partition)))
    return [Day(org_id, snapshot_date) for snapshot_date in sorted(found)]


def places(landing: Storage, staging: Storage, day: Day) -> list[Place]:
    """The Parquet files of a day that can name a person, by path: landed, work, published and kept ones."""
    found = []
    for path, token in sorted(tokens(landing, day.partition).items()):
        name = _RUN_FILE.search(path)
        if name is None or _is_hidden(path):
            continue
        is_work = name["folder"] == "_work"
        kind = name["name"] if is_work else name["folder"]
        if kind in PEOPLE_TABLES if is_work else can_name_people(kind):
            found.append(Place("work" if is_work else "landing", day, path, kind, token))
    for table in PEOPLE_TABLES:
        directory = day.canonical(table).rpartition("/")[0]
        for path, token in sorted(tokens(staging, directory).items()):
            if path.endswith(".parquet") and not _is_hidden(path):
                found.append(Place("staging", day, path, table, token))
    for path, token in sorted(tokens(staging, day.generations).items()):
        kept = _KEPT.fullmatch(path.rpartition("/")[2])
        if kept and kept["table"] in PEOPLE_TABLES:
            found.append(Place("staging", day, path, kept["table"], token))
    return found


def remains(landing: Storage, day: Day, before: datetime) -> list[str]:
    """
    Full paths of what writers left half written in a day's landing, and nobody is writing any more.

    Whoever has landed everything writes no more; in other runs that is assumed of files written before.
    """
    below = landing.medium.entries_below(landing.path(day.partition))
    complete = {path.rpartition("/")[0] for path in below if path.endswith(f"/{COMPLETE}")}
    return sorted(
        path
        for path, stat in below.items()
        if _is_hidden(path) and (stat.written < before or any(path.startswith(f"{run}/") for run in complete))
    )


def tokens(storage: Storage, directory: str) -> dict[str, str]:
    """Every file below a directory, by full path, with a token that changes when the file does."""
    found = storage.medium.entries_below(storage.path(directory))
    return {path: stat.version for path, stat in found.items()}


def everything(landing: Storage, staging: Storage, org_id: str) -> Iterator[tuple[str, Storage, str]]:
    """
    Every file that belongs to an org, or to none in particular, once: layer, storage and full path.

    Leases are left out: they hold names of machines and processes only.
    """
    seen: set[str] = set()
    for layer, storage in (("landing", landing), ("staging", staging)):
        for path in sorted(tokens(storage, "")):
            relative = path.removeprefix(f"{storage.root}/")
            is_other = "org_id=" in relative and f"org_id={org_id}/" not in relative
            key = f"{storage.url}/{relative}"
            if is_other or relative.startswith(f"{LEASES}/") or key in seen:
                continue
            seen.add(key)
            is_landing = layer == "landing" or path.startswith(f"{landing.root}/")
            if layer == "staging" and is_landing and landing.fs == staging.fs:
                continue
            yield layer, storage, path


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")
