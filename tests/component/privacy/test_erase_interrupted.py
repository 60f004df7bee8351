"""Erasing while others publish, read and load, and after having been killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from license_ledger import pipeline, reader
from license_ledger.errors import ConfigError, StoreBusy
from license_ledger.privacy.erase import Erasure
from license_ledger.privacy.identifiers import TOMBSTONE_HEAD
from license_ledger.staging.landing import erasures
from license_ledger.staging.layout import Day
from license_ledger.staging.lease import lease
from license_ledger.staging.runs import latest_complete_run
from license_ledger.staging.storage import Storage
from tests.component.privacy.history import History

pytestmark = pytest.mark.endurance

VICTIM = "Clara Jansen"


def _erase(staging: str, landing: str, warehouse: str, org_id: str, user_id: str) -> None:
    """Erase in a process of its own, which has others in turn."""
    erasure = Erasure(Storage.from_url(landing), Storage.from_url(staging), warehouse, org_id, many_days=2)
    erasure.run(erasure.person(user_id=user_id))


def _started(history: History, user_id: str) -> multiprocessing.process.BaseProcess:
    settings = history.walk.settings
    process = multiprocessing.get_context("spawn").Process(
        target=_erase,
        args=(settings.staging, settings.landing_url, settings.warehouse, history.org_id, user_id),
    )
    process.start()
    return process


def _tombstones(history: History) -> set[str]:
    return {each for day in history.days for each in history.ids(day) if each.startswith(TOMBSTONE_HEAD)}


def test_killed_again_and_again_it_ends_well(few: Callable[[int], History]) -> None:
    """Killed at random instants, the last run finishes with one tombstone on all days, and nothing lost."""
    history, chance = few(8), random.Random(3)
    person = history.person(history.days[-1], name=VICTIM)
    counts = {day: history.counts(day) for day in history.days}
    plan = Path(history.staging.path("_erasures", f"org_id={history.org_id}", "plan.json"))
    plans = set()
    kills = 0
    for _ in range(12):
        process = _started(history, person["user_id"])
        while process.is_alive() and not plan.exists():
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        if plan.exists():
            plans.add(json.loads(plan.read_text())["tombstone"])
            os.kill(process.pid or 0, signal.SIGKILL)
            kills += 1
        process.join()
        for day in history.days:
            assert history.counts(day) == counts[day]
        if not plan.exists():
            break
    assert kills >= 2
    erasure = history.erasure()
    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    assert history.mentions(person["user_id"][:15], person["email"]) == set()
    assert {day: history.counts(day) for day in history.days} == counts
    assert _tombstones(history) == plans
    assert len(plans) == 1
    assert not plan.exists()


def test_an_interrupted_erasure_of_somebody_else_comes_first(few: Callable[[int], History]) -> None:
    """The plan of one person is never taken for another's; it names neither."""
    history = few(4)
    person = history.person(history.days[-1], name=VICTIM)
    other = history.person(history.days[-1], name="Ann Bell")
    with lease(history.staging, Day(history.org_id, history.days[-1]).lease, wait_seconds=0):
        erasure = replace(history.erasure(), wait_seconds=0)
        with pytest.raises(StoreBusy):
            erasure.run(erasure.person(user_id=person["user_id"]))
    plan = history.staging.read_bytes("_erasures", f"org_id={history.org_id}", "plan.json").decode()

    with pytest.raises(ConfigError, match="an erasure of somebody else was interrupted"):
        erasure.run(erasure.person(user_id=other["user_id"]))

    assert person["user_id"][:15] not in plan
    assert person["email"] not in plan
    assert erasure.run(erasure.person(user_id=person["user_id"]))["left"] == {}
    assert erasure.run(erasure.person(user_id=other["user_id"]))["left"] == {}
    assert len(_tombstones(history)) == 2


def test_readers_see_whole_snapshots_all_the_time(few: Callable[[int], History]) -> None:
    """By the ledger's reader and by a plain glob: as many rows as ever, the person or the tombstone."""
    history = few(6)
    person = history.person(history.days[-1], name=VICTIM)
    rows = {day: len(history.ids(day)) for day in history.days}
    over, wrong, reads = threading.Event(), [], [0]

    def read() -> None:
        while not over.is_set():
            for day in history.days:
                try:
                    snapshot = history.snapshot(day)
                    ids = snapshot.table("users", ["user_id"])["user_id"].to_pylist()
                    holders = set(snapshot.table("seats", ["user_id"])["user_id"].to_pylist())
                except StoreBusy:
                    continue  # the old files are gone: to be opened again
                reads[0] += 1
                erased = [each for each in ids if each.startswith(TOMBSTONE_HEAD)]
                if (
                    len(ids) != rows[day]
                    or (person["user_id"] in ids) == bool(erased)
                    or not holders <= {*ids}
                ):
                    wrong.append((day, len(ids), erased))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    process = _started(history, person["user_id"])
    process.join()
    over.set()
    for each in readers:
        each.join()

    assert process.exitcode == 0
    assert wrong == []
    assert reads[0] > 20


