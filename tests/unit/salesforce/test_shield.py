"""Signals are held back and delivered afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from license_ledger.salesforce.shield import HELD_BACK, shielded


class Terminated(Exception):
    """What the handler of these tests raises, as Airflow's does."""


@pytest.fixture
def raising() -> Iterator[None]:
    """A handler for every held-back signal that raises."""

    def handler(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    former = {number: signal.signal(number, handler) for number in HELD_BACK}
    yield
    for number, old in former.items():
        signal.signal(number, old)


def send_inside(*numbers: int) -> list[str]:
    """Signal this process within a shield; the result has an entry only if the body runs to its end."""
    done: list[str] = []
    with contextlib.suppress(Terminated), shielded():
        for number in numbers:
            os.kill(os.getpid(), number)
        time.sleep(0.01)
        done.append("body")
    return done


def shield_and(*numbers: int) -> None:
    with shielded():
        for number in numbers:
            os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", HELD_BACK)
def test_a_signal_waits_for_the_end_of_the_shield(raising: None, number: int) -> None:
    """The body runs to its end, and then the former handler gets the signal."""
    assert send_inside(number) == ["body"]
    with pytest.raises(Terminated):
        shield_and(number)


def test_former_handlers_are_back_afterwards(raising: None) -> None:
    """With and without a signal, with and without an error, the handlers are those of before."""
    before = {number: signal.getsignal(number) for number in HELD_BACK}

    shield_and()
    with contextlib.suppress(KeyError), shielded():
        raise KeyError
    with pytest.raises(Terminated):
        shield_and(signal.SIGTERM)

    assert {number: signal.getsignal(number) for number in HELD_BACK} == before


def test_after_several_signals_the_handlers_work_again(raising: None) -> None:
    """The first one's handler raises, and the handlers are back for the next."""
    with pytest.raises(Terminated) as caught:
        shield_and(signal.SIGINT, signal.SIGTERM)

    assert caught.value.args[0] in (signal.SIGINT, signal.SIGTERM)
    with pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)


def test_shields_nest(raising: None) -> None:
    """An inner shield hands its signal to the outer one, which holds it back in turn."""
    seen: list[str] = []

    def nested() -> None:
        with shielded():
            shield_and(signal.SIGTERM)
            seen.append("after the inner one")

    with pytest.raises(Terminated):
        nested()
    assert seen == ["after the inner one"]


def test_an_alarm_of_a_time_limit_waits_as_well(raising: None) -> None:
    """The timer with which tasks are timed out does not interrupt the body."""
    slept: list[bool] = []

    def timed() -> None:
        with shielded():
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            time.sleep(0.05)
            slept.append(True)

    with pytest.raises(Terminated):
        timed()
    assert slept == [True]


def test_other_threads_pass_through(raising: None) -> None:
    """Outside the main thread the shield changes nothing and the body runs."""
    before = {number: signal.getsignal(number) for number in HELD_BACK}
    seen: list[bool] = []

    def body() -> None:
        with shielded():
            seen.append({number: signal.getsignal(number) for number in HELD_BACK} == before)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()

    assert seen == [True]


def test_a_process_without_handlers_dies_of_the_signal_afterwards() -> None:
    """With the default handler the body ends, then the process is terminated by the signal itself."""
    program = (
        "import os, signal, sys\n"
        "from license_ledger.salesforce.shield import shielded\n"
        "with shielded():\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('body', flush=True)\n"
        "print('never', flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ended.stdout == "body\n"
    assert ended.returncode == -signal.SIGTERM
