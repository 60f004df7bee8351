"""The commands when they are interrupted, terminated or killed: nothing is left, and the next one works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

from local_stack.home import Home
from local_stack.postgres import Database
from tests.e2e.conftest import DAG_ID, ROOT, Finished, environment, make_run, start_ui

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def descendants(pid: int) -> list[psutil.Process]:
    """Every process below one, and the database, which runs on its own."""
    return psutil.Process(pid).children(recursive=True)


def test_ctrl_c_gives_the_run_up(home: Home, first_run: Finished) -> None:
    """An interrupted command marks its run as failed, ends every process and says so in one line."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "run.py")],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Programs that a shell starts in the background are deaf to Ctrl-C, and so are their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("snapshot of"):
            break
    children = descendants(process.pid)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    status = process.wait(60)
    _, alive = psutil.wait_procs(children, 5)
    database = Database(home)
    database.start()
    with database.connect() as metadata:
        query = (
            "select state, content from dag_run join dag_run_note on dag_run_id = id order by id desc limit 1"
        )
        given_up = metadata.execute(query).fetchone()
    database.stop()

    assert status == 1
    assert given_up == ("failed", "given up: make run was ended")
    assert "interrupted; everything was stopped" in rest
    assert "Traceback" not in rest
    assert len(children) >= 5
    assert alive == []


def test_a_killed_stack_leaves_nothing_behind(home: Home, first_run: Finished) -> None:
    """When the command is killed every process of its own ends, and the next start works."""
    running = start_ui(home)
    deadline = time.monotonic() + 60
    while running.api.unfinished_runs(DAG_ID) and time.monotonic() < deadline:
        time.sleep(0.5)  # the scheduled run of the day is not what is tested here
    children = descendants(running.process.pid)
    running.process.kill()
    running.process.wait()
    _, alive = psutil.wait_procs(children, 30)
    again = make_run(home)

    assert len(children) >= 5
    assert alive == []
    assert again.status == 0, again.output
