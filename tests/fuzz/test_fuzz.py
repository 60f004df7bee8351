"""What the fuzzer found stays mended, and the fuzzer itself still runs."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
INPUTS = sorted(path for path in CORPUS.glob("*/*"))


def test_every_target_has_a_corpus() -> None:
    """The folders of the corpus are the targets."""
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert {path.parent.name for path in INPUTS} == set(TARGETS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_kept_inputs_break_no_promise(path: Path) -> None:
    """Seeds, and every input that once broke something, keep what the target promises."""
    TARGETS[path.parent.name](path.read_bytes())


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the fuzzer is made for Linux on x86-64"
)
def test_the_fuzzer_runs(tmp_path: Path) -> None:
    """Some hundred inputs that nobody has seen yet, guided by coverage, break no promise of any target."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "fuzz.py"), "--runs", "200", "--work", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stderr.count("Done 200 runs") == len(TARGETS)
    assert "no interesting inputs" not in done.stderr
    assert not list((tmp_path / "findings").iterdir())
