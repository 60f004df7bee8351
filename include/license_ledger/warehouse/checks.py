"""
The checks before publishing: SQL that selects rows which should not exist. May import errors, schemas and the
warehouse.

Every file in ``sql/checks`` is one check over the relations ``users``, ``licenses``, ``seats``,
``mismatches`` and ``control_totals`` of one or more days, told apart by ``snapshot_date``. Its columns are
that date and ``subject``, which names the license or the column that is wrong, never a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from license_ledger.errors import CheckFailed, Unexplained
from license_ledger.schemas import SNAPSHOTS, TABLES, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import configuration
from license_ledger.warehouse.statements import Statement, checks

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

MEMORY_LIMIT = "192MB"
"""With 128 MB the keys of 28 million seats, those of ten million users, could not be told apart."""
TOLERANT = "unexplained_above_tolerance"
"""The check that the setting ``mismatch_action`` can turn into a warning."""

CHECKED = tuple(table for table in TABLES if table is not SNAPSHOTS)
_SHOWN = 5

Source: TypeAlias = "str | Path | pa.Table | Dataset"
"""A local Parquet file, or something Arrow that can be read several times."""


SMALL = 400_000
"""Rows that are held in memory while the checks run over them: of a table, and of the days of a group."""

FEW = 16
"""Days of a group at most."""


@dataclass(frozen=True)
class Failure:
    """
    A check that found rows.

    Attributes:
        check: name of its SQL file; ``columns`` when a table does not have the columns it should have.
        rule: what should have been the case, in words.
        count: how many rows should not exist.
        subjects: the licenses or columns they belong to, most rows first.
        is_warning: whether publishing may go on all the same.
    """

    check: str
    rule: str
    count: int
    subjects: tuple[str, ...]
    is_warning: bool = False

    def __str__(self) -> str:
        shown = ", ".join(self.subjects[:_SHOWN])
        more = f" and {len(self.subjects) - _SHOWN} more" if len(self.subjects) > _SHOWN else ""
        return f"{self.check}: {self.count} in {shown}{more}"


@contextmanager
def checking(
    *, temp_directory: str | Path | None = None, memory_limit: str = MEMORY_LIMIT, threads: int = 2
) -> Iterator[duckdb.DuckDBPyConnection]:
    """
    A database for :func:`run_checks`, to be used for one snapshot after another.

    Args:
        temp_directory: where DuckDB spills to beyond the memory limit; default: one of the system's, removed
            afterwards.
        memory_limit: of DuckDB.
        threads: of DuckDB.
    """
    with TemporaryDirectory(dir=temp_directory, prefix="checks-") as spill:
        config = configuration(memory_limit, threads) | {"temp_directory": spill}
        with duckdb.connect(":memory:", config=config | {"preserve_insertion_order": False}) as connection:
            for name, words in _vocabulary().items():
                connection.execute(f"SET VARIABLE {ddl.quoted(name)} = ?", [list(words)])
            yield connection


def run_checks(
    files: Mapping[str, Source],
    *,
    tolerance: int,
    action: Literal["fail", "warn"] = "fail",
    connection: duckdb.DuckDBPyConnection | None = None,
) -> list[Failure]:
    """
    Run every check over the tables of one snapshot.

    Args:
        files: where the tables besides `snapshots` are, by name.
        tolerance: unexplained seats per license that are let pass.
        action: whether more than that fails, or warns.
        connection: of :func:`checking`, for who checks many snapshots; default: one of its own.

    Returns:
        The checks that found something, by name; empty when all is well. When columns are wrong the tables
        cannot be queried, and that is the only failure.

    Raises:
        KeyError: a table is missing in ``files``.
    """
    found = check_days({date.min: files}, tolerance=tolerance, action=action, connection=connection)
    return found[date.min]


def check_days(
    days: Mapping[date, Mapping[str, Source]],
    *,
    tolerance: int,
    action: Literal["fail", "warn"] = "fail",
    connection: duckdb.DuckDBPyConnection | None = None,
) -> dict[date, list[Failure]]:
    """
    Run every check over the tables of several snapshots of one org, each check once for all of them.

    Most of a check of a small snapshot is not the looking at rows: ten at once take little longer than one.

    Args:
        days: see ``files`` of :func:`run_checks`, by snapshot date.
        tolerance: unexplained seats per license that are let pass.
        action: whether more than that fails, or warns.
        connection: of :func:`checking`, for who checks more days; default: one of its own.

    Returns:
        What :func:`run_checks` returns, for every date of ``days``.
    """
    failures = {day: _wrong_columns(files) for day, files in days.items()}
    sound = {day: files for day, files in days.items() if not failures[day]}
    with nullcontext(connection) if connection else checking() as database:
        for group in _groups(sound):
            with ExitStack() as relations:
                for table in CHECKED:
                    sources = {day: files[table.name] for day, files in group.items()}
                    relations.enter_context(_related(database, table, sources))
                for check in checks():
                    for day, failure in _run(database, check, tolerance, action):
                        failures[day].append(failure)
    return failures


def require_passed(failures: Sequence[Failure]) -> None:
    """
    Stop unless all failures are warnings.

    Raises:
        Unexplained: the only matter is seats that the bridge cannot explain.
        CheckFailed: any other check found rows. Both name checks, counts, licenses and columns.
    """
    stopping = [failure for failure in failures if not failure.is_warning]
    if not stopping:
        return
    told = "; ".join(map(str, stopping))
    if all(failure.check == TOLERANT for failure in stopping):
        raise Unexplained(
            "mismatch bridge", told, "see the runbook, or raise LICENSE_LEDGER_MISMATCH_TOLERANCE"
        )
    raise CheckFailed("checks before publishing", told, "nothing was published; see the runbook")


def _run(
    connection: duckdb.DuckDBPyConnection, check: Statement, tolerance: int, action: str
) -> Iterator[tuple[date, Failure]]:
    """The failures of a check, a day each."""
    query = (
        f"SELECT snapshot_date, subject, count(*) AS row_count FROM ({check.text}) AS found "  # noqa: S608
        "GROUP BY snapshot_date, subject ORDER BY snapshot_date, row_count DESC, subject"
    )
    parameters = {"tolerance": tolerance} if "$tolerance" in check.text else {}
    rows = connection.execute(query, parameters).fetchall()
    for day, group in groupby(rows, key=itemgetter(0)):
        found = [(str(subject), count) for _, subject, count in group]
        yield (
            day,
            Failure(
                check.name,
                check.purpose,
                sum(count for _, count in found),
                tuple(subject for subject, _ in found),
                check.name == TOLERANT and action == "warn",
            ),
        )


def _groups(days: Mapping[date, Mapping[str, Source]]) -> Iterator[dict[date, Mapping[str, Source]]]:
    """The days in groups that are small together; a large one by itself."""
    group: dict[date, Mapping[str, Source]] = {}
    rows = 0
    for day, files in days.items():
        more = sum(_row_count(files[table.name]) for table in CHECKED)
        if group and (rows + more > SMALL or len(group) == FEW):
            yield group
            group, rows = {}, 0
        group[day], rows = files, rows + more
    if group:
        yield group


def _row_count(source: Source) -> int:
    if isinstance(source, str | Path):
        return int(pq.read_metadata(source).num_rows)
    return int(source.num_rows if isinstance(source, pa.Table) else source.count_rows())


@contextmanager
def _related(
    connection: duckdb.DuckDBPyConnection, table: Table, sources: Mapping[date, Source]
) -> Iterator[None]:
    """Make a relation of a table: a small one is read once, a large one by every check that needs it."""
    # Days that are checked together have been found small together.
    small = len(sources) > 1 or _row_count(next(iter(sources.values()))) <= SMALL
    kind = "TABLE" if small else "VIEW"
    columns = ", ".join(["snapshot_date", *_looked_at(table)]) if small else "*"
    parts, registered = [], []
    for number, (day, source) in enumerate(sources.items()):
        if isinstance(source, str | Path):
            rows = f"read_parquet({ddl.literal(str(source))}, hive_partitioning = false)"
        else:
            rows = f"{table.name}_{number}"
            connection.register(rows, source)
            registered.append(rows)
        parts.append(f"SELECT DATE '{day}' AS snapshot_date, * FROM {rows}")  # noqa: S608
    union = " UNION ALL BY NAME ".join(parts)
    connection.execute(f"CREATE {kind} {table.name} AS SELECT {columns} FROM ({union})")  # noqa: S608
    yield
    connection.execute(f"DROP {kind} {table.name}")
    for rows in registered:
        connection.unregister(rows)


@cache
def _looked_at(table: Table) -> tuple[str, ...]:
    """The columns of a table that checks name: what names people is not among them, and most bytes are."""
    words = set(re.findall(r"\w+", " ".join(check.text for check in checks())))
    return tuple(name for name in table.arrow_schema.names if name in words)


def _wrong_columns(files: Mapping[str, Source]) -> list[Failure]:
    unlike = [problem for table in CHECKED for problem in _columns_unlike(table, files[table.name])]
    rule = "A table must have the columns of schemas.py, in their types."
    return [Failure("columns", rule, len(unlike), tuple(unlike))] if unlike else []


def _columns_unlike(table: Table, source: Source) -> list[str]:
    found = pq.read_schema(source) if isinstance(source, str | Path) else source.schema
    declared = table.arrow_schema
    return [
        *(f"{table.name}.{name} is missing" for name in declared.names if name not in found.names),
        *(f"{table.name}.{name} is not declared" for name in found.names if name not in declared.names),
        *(
            f"{table.name}.{field.name} is {found.field(field.name).type} instead of {field.type}"
            for field in declared
            if field.name in found.names and found.field(field.name).type != field.type
        ),
    ]


def _vocabulary() -> dict[str, tuple[str, ...]]:
    """The words that a column may hold, by table and column."""
    return {
        f"{table.name}.{column.name}": column.values
        for table in CHECKED
        for column in table.columns
        if column.values
    }
