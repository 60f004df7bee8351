"""``license-ledger load``: published days into a warehouse that is new, was lost, or is another one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from rich.progress import track

from license_ledger import reader
from license_ledger.commands.places import Places
from license_ledger.commands.replay import LOADED_AT_ONCE
from license_ledger.errors import ConfigError, SnapshotRefused
from license_ledger.inputs.given import read_inputs
from license_ledger.warehouse.places import warehouse_at

__all__ = ["add_to", "run"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "load",
        help="load published days into the warehouse: one that is new, or was lost",
        description="Load what is published into the warehouse of the settings. Days that are there already, "
        "in the same writing, are left alone, so that the command can be repeated. Asks no org.",
    )
    parser.add_argument("--org", help="18-character org id; default: every org")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day")
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> str:
    """
    Load.

    Returns:
        How many days were loaded, and how many were there.

    Raises:
        SnapshotRefused: nothing is published that was asked for.
        ConfigError: there is no warehouse to load into.
        StoreBusy, WarehouseUnavailable: days that were loaded before stay; the command can be repeated.
    """
    settings = places.settings()
    if not settings.warehouse:
        raise ConfigError("setting LICENSE_LEDGER_WAREHOUSE", "names no warehouse", "name the one to load")
    staging = places.staging(settings)
    wanted = [
        (row["org_id"], row["snapshot_date"])
        for row in reader.snapshots(staging, options.org).sort_by("snapshot_date").to_pylist()
        if (options.first or date.min) <= row["snapshot_date"] <= (options.last or date.max)
    ]
    if not wanted:
        raise SnapshotRefused(
            "load", f"no such day is published in {staging.url}", "see `license-ledger status`"
        )
    warehouse = warehouse_at(settings.warehouse)
    inputs = read_inputs(settings, datetime.now(UTC), places.open_storage)
    loaded = 0
    groups = list(_groups(wanted))
    for group in track(groups, "Loading", len(groups), transient=True):
        snapshots = [reader.open_snapshot(staging, org_id, day) for org_id, day in group]
        loaded += sum(receipt["loaded"] for receipt in warehouse.load_all(snapshots, inputs=inputs))
    there = len(wanted) - loaded
    return f"{loaded} days loaded{f', {there} were there' if there else ''}"


def _groups(wanted: Sequence[tuple[str, date]]) -> Iterator[list[tuple[str, date]]]:
    """Days of one org each, a few at a time."""
    for org_id in sorted({org_id for org_id, _ in wanted}):
        days = [entry for entry in wanted if entry[0] == org_id]
        for at in range(0, len(days), LOADED_AT_ONCE):
            yield days[at : at + LOADED_AT_ONCE]
