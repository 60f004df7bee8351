"""Environments of the peers: one each, made from its lock, kept under `var/bench/`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.contenders import Contender

ROOT = Path(__file__).resolve().parents[2]
LOCKS = Path(__file__).parent / "peers"
PYTHON = "3.11"


class NotInstallable(Exception):
    """A contender cannot be had here; the text says what was tried."""


def interpreter(contender: Contender, home: Path) -> Path:
    """
    The Python to run a contender with; its environment is made the first time, and when its lock changes.

    Args:
        contender: who.
        home: folder of all environments.

    Raises:
        NotInstallable: its packages, or a source that comes without a package, cannot be had.
    """
    if not contender.environment:
        return Path(sys.executable)
    folder = home / contender.environment
    python = folder / "bin" / "python"
    lock = LOCKS / f"{contender.environment}.txt"
    mark = folder / "lock.sha256"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not mark.exists() or mark.read_text() != digest:
        _uv("venv", "--quiet", "--allow-existing", "--python", PYTHON, str(folder))
        _uv("pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(lock))
        mark.write_text(digest)
    if contender.source and not (folder / contender.source).exists():
        _lay_source(folder)
        if not (folder / contender.source).exists():
            raise NotInstallable(f"`dlt init salesforce filesystem` left no {Path(contender.source).name}")
    return python


def _lay_source(folder: Path) -> None:
    """Let dlt lay its verified source down, which it fetches from its repository: no package has it."""
    target = folder / "source"
    target.mkdir(exist_ok=True)
    command = [str(folder / "bin" / "dlt"), "--non-interactive", "init", "salesforce", "filesystem"]
    done = subprocess.run(
        command,
        cwd=target,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstallable(f"`dlt init salesforce filesystem` failed: {said[-1] if said else 'no word'}")


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("uv")), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NotInstallable(f"uv {' '.join(arguments[:2])}: {said[-1] if said else 'no word'}")
