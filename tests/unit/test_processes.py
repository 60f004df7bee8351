"""Several processes for one: errors come back as they were raised, and nobody outlives who began them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from license_ledger.errors import ConfigError, ProcessLost
from license_ledger.processes import can_begin, processes

WAITING = """
import sys, time
from pathlib import Path
from tests.unit.test_processes import told_and_asleep
from license_ledger.processes import processes
if __name__ == "__main__":
    with processes(2) as pool:
        list(pool.map(told_and_asleep, [sys.argv[1]] * 20))
"""


def own_id(_: int) -> int:
    return os.getpid()


def refuse(name: str) -> None:
    raise ConfigError(f"setting {name}", "is wrong", "correct it")


def array_and_pandas() -> tuple[list[str | None], bool]:
    import pyarrow as pa

    return pa.array(["a", None]).to_pylist(), "pandas" in sys.modules


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def told_and_asleep(place: str) -> None:
    """Leave a file that is named after this process, and stay."""
    (Path(place) / str(os.getpid())).touch()
    time.sleep(60)


def test_work_is_done_elsewhere_and_an_error_comes_back_whole() -> None:
    """Neither process is this one; an error has its three parts."""
    with processes(2) as pool:
        assert os.getpid() not in set(pool.map(own_id, range(4)))
        with pytest.raises(ConfigError) as raised:
            list(pool.map(refuse, ["scope"]))

    error = raised.value
    assert (error.asked, error.got, error.remedy) == ("setting scope", "is wrong", "correct it")


def test_arrow_works_there_and_pandas_is_not_loaded() -> None:
    """An array made of a list is what it is here."""
    with processes(1) as pool:
        assert pool.submit(array_and_pandas).result() == (["a", None], False)


def test_a_process_that_dies_is_told_of() -> None:
    """Whoever waits for its work learns that it is lost, and may try again."""
    with (
        pytest.raises(ProcessLost, match="it was killed, or the machine had no more memory"),
        processes(1) as pool,
    ):
        list(pool.map(die, [1, 2]))


def test_nobody_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Killed outright it can tell nobody: they notice, in the middle of their work, and take up no more."""
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    place = tmp_path / "ids"
    place.mkdir()
    parent = subprocess.Popen(
        [sys.executable, str(script), str(place)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert _comes(lambda: len(list(place.iterdir())) == 2)

    parent.kill()
    parent.wait()

    children = [int(each.name) for each in place.iterdir()]
    assert _comes(lambda: not any(map(_is_alive, children)))
    assert len(list(place.iterdir())) == 2


def test_only_what_is_no_daemon_may_have_processes() -> None:
    """This one may; what a pool of multiprocessing began may not, and is told so beforehand."""
    from multiprocessing import get_context

    assert can_begin()
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(can_begin) is False


def _comes(condition: object, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def _is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has asked for does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return not state.startswith("Z")
