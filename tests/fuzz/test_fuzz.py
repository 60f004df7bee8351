"""What the fuzzer found stays mended, and the fuzzer itself still runs."""

from __future__ import annotations

import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).with_name("corpus")
TRIES = 5
INPUTS = sorted(path for path in CORPUS.glob("*/*"))


def test_every_target_has_a_corpus() -> None:
    """The folders of the corpus are the targets."""
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
    assert {path.parent.name for path in INPUTS} == set(TARGETS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_kept_inputs_break_no_promise(path: Path) -> None:
    """Seeds, and every input that once broke something, keep what the target promises."""
    TARGETS[path.parent.name](path.read_bytes())


def fuzzed(target: str, work: Path) -> subprocess.CompletedProcess[str]:
    """
    Run a target in a process of its own.

    The fuzzer is not made for threads that call back into Python, as Arrow's do: about once in two thousand
    inputs it waits for itself for ever. Such a try is ended and made again.
    """
    (work / target).mkdir(parents=True)
    argv = [sys.executable, str(ROOT / "scripts" / "fuzz.py"), "--runs", "200", "--work", str(work)]
    for _ in range(TRIES):
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                [*argv, "--inside", target], capture_output=True, text=True, timeout=60, check=False
            )
    raise AssertionError(f"{target} did not end in {TRIES} tries of a minute")


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the fuzzer is made for Linux on x86-64"
)
@pytest.mark.parametrize("target", sorted(TARGETS))
def test_the_fuzzer_runs(target: str, tmp_path: Path) -> None:
    """Some hundred inputs that nobody has seen yet, guided by coverage, break no promise of a target."""
    done = fuzzed(target, tmp_path)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Done 200 runs" in done.stderr
    assert "no interesting inputs" not in done.stderr
    assert not list((tmp_path / "findings").iterdir())
