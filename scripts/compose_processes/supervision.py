"""Starts the instances in the order of their dependencies, asks for their health, and revives what died."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from local_stack.home import CHECKOUT
from local_stack.processes import Component, Family, StackFailed, tail

from .images import Start, start_of
from .places import Instance, Map

TICK = 0.1
FIRST_DELAY, LONGEST_DELAY, STEADY = 0.1, 60.0, 10.0
"""Seconds before a restart: doubled each time, and again the first after a service ran steadily so long."""


@dataclass
class Watched:
    """
    An instance and its state.

    Attributes:
        instance: what it is.
        start: how it is started.
        component: its process; None before the first start, and after what runs once has ended.
        state: waiting, starting, healthy, unhealthy, dead or completed.
        starts: how often it was started.
        began: when it was started last.
        away: seconds that it stays away the next time it dies, besides the usual delay.
    """

    instance: Instance
    start: Start
    component: Component | None = None
    state: str = "waiting"
    starts: int = 0
    began: float = 0.0
    away: float = 0.0
    _asked: subprocess.Popen[bytes] | None = None
    _asked_at: float = 0.0
    _failures: int = 0
    _delay: float = FIRST_DELAY
    _again_at: float = 0.0

    def step(self, family: Family) -> None:
        """Look at the process once: restart it when it died, ask for its health when it is time."""
        now = time.monotonic()
        if self.component is None:
            if self.state == "dead" and now >= self._again_at:
                self.begin(family)
            return
        code = self.component.process.poll()
        if code is not None:
            self._ended(code, family)
        elif self.instance.service.check is not None:
            self._ask(now)

    def begin(self, family: Family) -> None:
        """Start the process."""
        started = self.start
        self.component = family.start(
            self.instance.name, started.argv, self.instance.log, started.environment
        )
        self.began = self._asked_at = time.monotonic()
        self.starts, self._failures, self._asked = self.starts + 1, 0, None
        self.state = "starting"

    def _ended(self, code: int, family: Family) -> None:
        assert self.component is not None
        family.members.remove(self.component)
        self.component = None
        if self._asked is not None:
            self._asked.kill()
        if not self.instance.service.restarts:
            if code:
                log = self.instance.log
                raise StackFailed(f"{self.instance.name} ended with status {code}; log: {log}", tail(log))
            self.state = "completed"
            return
        lived = time.monotonic() - self.began
        self._delay = FIRST_DELAY if lived > STEADY else min(2 * self._delay, LONGEST_DELAY)
        self._again_at, self.away = time.monotonic() + self._delay + self.away, 0.0
        self.state = "dead"

    def _ask(self, now: float) -> None:
        check = self.instance.service.check
        assert check is not None
        if self._asked is None:
            if now - self._asked_at >= check.interval:
                self._asked, self._asked_at = _asked(self.start), now
            return
        code = self._asked.poll()
        if code is None and now - self._asked_at < check.timeout:
            return
        if code is None:
            self._asked.kill()
            self._asked.wait()
        self._asked, self._asked_at = None, now
        if code == 0:
            self._failures = 0
            self.state = "healthy"
        elif self.state == "healthy" or now - self.began >= check.start_period:
            self._failures += 1
            if self._failures >= check.retries:
                self.state = "unhealthy"


def _asked(start: Start) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        start.check,
        env=start.environment,
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Supervised:
    """
    The stack, watched by a thread. A context manager: the processes end with it.

    Args:
        every: the instances.
    """

    def __init__(self, every: Iterable[Instance]) -> None:
        every = list(every)
        self.places = Map(every)
        for each in every:
            self.places.lay_out(each)
        self.watched = {each.name: Watched(each, start_of(each, self.places)) for each in every}
        self.failure: StackFailed | None = None
        self._family = Family()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="compose-processes", daemon=True)

    def __enter__(self) -> Supervised:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._family.stop()
        self._family.release()

    def states(self) -> dict[str, str]:
        """State by instance."""
        return {name: each.state for name, each in self.watched.items()}

    def is_well(self) -> bool:
        """Whether everything that stays is healthy, and all that runs once has ended well."""
        return all(state in ("healthy", "completed") for state in self.states().values())

    def wait_until(self, ready: Callable[[], object], what: str, timeout: float) -> float:
        """
        Wait for something to become true.

        Returns:
            The seconds it took.

        Raises:
            StackFailed: it did not, or the stack failed meanwhile.
        """
        began = time.monotonic()
        while not ready():
            if self.failure is not None:
                raise self.failure
            if time.monotonic() - began > timeout:
                raise StackFailed(f"{what} did not come in {timeout:.0f} s: {self.states()}")
            time.sleep(TICK)
        return time.monotonic() - began

    def _watch(self) -> None:
        while not self._over.wait(TICK):
            try:
                for each in self.watched.values():
                    if each.state == "waiting" and self._may_start(each):
                        each.begin(self._family)
                    else:
                        each.step(self._family)
            except StackFailed as failure:
                self.failure = failure
                return

    def _may_start(self, each: Watched) -> bool:
        """Whether every service that it waits for has got that far."""
        wanted = {"service_healthy": "healthy", "service_completed_successfully": "completed"}
        return all(
            other.state == wanted[condition] if condition in wanted else other.starts > 0
            for name, condition in each.instance.service.after.items()
            for other in self.watched.values()
            if other.instance.service.name == name
        )

    def process(self, name: str) -> int | None:
        """The process id of an instance; None while it has none."""
        with suppress(AttributeError):
            component = self.watched[name].component
            return component.process.pid if component else None
        return None
