"""200,000 users: every value arrives as it was sent, and no step takes more memory than it may."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from demo_org.schema import OBJECTS
from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger import reader
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.storage import Storage
from tests.walk import noon

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 24)
USERS = 200_000
MOST_MIB = 320
"""Peak memory of a task above an empty Airflow task; less than the budget of 400, which holds at any size."""

SERVE = """
import sys, time
from datetime import date
from pathlib import Path
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from demo_org.world.options import WorldOptions

options = WorldOptions(nul_bytes=True, torture_share=0.05)
world = World(seed=11, users=int(sys.argv[1]), today=date(2026, 11, 24), options=options)
org = DemoOrg(world, OrgOptions(bulk_seconds=0.1), Path(sys.argv[2]))
org.write_connection("*")
org.run()
"""


class Taken(NamedTuple):
    """A snapshot and what each step of taking it cost."""

    root: Path
    world: World
    peaks: dict[str, float]


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """Take one snapshot, every step in a process of its own, of an org served by another process."""
    root = tmp_path_factory.mktemp("scale")
    org = root / "org"
    org.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(USERS), str(org)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        json.loads(server.stdout.readline())
        peaks: dict[str, float] = {}
        _step(root, peaks, "nothing")
        _step(root, peaks, "refresh_token")
        for unit in _step(root, peaks, "inspect_org")["units"]:
            _step(root, peaks, "extract", unit)
        for name in ("transform", "reconcile", "check", "publish", "load_warehouse"):
            _step(root, peaks, name)
        options = WorldOptions(nul_bytes=True, torture_share=0.05)
        yield Taken(root, World(seed=11, users=USERS, today=TODAY, options=options), peaks)
    finally:
        server.terminate()
        server.wait(30)


def _step(root: Path, peaks: dict[str, float], step: str, unit: dict[str, Any] | None = None) -> Any:
    order = {
        "step": step,
        "connection": str(root / "org" / "connection.json"),
        "root": str(root),
        "now": noon(TODAY).isoformat(),
        "unit": unit,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.one_step", json.dumps(order)],
        cwd=ROOT,
        env={**os.environ, "AIRFLOW_HOME": str(root / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    cost = json.loads(done.stdout.splitlines()[-1])
    peaks[step if unit is None else f"extract {unit['label']}"] = cost["peak_mib"]
    return cost["receipt"]


def _landed(taken: Taken, name: str) -> pa.Table:
    folder = RunFolder(
        Storage.from_url((taken.root / "staging" / "_landing").as_uri()), taken.world.org_id, TODAY, "run-1"
    )
    return folder.table(name).sort_by("Id")


def _expected(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """What Salesforce sends by Bulk for a stored value: an empty text is a null there."""
    if pa.types.is_string(column.type):
        return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    return column.cast(kind)


@pytest.mark.parametrize("name", ["User", "PermissionSetLicenseAssign", "UserPackageLicense"])
def test_every_value_is_what_the_server_has(taken: Taken, name: str) -> None:
    """Quotes, newlines, NULs, the text "NA", leading zeros, unicode, nulls: landed as they are."""
    landed, truth = _landed(taken, name), taken.world.table(name).sort_by("Id")
    defaults = {field.name: field.default for field in OBJECTS[name].fields}

    assert landed.num_rows == truth.num_rows
    if name == "User":
        assert landed.num_rows == USERS
        assert landed.num_columns >= 30
    for column in landed.schema:
        if column.name in truth.column_names:
            assert landed[column.name].equals(_expected(truth[column.name], column.type)), column.name
        else:
            default = defaults[column.name]
            constant = pa.scalar(None if default == "" else default, column.type)
            assert landed[column.name].fill_null(
                "∅" if pa.types.is_string(column.type) else False
            ).unique() == (
                pa.chunked_array([pa.array([constant.as_py()], column.type)])
                .fill_null("∅" if pa.types.is_string(column.type) else False)
                .unique()
            ), column.name


def test_the_torture_is_in_it(taken: Taken) -> None:
    """The texts that break other extractors do occur in what was compared."""
    texts = pa.chunked_array(
        [
            chunk
            for name in ("Title", "Department", "EmployeeNumber", "CompanyName", "Division", "City")
            for chunk in _landed(taken, "User")[name].chunks
        ]
    )
    for wanted in ("\n", '"', ",", "\0", "NA", "00"):
        assert pc.any(pc.match_substring(texts, wanted)).as_py(), repr(wanted)
    assert not pc.all(pc.string_is_ascii(texts)).as_py()


def test_no_step_takes_more_memory_than_it_may(taken: Taken) -> None:
    """Each step, in a process that has the task runner loaded, stays below the budget above an empty task."""
    empty = taken.peaks["nothing"]
    above = {step: round(peak - empty) for step, peak in taken.peaks.items()}

    assert {step: mib for step, mib in above.items() if mib > MOST_MIB} == {}


def test_the_published_day_is_whole(taken: Taken) -> None:
    """Everybody is in `users` under `*`, and every file matches its hash in the manifest."""
    snapshot = reader.open_snapshot(
        Storage.from_url((taken.root / "staging").as_uri()), taken.world.org_id, TODAY
    )

    assert snapshot.table("users", ["user_id"]).num_rows == USERS
    snapshot.verify()
