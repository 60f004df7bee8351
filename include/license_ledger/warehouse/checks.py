"""
The checks before publishing: SQL that selects rows which should not exist. May import errors, schemas and the
warehouse.

Every file in ``sql/checks`` is one check over the relations ``users``, ``licenses``, ``seats``,
``mismatches`` and ``control_totals`` of one snapshot. Its first column, ``subject``, names the license or the
column that is wrong, never a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from license_ledger.errors import CheckFailed, Unexplained
from license_ledger.schemas import SNAPSHOTS, TABLES, Table
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import configuration
from license_ledger.warehouse.statements import Statement, checks

MEMORY_LIMIT = "128MB"
TOLERANT = "unexplained_above_tolerance"
"""The check that the setting ``mismatch_action`` can turn into a warning."""

CHECKED = tuple(table for table in TABLES if table is not SNAPSHOTS)
_SHOWN = 5

Source: TypeAlias = str | Path | pa.Table | pads.Dataset
"""A local Parquet file, or something Arrow that can be read several times."""


SMALL = 200_000
"""Rows of a table that are held in memory while the checks run over it."""


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
    unlike = [problem for table in CHECKED for problem in _columns_unlike(table, files[table.name])]
    if unlike:
        rule = "A table must have the columns of schemas.py, in their types."
        return [Failure("columns", rule, len(unlike), tuple(unlike))]
    with nullcontext(connection) if connection else checking() as database, ExitStack() as relations:
        for table in CHECKED:
            relations.enter_context(_related(database, table.name, files[table.name]))
        found = [_run(database, check, tolerance, action) for check in checks()]
    return [failure for failure in found if failure]


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
) -> Failure | None:
    query = (
        f"SELECT subject, count(*) AS row_count FROM ({check.text}) AS found "  # noqa: S608
        "GROUP BY subject ORDER BY row_count DESC, subject"
    )
    parameters = {"tolerance": tolerance} if "$tolerance" in check.text else {}
    rows = connection.execute(query, parameters).fetchall()
    if not rows:
        return None
    return Failure(
        check.name,
        check.purpose,
        sum(count for _, count in rows),
        tuple(str(subject) for subject, _ in rows),
        check.name == TOLERANT and action == "warn",
    )


@contextmanager
def _related(connection: duckdb.DuckDBPyConnection, name: str, source: Source) -> Iterator[None]:
    """Make a relation of a table: a small file is read once, a large one by every check that needs it."""
    if not isinstance(source, str | Path):
        connection.register(name, source)
        yield
        connection.unregister(name)
        return
    kind = "TABLE" if pq.read_metadata(source).num_rows <= SMALL else "VIEW"
    relation = connection.read_parquet(str(source))
    if kind == "TABLE":
        relation.create(name)
    else:
        relation.create_view(name)
    yield
    connection.execute(f"DROP {kind} {name}")


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
