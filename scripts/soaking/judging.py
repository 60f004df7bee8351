"""What is there after a run: the published day is true, the warehouse has it, no secret is anywhere."""

from __future__ import annotations

import pickle
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from tests.published import require_explained, require_true
from tests.secret_search import Search, contents, unpacked
from tests.walk import noon

from demo_org.truth import Truth
from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger import reader
from license_ledger.errors import LedgerError, SnapshotRefused
from license_ledger.run import RunContext

TABLES = ("users", "seats", "licenses", "mismatches")


def true_rows(path: Path, *, seed: int, users: int, anchor: date, day: date) -> None:
    """Work out the ground truth of a day, from a world like the org's, and keep it in a file."""
    world = World(seed=seed, users=users, today=anchor, options=WorldOptions(anchor=anchor))
    world.set_clock(noon(day))
    path.write_bytes(pickle.dumps(Truth(world).expected(company_names=["*"])))


def judged(context: RunContext, truth: Path, unseen: dict[str, Any]) -> dict[str, Any]:
    """
    Look at the published day and at the warehouse.

    Args:
        context: of the run.
        truth: as :func:`true_rows` left it.
        unseen: columns that are null because a run could not see them, and columns that are not compared, by
            the id of what it published; under the empty id those of this run.

    Returns:
        ``snapshot``: id of what is published, empty for nothing. ``wrong``: what is not true, in words.
        ``loaded``: id of what the warehouse has of the day, empty for nothing.
    """
    found: dict[str, Any] = {"snapshot": "", "wrong": [], "loaded": ""}
    try:
        snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    except SnapshotRefused:
        return found
    except LedgerError as error:
        found["wrong"].append(f"{type(error).__name__}: {error}")
        return found
    found["snapshot"] = snapshot.snapshot_id
    without, ours = unseen.get(snapshot.snapshot_id, unseen[""])
    expected = pickle.loads(truth.read_bytes())  # noqa: S301 - written by this program
    expected = {
        name: rows.drop(columns=[c for c in ours if c in rows]).assign(
            **{c: None for c in without if c in rows}
        )
        for name, rows in expected.items()
    }
    try:
        snapshot.verify()
        require_true(snapshot, expected, snapshot.snapshot_id)
        require_explained(snapshot)
    except (AssertionError, LedgerError) as error:
        found["wrong"].append(str(error)[:2000])
    _judge_warehouse(context, snapshot, found)
    return found


def _judge_warehouse(context: RunContext, snapshot: reader.Snapshot, found: dict[str, Any]) -> None:
    path = Path(context.settings.warehouse.removeprefix("duckdb:///"))
    if not path.exists():
        return
    with duckdb.connect(str(path), read_only=True) as warehouse:
        day = [context.snapshot_date]
        statement = "SELECT snapshot_id FROM snapshots WHERE snapshot_date = ?"
        loaded = warehouse.execute(statement, day).fetchall()
        found["loaded"] = loaded[0][0] if loaded else ""
        for name in TABLES:
            statement = f"SELECT count(*) FROM {name} WHERE snapshot_date = ?"  # noqa: S608
            [(rows,)] = warehouse.execute(statement, day).fetchall()
            if len(loaded) > 1 or (not loaded and rows):
                found["wrong"].append(f"warehouse: {len(loaded)} snapshots and {rows} {name} of one day")
            elif found["loaded"] == snapshot.snapshot_id and rows != snapshot.manifest["files"][name]["rows"]:
                found["wrong"].append(f"warehouse: {rows} {name}, not as many as are published")


def leaked(context: RunContext, files: list[Path], secrets: list[str], since: datetime) -> list[str]:
    """
    Names of files, logs and objects that hold a secret.

    Args:
        context: of the run.
        files: directories and files on the disk to search.
        secrets: that must not be found.
        since: what was written before has been searched.
    """
    search = Search({f"secret {number}": secret for number, secret in enumerate(secrets)})
    found = []
    for path in _files(files):
        if path.stat().st_mtime >= since.timestamp() and any(map(search.within, contents(path))):
            found.append(str(path))
    for storage in () if context.staging.is_local else (context.landing, context.staging):
        for name, stat in storage.medium.entries_below(storage.root).items():
            is_fresh = stat.written >= since.replace(microsecond=0)
            if is_fresh and any(map(search.within, unpacked(storage.read_bytes(name)))):
                found.append(name)
    return found


def _files(places: list[Path]) -> list[Path]:
    every = [place.rglob("*") if place.is_dir() else [place] for place in places]
    return [path for paths in every for path in paths if path.is_file()]
