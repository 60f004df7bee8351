"""Source package and wheel, the same bytes wherever and whenever they are built of the same files."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from releasing import Refused
from releasing.source import made_alike

_SECONDS = 300


def build(tree: Path, into: Path, epoch: int) -> tuple[Path, Path]:
    """
    Build both packages; the wheel from the unpacked source package, which is therefore enough to build it.

    Args:
        tree: an export of a commit. Building leaves files in it.
        into: where the packages go; made when missing.
        epoch: the time of every file in them.

    Returns:
        Source package and wheel.

    Raises:
        Refused: the build backend failed, with the end of what it said.
    """
    sdist = _repacked(_built("sdist", tree, into, epoch), epoch)
    with tempfile.TemporaryDirectory(prefix="ledger-sdist-") as scratch:
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        [unpacked] = Path(scratch).iterdir()
        made_alike(unpacked, epoch)
        return sdist, build_wheel(unpacked, into, epoch)


def build_wheel(tree: Path, into: Path, epoch: int) -> Path:
    """Build the wheel of a tree; as `build`."""
    return _built("wheel", tree, into, epoch)


def _built(kind: str, tree: Path, into: Path, epoch: int) -> Path:
    """Run the build backend of the lock, without anything of who runs it: settings, locale, zone, umask."""
    with tempfile.TemporaryDirectory(prefix="ledger-home-") as home:
        environment = {
            "HOME": home,
            "LC_ALL": "C.UTF-8",
            "PATH": os.defpath,
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "SOURCE_DATE_EPOCH": str(epoch),
            "TZ": "UTC",
        }
        command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", home, str(tree)]
        done = subprocess.run(
            command,
            env=environment,
            umask=0o022,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Refused(f"no {kind} could be built: {(done.stdout + done.stderr).strip()[-2000:]}")
        [made] = [*Path(home).glob("*.whl"), *Path(home).glob("*.tar.gz")]
        into.mkdir(parents=True, exist_ok=True)
        target = into / made.name
        target.write_bytes(made.read_bytes())
    return target


def _repacked(sdist: Path, epoch: int) -> Path:
    """The same files in one order, of one time and nobody's: the backend leaves what it found."""
    packed = io.BytesIO()
    with tarfile.open(sdist) as given, tarfile.open(fileobj=packed, mode="w") as made:
        for entry in sorted(given.getmembers(), key=lambda each: each.name):
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.mtime = epoch
            entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
            entry.pax_headers = {}
            made.addfile(entry, given.extractfile(entry) if entry.isfile() else None)
    squeezed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, squeezed, mtime=epoch) as stream:
        stream.write(packed.getvalue())
    sdist.write_bytes(squeezed.getvalue())
    return sdist
