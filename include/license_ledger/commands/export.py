"""``license-ledger export``: a view of the warehouse as CSV, for other programs and for spreadsheets."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import duckdb

from license_ledger.commands.places import Places
from license_ledger.console.export import harmless
from license_ledger.errors import ConfigError
from license_ledger.questions.source import open_source
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import VIEWS, views

__all__ = ["add_to", "run"]

_SECONDS = 3600.0
_NAMES: Mapping[str, Mapping[str, str]] = {
    "focus_costs": {
        "org_id": '"SubAccountId"',
        "snapshot_date": "CAST(\"ChargePeriodStart\" AT TIME ZONE 'UTC' AS DATE)",
    }
}
"""What stands for org and day in a view that calls them otherwise."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser("export", help="a view of the warehouse as CSV")
    parser.add_argument("view", choices=VIEWS, metavar="view", help=f"one of {', '.join(VIEWS)}")
    parser.add_argument("--org", help="18-character org id; default: every org")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day")
    parser.add_argument("--output", type=Path, help="file; default: standard output")
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> str:
    """
    Write the rows, as the warehouse is now; a file takes its name when it is whole.

    Rows come by day and org. Instants are written in UTC with ``Z``, what is not known is empty, and a text
    that a spreadsheet would take for a formula gets an apostrophe in front.

    Returns:
        How many rows were written; nothing when they went to standard output.

    Raises:
        ConfigError: the view has no day to choose by; or there is no warehouse that can be read.
    """
    settings = places.settings()
    names = _columns(options.view)
    statement = _statement(options, names)
    source = open_source(settings.warehouse, lambda: places.staging(settings))
    chosen = {"org_id": options.org, "first": options.first, "last": options.last}
    with source.session(_SECONDS) as session, _sink(options.output, options.stdout) as sink:
        writer, count = csv.writer(sink, lineterminator="\r\n"), 0
        writer.writerow(names)
        for piece in session.stream(statement, chosen):
            writer.writerows([_cell(value) for value in row] for row in piece)
            count += len(piece)
    return f"{count} rows of {options.view} in {options.output}" if options.output else ""


def _statement(options: argparse.Namespace, names: Sequence[str]) -> str:
    """The rows of the view; a condition that nobody asked for is left out when the statement runs."""
    meant = {name: name for name in names} | dict(_NAMES.get(options.view, {}))
    if (options.first or options.last) and "snapshot_date" not in meant:
        raise ConfigError(f"export of {options.view}", "has no day to choose by", "leave --from and --to out")
    listed = ", ".join(map(ddl.quoted, names))
    lines = [f"SELECT {listed} FROM {ddl.quoted(options.view)} WHERE true"]  # noqa: S608
    lines.append(f"AND {meant['org_id']} = $org_id")
    if "snapshot_date" in meant:
        lines += [f"AND {meant['snapshot_date']} >= $first", f"AND {meant['snapshot_date']} <= $last"]
    order = [meant[name] for name in ("snapshot_date", "org_id") if name in meant]
    return "\n".join([*lines, f"ORDER BY {', '.join(order)}"])


def _columns(view: str) -> list[str]:
    with duckdb.connect(":memory:") as connection:
        for table in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for each in views():
            connection.execute(ddl.create_view(each)[0])
        found = connection.execute(f"DESCRIBE {ddl.quoted(view)}").fetchall()
    return [str(name) for name, *_ in found]


@contextmanager
def _sink(path: Path | None, stdout: IO[str]) -> Iterator[IO[str]]:
    if path is None:
        yield stdout
        return
    building = path.with_name(f".{path.name}.building")
    try:
        with building.open("w", encoding="utf-8", newline="") as sink:
            yield sink
        building.replace(path)
    except OSError as error:
        raise ConfigError(f"writing {path}", str(error.strerror), "name another file in --output") from None
    finally:
        building.unlink(missing_ok=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, bool):
        return str(value).lower()
    return harmless(value) if isinstance(value, str) else str(value)
