"""The whole Airflow: started, found running, watched, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from . import reaper, scheduler
from .api import AirflowApi
from .environment import LOOPBACK, environment
from .home import USERNAME, Home
from .lock import Address, StackLock
from .postgres import Database
from .processes import Family, StackFailed
from .workers import Workers, broker_answers, start_broker, start_workers

PREFERRED_PORT = 8080
START_SECONDS = 180.0
POLL_SECONDS = 0.1
Say = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """
    A stack that is up.

    Attributes:
        home: where it lies.
        url: of the Airflow UI and API.
        api: logged in.
        check: raises StackFailed when a component died.
        environment: of its components.
        family: to start companions in, None when another command owns the stack.
        revive: starts components that died again, the database too, and gives their names; another command's
            are its own business.
    """

    home: Home
    url: str
    api: AirflowApi
    check: Callable[[], None]
    environment: dict[str, str]
    family: Family | None
    revive: Callable[[], list[str]] = list


class _Clock:
    """Says what was reached, and how long it took."""

    def __init__(self, say: Say) -> None:
        self._say, self._last = say, time.monotonic()

    def lap(self, what: str) -> None:
        now = time.monotonic()
        self._say(f"{what} ({now - self._last:.1f} s)")
        self._last = now


@contextlib.contextmanager
def stack(
    home: Home,
    command: str,
    say: Say,
    *,
    scheduled: bool,
    workers: Workers | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """
    A running stack: the one that another command keeps up in this home, or a new one that ends with the body.

    Args:
        home: whose stack.
        command: name of the calling command, for the messages of others.
        say: receives one line per phase, with the seconds it took.
        scheduled: whether DAGs of a new stack run by their schedule too.
        workers: Celery workers that run the tasks of a new stack; without them the scheduler's own processes.
        settings: Airflow's, as environment variables, that differ from those of `make run` in a new stack.

    Raises:
        StackFailed: when it does not come up.
    """
    lock = StackLock(home)
    if lock.own():
        begun = _own_stack(
            home, lock, command, say, scheduled=scheduled, workers=workers, settings=settings or {}
        )
        with _ended_by_signals(), begun as running:
            yield running
    else:
        with lock.use():
            address = _wait_until_ready(lock)
            say(f"using the Airflow that `{address.command}` runs at {address.url}")
            api = AirflowApi(address.url, USERNAME, home.password())
            if not api.log_in():
                raise StackFailed(f"the Airflow at {address.url} refuses this home's login")
            yield Running(home, address.url, api, _check_alive(address, lock), {}, None)


@contextlib.contextmanager
def _own_stack(
    home: Home,
    lock: StackLock,
    command: str,
    say: Say,
    *,
    scheduled: bool,
    workers: Workers | None,
    settings: Mapping[str, str],
) -> Iterator[Running]:
    left = lock.address()
    if left is not None:  # by a stack that was killed together with its reaper
        reaper.end_guarded(left.guarded)
    family, database = Family(), Database(home)
    address = Address("", command, os.getpid(), ready=False)

    def publish() -> None:
        lock.publish(replace(address, guarded=tuple(family.guarded)))

    family.changed = publish
    publish()
    try:
        clock = _Clock(say)
        family.guard(database.start(), signal.SIGINT)
        clock.lap("embedded Postgres")
        running = _start_airflow(
            home, database, family, clock, scheduled=scheduled, workers=workers, settings=settings
        )
        address = replace(address, url=running.url, ready=True)
        publish()
        yield replace(running, revive=lambda: _revive(family, database))
        _wait_for_users(lock, family, say)
    finally:
        family.stop()
        database.stop()
        family.release()
        lock.disown()


def _start_airflow(
    home: Home,
    database: Database,
    family: Family,
    clock: _Clock,
    *,
    scheduled: bool,
    workers: Workers | None,
    settings: Mapping[str, str],
) -> Running:
    """Bring tables and components up, on another port when somebody takes the preferred one meanwhile."""
    for preferred in (PREFERRED_PORT, 0):
        port = free_port(preferred)
        url = f"http://{LOOPBACK}:{port}"
        executor = _start_broker(home, database, family, workers)
        usual = environment(home, database.uri, port, scheduled=scheduled, executor=executor)
        whole = {**usual, **settings}
        if database.migrate(whole):
            clock.lap("Airflow's tables")
        api = AirflowApi(url, USERNAME, home.password())
        try:
            _start_components(home, whole, family, api, workers)
        except StackFailed as error:
            if preferred and "address already in use" in error.evidence:
                family.stop()
                continue
            raise
        clock.lap(f"Airflow at {url}")
        return Running(home, url, api, family.check, whole, family)
    raise AssertionError("the last port is never given up")


def _revive(family: Family, database: Database) -> list[str]:
    """Start what died again, the database first: everything else needs it."""
    found = []
    if not database.is_running:
        family.guard(database.start(), signal.SIGINT)
        found.append("postgres")
    return found + family.revive()


def _start_broker(home: Home, database: Database, family: Family, workers: Workers | None) -> dict[str, str]:
    """Start what workers get their tasks from; returns the settings that make Airflow use it."""
    if workers is None:
        return {}
    port = free_port(0)
    start_broker(home, family, port)
    _wait("the broker", lambda: broker_answers(home, port), family)
    return workers.settings(home, database.uri, port)


def _start_components(
    home: Home, settings: dict[str, str], family: Family, api: AirflowApi, workers: Workers | None
) -> None:
    """Start the components; returns when the API server answers. Workers and triggerer are needed last."""

    def start(name: str, *argv: str) -> None:
        family.start(name, [sys.executable, *argv], home.log(name), settings)

    start("api-server", "-m", "airflow", "api-server")
    start("dag-processor", "-m", "airflow", "dag-processor")
    start("scheduler", str(Path(scheduler.__file__)))
    # A login proves that it is ours: another Airflow may have taken the port.
    _wait("Airflow's API server", api.log_in, family)
    if workers is not None:
        start_workers(workers, home, family, settings)
    start("triggerer", "-m", "airflow", "triggerer", "--skip-serve-logs")


def _wait_for_users(lock: StackLock, family: Family, say: Say) -> None:
    if not lock.wait_for_users(0):
        say("waiting for another command that uses this Airflow (Ctrl-C to stop all the same)")
        while not lock.wait_for_users(1):
            family.check()


def _wait(what: str, ready: Callable[[], bool], family: Family) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        family.check()
        if time.monotonic() > deadline:
            raise StackFailed(f"{what} was not ready after {START_SECONDS:.0f} seconds")
        time.sleep(POLL_SECONDS)


def _wait_until_ready(lock: StackLock) -> Address:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        address = lock.address()
        if address is not None and address.ready:
            return address
        time.sleep(POLL_SECONDS)
    raise StackFailed("another command is starting Airflow in this home, and does not get ready")


def _check_alive(address: Address, lock: StackLock) -> Callable[[], None]:
    def check() -> None:
        found = lock.address()
        if found is None or found.pid != address.pid:
            raise StackFailed(f"`{address.command}`, whose Airflow this command was using, has ended")

    return check


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the stack the way Ctrl-C does."""

    def interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {sign: signal.signal(sign, interrupt) for sign in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def free_port(preferred: int) -> int:
    """The preferred port when nobody listens there, else any that is free."""
    for port in (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise StackFailed("no free port on the loopback address")