def test_a_day_published_during_the_erasure_is_erased_as_well(few: Callable[[int], History]) -> None:
    """A replay that made its tables before publishes them afterwards: without the person."""
    history = few(3)
    day = history.days[0]
    person = history.person(day, name=VICTIM)
    context = history.walk.chosen(history.walk.context(["*"], day), only_landing=True)
    pipeline.transform(context)
    pipeline.reconcile(context)
    erasure = history.erasure()

    report = erasure.run(erasure.person(user_id=person["user_id"]))
    pipeline.check(context)
    pipeline.publish(context)

    assert report["left"] == {}
    assert person["user_id"] not in history.ids(day)
    assert history.mentions(person["user_id"][:15], person["email"]) == set()
    history.snapshot(day).verify()


def test_a_publisher_that_waits_for_the_erasure_tries_again(few: Callable[[int], History]) -> None:
    """It read its receipts before its files were rewritten: it is told to come again, and loses nothing."""
    history = few(2)
    day = history.days[0]
    person = history.person(day, name=VICTIM)
    context = history.walk.chosen(history.walk.context(["*"], day), only_landing=True)
    pipeline.transform(context)
    pipeline.reconcile(context)
    eraser = history.erasure()
    outcome: list[object] = []
    with lease(history.staging, Day(history.org_id, day).lease, wait_seconds=0):

        def publish() -> None:
            try:
                outcome.append(pipeline.publish(context))
            except Exception as error:
                outcome.append(error)

        waiting = threading.Thread(target=publish)
        waiting.start()
        time.sleep(1.0)
        run = context.own_folder.storage
        work = run.path("_work", "users.parquet")
        Path(work).rename(f"{work}.old")
        Path(work).write_bytes(Path(f"{work}.old").read_bytes() + b"changed")
    waiting.join()

    assert isinstance(outcome[0], StoreBusy)
    Path(f"{work}.old").rename(work)
    pipeline.publish(context)
    report = eraser.run(eraser.person(user_id=person["user_id"]))
    assert report["left"] == {}


def test_a_transform_under_way_does_not_bring_the_person_back(few: Callable[[int], History]) -> None:
    """Landing that was rewritten while it was being read is read again."""
    history = few(1)
    day = history.days[0]
    run = latest_complete_run(history.landing, history.org_id, day)
    assert run is not None
    person = history.person(day, name=VICTIM)
    erasure = history.erasure()
    context = history.walk.chosen(history.walk.context(["*"], day), only_landing=True)
    before = erasures(run.storage)
    batches = context.extracted.folder.batches

    def slow(name: str, columns: list[str] | None = None) -> object:
        pieces = list(batches(name, columns))
        if name == "User" and erasures(run.storage) == before:
            erasure.run(erasure.person(user_id=person["user_id"]))
        return iter(pieces)

    context.extracted.folder.batches = slow  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreBusy, match="was rewritten while it was being read"):
        pipeline.transform(context)

    assert history.mentions(person["user_id"][:15]) == set()
    del context.extracted.folder.batches
    pipeline.transform(context)
    assert history.mentions(person["user_id"][:15]) == set()


def test_what_a_dead_extract_left_half_written_goes(few: Callable[[int], History]) -> None:
    """Torn files can be searched by nobody, so they are removed; a file that is being written stays."""
    history = few(2)
    person = history.person(history.days[-1], name=VICTIM)
    complete = latest_complete_run(history.landing, history.org_id, history.days[-1])
    assert complete is not None
    extracting = Path(history.landing.path(complete.day.partition, "run=another", "User"))
    extracting.mkdir(parents=True)
    left = Path(complete.storage.path("User", ".part-00000-abc.parquet.0123.tmp"))
    young = extracting / ".part-2.parquet.0.tmp"
    for path in (left, young):
        path.write_bytes(b"PAR1 torn")
    erasure = history.erasure()

    erasure.run(erasure.person(user_id=person["user_id"]))

    assert not left.exists()
    assert young.exists()


def test_people_in_set_up_changes_are_replaced_by_the_same_tombstone(few: Callable[[int], History]) -> None:
    """Sentences name the tombstone from then on; a name that two people have names nobody."""
    history = few(2)
    run = latest_complete_run(history.landing, history.org_id, history.days[-1])
    assert run is not None
    person = history.person(history.days[-1], name=VICTIM)
    display = [
        f"Froze user {VICTIM}",
        f"Changed profile for user {VICTIM} from A to B",
        f"Changed email from {person['email']} to {person['email'].lower()}",
        f"Froze user {VICTIM}sen",
        "Froze user Ann Bell",
    ]
    trail = pa.table(
        {
            "Id": [f"0Ym00000000000{at}AAA" for at in range(5)],
            "Display": display,
            "CreatedById": [person["user_id"], *["005000000000009AAA"] * 4],
            "DelegateUser": [None, None, None, person["username"], None],
        }
    )
    run.land("SetupAuditTrail", trail.schema, [trail])
    erasure = history.erasure()

    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    [tombstone] = _tombstones(history)
    assert run.table("SetupAuditTrail").to_pylist() == [
        {**row, **change}
        for row, change in zip(
            trail.to_pylist(),
            [
                {"Display": f"Froze user {tombstone}", "CreatedById": tombstone},
                {"Display": f"Changed profile for user {tombstone} from A to B"},
                {"Display": f"Changed email from {tombstone}@erased.example to {tombstone}@erased.example"},
                {"DelegateUser": f"{tombstone}@erased.example"},
                {},
            ],
            strict=True,
        )
    ]
    assert reader.open_snapshot(history.staging, history.org_id, history.days[-1])
