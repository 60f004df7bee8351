"""
An object store that fails at every step of a run: refuses, is silent, cuts connections, sends half of it.

The cases are those of ``store.toml``. Landing and staging are behind an S3 API, the day is published already,
and every step meets every case at some of its requests.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import s3fs

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from license_ledger import errors, reader
from license_ledger.errors import LedgerError
from license_ledger.staging.layout import LEASES
from license_ledger.staging.storage import Storage
from tests.component.faults.apart import Ended
from tests.component.faults.breaking import s3_behind_a_proxy, s3_requests, spoil_s3
from tests.component.faults.running import SWITCHES, Run, Step, walk_of_today, world_of_today
from tests.walk import Walk

pytestmark = pytest.mark.endurance

CASES: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("store.toml").read_text(encoding="utf-8")
)["case"]
RECOVERING = [case for case in CASES if "error" not in case]
FAILING = [case for case in CASES if "error" in case]
STAGING = "s3://bucket/staging"
ALL_OVER = 0.618034
"""Multiples of it, without what is before the point, are spread evenly."""
IN_PUBLISH = 2
"""At so many of its requests a store begins to fail the step that publishes."""
STEPS = (
    "choose_source",
    "refresh_token",
    "inspect_org",
    "extract",
    "transform",
    "reconcile",
    "check",
    "publish",
    "load_warehouse",
)


@dataclass
class Place:
    """
    A day that was published in a bucket.

    Attributes:
        server: address of the S3 API.
        proxy: address of the proxy that spoils requests.
        walk: makes runs.
        world: of the org.
        log: receives what processes say.
        requests: how many there are of a step and a method, of any when that is empty.
        struck: how many requests of the last try the fault has struck.
    """

    server: str
    proxy: str
    walk: Walk
    world: Any
    log: Path
    requests: dict[tuple[str, str], int] = field(default_factory=dict)
    struck: int = 0

    def run(self) -> Run:
        """A run that is about to begin."""
        run = Run(self.walk, self.world, self.log, client(self.server))
        run.before = run.snapshot().snapshot_id
        return run

    def tried(self, run: Run, step: Step, order: dict[str, Any], **client_does: Any) -> Ended:
        """A step on a store that does as ordered."""
        spoil_s3(self.proxy, **order)
        try:
            return Ended(value=step(run.on(client(self.proxy, **client_does))))
        except Exception as error:
            kinds = [kind.__name__ for kind in type(error).__mro__]
            return Ended(error=kinds[0], kinds=kinds[1:], text=str(error))
        finally:
            self.struck = s3_requests(self.proxy)["struck"]
            spoil_s3(self.proxy)
            # The process of a task ends, and a lease of a process that has ended is free. This one lives on.
            run.context.staging.delete(LEASES)

    def count(self) -> None:
        """Make a run, and count the requests of its steps."""
        run = Run(self.walk, self.world, self.log, client(self.server))
        for name, step in run.steps():
            spoil_s3(self.proxy)
            step(run.on(client(self.proxy)))
            told = s3_requests(self.proxy)
            self.requests[name, ""], self.requests[name, "GET"] = told["seen"], told["gets"]

    @property
    def extracts(self) -> list[str]:
        """The steps that extract."""
        return [name for name, method in self.requests if name.startswith("extract") and not method]

    def first_struck(self, case: dict[str, Any], name: str, number: int) -> list[int]:
        """Which requests of a step a case strikes first: others in every step; it meets one extract."""
        at = CASES.index(case)
        if name in self.extracts and name != self.extracts[at % len(self.extracts)]:
            return []
        there = self.requests[name, case["order"].get("method", "")]
        times = IN_PUBLISH if name == "publish" and case in FAILING else 1
        begin = (at * 5 + number) * ALL_OVER
        return [1 + int((begin + time / times) % 1 * 0.9 * there) for time in range(times) if there]

    def met(self, case: dict[str, Any]) -> set[str]:
        """The steps that make requests of the kind that a case strikes."""
        method = case["order"].get("method", "")
        return {name.split()[0] for (name, each), there in self.requests.items() if there and each == method}


def client(endpoint: str, *, tries: int = 5, **times: float) -> Callable[[str], Storage]:
    """What makes storages at an endpoint; with one try, the client's own pauses are left out."""

    def storage(url: str) -> Storage:
        files = s3fs.S3FileSystem(
            key="test",
            secret="test",  # pragma: allowlist secret
            endpoint_url=endpoint,
            config_kwargs={**times, **({"retries": {"max_attempts": 0}} if tries == 1 else {})},
            use_listings_cache=False,
        )
        files.retries = tries
        return Storage.from_url(url, filesystem=files)

    return storage


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The org and the bucket that all cases share, one after the other."""
    root, world = tmp_path_factory.mktemp("store"), world_of_today()
    org = DemoOrg(world, OrgOptions(**SWITCHES), root / "org")
    org.start()
    with s3_behind_a_proxy() as (server, proxy):
        client(server)(STAGING).fs.mkdir("bucket")
        walk = walk_of_today(org.access.connection("*"), root, staging=STAGING)
        made = Place(server, proxy, walk, world, root / "log")
        for _ in range(2):  # the first run in an empty place makes other requests
            made.count()
        yield made
    org.stop()


@pytest.mark.parametrize("case", RECOVERING, ids=lambda case: case["name"])
def test_what_a_run_recovers_from(place: Place, case: dict[str, Any]) -> None:
    """Every step gets through, and the day is published by the truth."""
    run, met = place.run(), set()

    for number, (name, step) in enumerate(run.steps()):
        [nth] = place.first_struck(case, name, number) or [0]
        order = {**case["order"], "nth": nth} if nth else {}
        ended = place.tried(run, step, order, **case.get("client", {}))
        assert not ended.error, f"{name}, request {nth}: {ended.error}: {ended.text}"
        met |= {name.split()[0]} if place.struck else set()

    assert met == place.met(case)
    assert run.snapshot().snapshot_id == run.context.source["snapshot_id"] != run.before


@dataclass
class Failed:
    """
    One run of which every step was tried with every case that it cannot recover from, before it was done.

    Attributes:
        place: where.
        run: the run.
        tries: case, step and how it ended, of those that were struck.
        wrong: what was published that is not whole and true, or too early, in words.
    """

    place: Place
    run: Run
    tries: list[tuple[str, str, Ended]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def go(self) -> None:
        """Make the run."""
        for number, (name, step) in enumerate(self.run.steps()):
            for case in FAILING:
                for nth in self.place.first_struck(case, name, number):
                    order = {**case["order"], "nth": nth}
                    ended = self.place.tried(self.run, step, order, **case.get("client", {}))
                    if self.place.struck:
                        self.tries.append((case["name"], name, ended))
                    self.judge(f"{case['name']} from request {nth} of {name} on", ended, name == "publish")
            ended = self.place.tried(self.run, step, {})
            assert not ended.error, f"{name}, when all is well again: {ended.error}: {ended.text}"

    def judge(self, what: str, ended: Ended, publishes: bool) -> None:
        """Look at what is published: as before, until the step that publishes it anew."""
        context = self.run.context
        try:
            if publishes:
                there = self.run.snapshot().snapshot_id
            else:
                there = reader.open_snapshot(
                    context.staging, self.run.world.org_id, context.snapshot_date
                ).snapshot_id
        except (AssertionError, LedgerError) as error:
            self.wrong.append(f"{what}: {error}")
            return
        is_new = context.source is not None and there == context.source["snapshot_id"]
        if not is_new and (there != self.run.before or not ended.error):
            self.wrong.append(f"{what}: {there} is published, {ended.error or 'no error'}")


@pytest.fixture(scope="module")
def failed(place: Place) -> Failed:
    """That run."""
    made = Failed(place, place.run())
    made.go()
    return made


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case["name"])
def test_what_a_run_fails_of(failed: Failed, case: dict[str, Any]) -> None:
    """At every step the error is of the class and says the words, and what to do."""
    tries = [(name, ended) for of, name, ended in failed.tries if of == case["name"]]

    assert issubclass(getattr(errors, case["error"]), (errors.TransientError, errors.PermanentError))
    assert {name.split()[0] for name, _ in tries} == failed.place.met(case)
    for name, ended in tries:
        assert ended.error == case["error"] or (name == "publish" and not ended.error), f"{name}: {ended}"
        assert not ended.error or re.search(case["words"], ended.text), f"{name}: {ended.text}"
        assert not ended.error or " → " in ended.text


def test_nothing_wrong_is_published_meanwhile(failed: Failed) -> None:
    """Through all of it the day was the one before, whole and true, and then the new one."""
    assert failed.wrong == []
    assert {name.split()[0] for name, _ in failed.place.requests} == set(STEPS)
    assert failed.run.snapshot().snapshot_id == failed.run.context.source["snapshot_id"] != failed.run.before
