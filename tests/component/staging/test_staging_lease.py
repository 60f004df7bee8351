"""One holder at a time, whatever becomes of it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from license_ledger.errors import StagingUnwritable, StoreBusy
from license_ledger.staging.lease import lease
from license_ledger.staging.objects import ObjectStore
from license_ledger.staging.owner import Owner
from license_ledger.staging.storage import Storage

NAME = "token/00D5g000008XyzAEAS"


def test_a_held_lease_is_busy_and_a_released_one_is_free(staging: Storage) -> None:
    """Who finds the lease held is told by whom; who comes after the release gets it."""
    with (
        lease(staging, NAME, wait_seconds=0),
        pytest.raises(StoreBusy, match=f"process {os.getpid()} on"),
        lease(staging, NAME, wait_seconds=0),
    ):
        pass
    with lease(staging, NAME, wait_seconds=0) as held:
        held.check(10)


def test_different_names_do_not_meet(staging: Storage) -> None:
    """Leases of two days, or two orgs, are held at once."""
    with lease(staging, "day/a/1", wait_seconds=0), lease(staging, "day/a/2", wait_seconds=0) as second:
        second.check()


def test_an_error_releases_the_lease(staging: Storage) -> None:
    """Leaving by an exception leaves the lease free."""
    with pytest.raises(ZeroDivisionError), lease(staging, NAME, wait_seconds=0):
        raise ZeroDivisionError
    with lease(staging, NAME, wait_seconds=0):
        pass


def test_whoever_waits_gets_it_in_time_or_is_told(staging: Storage) -> None:
    """A waiter gets the lease soon after its release, and gives up when its patience ends before."""
    got: list[float] = []

    def wait() -> None:
        with lease(Storage.from_url(staging.url), NAME, wait_seconds=30):
            got.append(time.monotonic())

    with lease(staging, NAME, wait_seconds=0):
        waiter = threading.Thread(target=wait)
        waiter.start()
        began = time.monotonic()
        with pytest.raises(StoreBusy), lease(Storage.from_url(staging.url), NAME, wait_seconds=0.5):
            pass
        patience = time.monotonic() - began
    released = time.monotonic()
    waiter.join()

    assert 0.2 < patience < 10
    assert 0 <= got[0] - released < 10


def _count_alone(url: str, times: int, counter: str) -> None:
    """Read, think, write: loses counts unless alone."""
    storage, path = Storage.from_url(url), Path(counter)
    for _ in range(times):
        with lease(storage, NAME, wait_seconds=120):
            count = int(path.read_text())
            time.sleep(0.002)
            path.write_text(str(count + 1))


@pytest.mark.parametrize(("url", "times"), [("local", 40), ("s3", 4)])
def test_processes_hold_it_one_at_a_time(
    url: str, times: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Four processes count in one file under the lease, and no count is lost."""
    staging: Storage = request.getfixturevalue(url)
    counter = tmp_path / "counter"
    counter.write_text("0")
    spawned = multiprocessing.get_context("spawn")
    processes = [
        spawned.Process(target=_count_alone, args=(staging.url, times, str(counter))) for _ in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert int(counter.read_text()) == 4 * times


def _hold_for_ever(url: str, told: Any, ttl: float) -> None:
    with lease(Storage.from_url(url), NAME, wait_seconds=0, ttl_seconds=ttl):
        told.set()
        time.sleep(600)


def _holder(url: str, ttl: float) -> multiprocessing.process.BaseProcess:
    spawned = multiprocessing.get_context("spawn")
    told = spawned.Event()
    process = spawned.Process(target=_hold_for_ever, args=(url, told, ttl), daemon=True)
    process.start()
    assert told.wait(60)
    return process


def test_a_killed_holder_loses_it_at_once(staging: Storage) -> None:
    """On its own machine a dead holder is known to be dead: nobody waits for its time to end."""
    process = _holder(staging.url, 600)
    with pytest.raises(StoreBusy), lease(staging, NAME, wait_seconds=0):
        pass
    process.kill()
    process.join()
    began = time.monotonic()
    with lease(staging, NAME, wait_seconds=20):
        assert time.monotonic() - began < 10


def test_a_silent_holder_loses_it_after_its_time_and_knows(s3: Storage) -> None:
    """A holder that is stopped beyond its time is overtaken, and finds out when it goes on."""
    process = _holder(s3.url, 2.0)
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with lease(s3, NAME, wait_seconds=60, ttl_seconds=60) as held:
            waited = time.monotonic() - began
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(1.5)
            held.check(10)
            with pytest.raises(StoreBusy), lease(Storage.from_url(s3.url), NAME, wait_seconds=0):
                pass
    finally:
        process.kill()
        process.join()

    assert waited > 1.0


def test_a_living_holder_keeps_it_beyond_its_time(s3: Storage) -> None:
    """Renewal goes on in the background for as long as the lease is held."""
    with lease(s3, NAME, wait_seconds=0, ttl_seconds=1.2) as held:
        time.sleep(6)
        held.check()
        with pytest.raises(StoreBusy), lease(Storage.from_url(s3.url), NAME, wait_seconds=0):
            pass


def test_a_holder_that_cannot_renew_says_so(s3: Storage) -> None:
    """When the time is over without a renewal, the check fails before anybody is disturbed."""
    with lease(s3, NAME, wait_seconds=0, ttl_seconds=4) as held:
        held.check()
        with pytest.raises(StoreBusy, match="could not be renewed in time"):
            held.check(need_seconds=4.5)


def _said(staging: Storage, **changes: Any) -> str:
    """A lease that somebody on another machine left behind."""
    path = f"_leases/{NAME}/000000000007"
    said = {"nonce": "n", "host": "elsewhere", "boot": "other/pid", "pid": 1, "started": "1", "ttl": 60.0}
    staging.write_bytes(path, json.dumps({**said, "released": False, **changes}).encode())
    return path


def test_what_another_machine_holds_is_not_taken(s3: Storage) -> None:
    """A process elsewhere is never taken for dead before its time, whatever its pid."""
    _said(s3, pid=2**22 + 1)
    with pytest.raises(StoreBusy, match=r"process \d+ on elsewhere"), lease(s3, NAME, wait_seconds=0):
        pass


@pytest.mark.parametrize("changes", [{"released": True}, {"ttl": -4.0}])
def test_what_another_machine_released_or_left_is_taken(s3: Storage, changes: dict[str, Any]) -> None:
    """A released lease is free, and so is one whose time has passed by the store's own clock."""
    old = _said(s3, **changes)
    with lease(s3, NAME, wait_seconds=0):
        assert not s3.exists(old)
        assert s3.list("_leases", NAME) == ["000000000008"]


def test_nonsense_in_the_place_of_a_lease_ends_by_time(s3: Storage) -> None:
    """What cannot be read is taken for a holder, and not for a free lease."""
    s3.write_bytes(f"_leases/{NAME}/000000000001", b"?")
    with pytest.raises(StoreBusy), lease(s3, NAME, wait_seconds=0):
        pass


def test_the_age_of_an_object_is_told_by_the_store(s3: Storage) -> None:
    """The clock of this machine has no part in it."""
    s3.write_bytes("x", b"")
    store = s3.medium
    assert isinstance(store, ObjectStore)
    time.sleep(2.1)

    age = store.age(s3.path("x"))
    assert age is not None
    assert 1.0 <= age <= 30.0
    assert store.age(s3.path("y")) is None


def test_memory_has_leases_too() -> None:
    """Object stores without a clock of their own still let one in at a time."""
    staging = Storage.from_url("memory://leases/staging")
    with (
        lease(staging, NAME, wait_seconds=0),
        pytest.raises(StoreBusy),
        lease(staging, NAME, wait_seconds=0),
    ):
        pass
    with lease(staging, NAME, wait_seconds=0):
        pass


def test_a_lease_where_nothing_can_be_written(tmp_path: Path) -> None:
    """The path is named."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StagingUnwritable, match=r"file/staging/_leases"),
        lease(Storage.from_url(str(tmp_path / "file" / "staging")), NAME, wait_seconds=0),
    ):
        pass


def test_no_lock_stays_behind(local: Storage) -> None:
    """On a disk the name of a lease goes away with it."""
    with lease(local, NAME, wait_seconds=0):
        assert local.list("_leases", "token") == ["00D5g000008XyzAEAS.lock"]
    assert local.list("_leases", "token") == []


def test_this_process_lives_and_another_does_not() -> None:
    """A process is gone when its pid is not there, or belongs to one that began at another time."""
    here = Owner.here()
    child = os.fork()
    if not child:
        os._exit(0)
    dead = Owner(here.nonce, here.host, here.boot, child, here.started)
    corpse_is_gone = dead.is_gone()
    os.waitpid(child, 0)

    assert not here.is_gone()
    assert corpse_is_gone
    assert dead.is_gone()
    assert Owner(here.nonce, here.host, here.boot, here.pid, "1").is_gone()
    assert not Owner(here.nonce, here.host, "another boot", child, "1").is_gone()
    assert not Owner(here.nonce, here.host, "", child, "1").is_gone()
