"""
One holder at a time: of a day that is being published, of an org's token. May import errors and its package.

On a local disk a lease is a lock of the kernel, which ends with the process that holds it. In an object
store it is the newest of a row of numbered objects: whoever creates the next number first, holds it, until
the holder says that it is released, has provably died on this machine, or has not renewed it for its time
to live. That time is measured by the store's clock alone on one side and by the holder's own elapsed time
on the other; clocks of different machines are never compared where the store tells its time.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from license_ledger.errors import StagingUnwritable, StoreBusy
from license_ledger.staging.layout import LEASES
from license_ledger.staging.medium import refusals
from license_ledger.staging.objects import ObjectStore
from license_ledger.staging.owner import Owner
from license_ledger.staging.storage import Storage

_log = structlog.get_logger(__name__)

TTL_SECONDS = 60.0
"""A holder in an object store that has not renewed for so long is taken for dead."""
_MARGIN_SECONDS = 3.0
"""The store tells its time in whole seconds, twice; and clocks drift."""
_SKEW_SECONDS = 600.0
"""Where the store does not tell its time, what another machine's clock may be wrong by."""


class Held:
    """A lease that is being held."""

    def check(self, need_seconds: float | None = None) -> None:
        """
        Make sure that nobody else can hold the lease, nor for so long; a sixth of its time when None.

        Raises:
            StoreBusy: it may be somebody else's by now.
        """


class _HeldObject(Held):
    """A lease in an object store, renewed by a thread for as long as it is held."""

    def __init__(self, store: ObjectStore, path: str, content: bytes, began: float, ttl: float) -> None:
        self._store, self._path, self._content, self._ttl = store, path, content, ttl
        self._until = began + ttl
        self._over = threading.Event()
        # In the caller's context, so that what the thread logs has the keys of its step.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._keep,), name=f"lease {path}", daemon=True
        )
        self._thread.start()

    def check(self, need_seconds: float | None = None) -> None:
        """See :class:`Held`."""
        need = self._ttl / 6 if need_seconds is None else need_seconds
        if _elapsed() + need >= self._until:
            raise StoreBusy(
                f"lease {self._path}", "could not be renewed in time and may be held by another", "try again"
            )

    def release(self) -> None:
        """Stop renewing and say that the lease is free; a lease that was lost is left alone."""
        self._over.set()
        self._thread.join()
        with suppress(StoreBusy):
            self.check(0)
            released = json.dumps({**json.loads(self._content), "released": True})
            with suppress(Exception):  # it then ends by time, and what was done under it is done
                self._store.write(self._path, released.encode())

    def _keep(self) -> None:
        while not self._over.wait(self._ttl / 4):
            began = _elapsed()
            if began >= self._until:
                return
            try:
                self._store.write(self._path, self._content)
            except Exception as error:
                _log.warning("lease.renewal_failed", lease=self._path, error=type(error).__name__)
                continue
            if _elapsed() < self._until:
                self._until = began + self._ttl


@contextmanager
def lease(
    storage: Storage, name: str, *, wait_seconds: float, ttl_seconds: float = TTL_SECONDS
) -> Iterator[Held]:
    """
    Hold a name below the storage's root, alone.

    Leases are not re-entrant: a thread that asks for one it holds waits for itself.

    Args:
        storage: all who compete must give the same one.
        name: slashes are allowed, as in ``token/00D…``.
        wait_seconds: how long to wait for another holder; 0 asks once.
        ttl_seconds: for object stores: after so long without a sign of life the holder is taken for dead.

    Yields:
        What is held; ``check()`` it before doing what must not be done by two.

    Raises:
        StoreBusy: another holder did not finish in time.
        StagingUnwritable: the place cannot be written, or knows no locks.
    """
    path = storage.path(LEASES, name)
    taking = Retrying(
        stop=stop_after_delay(wait_seconds),
        wait=wait_random(0.05, 0.25) if storage.is_local else wait_random(0.2, 1.0),
        retry=retry_if_exception_type(StoreBusy),
        reraise=True,
    )
    if storage.is_local:
        with refusals(path):
            descriptor = taking(_lock, Path(f"{path}.lock"))
        try:
            yield Held()
        finally:
            _unlock(Path(f"{path}.lock"), descriptor)
        return
    with refusals(path):
        held = taking(_take, ObjectStore(storage.fs), path, ttl_seconds)
    try:
        yield held
    finally:
        held.release()


def _busy(path: str | Path, holder: str) -> StoreBusy:
    return StoreBusy(
        f"lease {path}", f"is held by {holder}", "wait for it to finish; a dead holder loses it by itself"
    )


def _lock(path: Path) -> int:
    """Lock the file, give its descriptor. The name goes away on release, so it is compared afterwards."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_named(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, str(Owner.here()).encode())
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace")
            os.close(descriptor)
            raise _busy(path, holder or "another process") from None
        except OSError as error:
            os.close(descriptor)
            raise StagingUnwritable(
                f"locking {path}", str(error.strerror), "use a file system that knows locks (flock)"
            ) from error
        os.close(descriptor)


def _is_named(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _unlock(path: Path, descriptor: int) -> None:
    """Remove the name while the lock still protects it, then the lock."""
    try:
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _take(store: ObjectStore, path: str, ttl: float) -> _HeldObject:
    """Create the next number, if the newest holder is done or dead. Raises StoreBusy."""
    numbers = _numbers(store, path)
    newest = max(numbers, default=0)
    if newest:
        _make_sure_it_is_free(store, _numbered(path, newest), ttl)
    mine = _numbered(path, newest + 1)
    content = json.dumps({**asdict(Owner.here()), "ttl": ttl, "released": False}).encode()
    began = _elapsed()
    if not store.create(mine, content):
        raise _busy(path, "another process that was quicker")
    # Somebody may have been here since the listing, finished, and removed the numbers up to mine.
    if max(_numbers(store, path), default=0) != newest + 1:
        store.remove(mine)
        raise _busy(path, "another process that was quicker")
    if not _reads(store, mine, content):  # a store that lets two create the same object
        raise _busy(path, "another process that was quicker")
    for number in numbers:
        store.remove(_numbered(path, number))
    return _HeldObject(store, mine, content, began, ttl)


def _reads(store: ObjectStore, path: str, content: bytes) -> bool:
    try:
        return store.read(path) == content
    except FileNotFoundError:
        return False


def _make_sure_it_is_free(store: ObjectStore, path: str, ttl: float) -> None:
    """Raise StoreBusy unless the holder said so, is provably dead, or has been silent for too long."""
    try:
        said = json.loads(store.read(path))
        released, ttl = bool(said.pop("released")), float(said.pop("ttl"))
        owner = Owner(**said)
    except FileNotFoundError:
        raise _busy(path, "another process that was quicker") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        released, owner = False, Owner("", "unknown", "", 0, "")
    if released or owner.is_gone():
        return
    age = store.age(path)
    if age is not None:
        silent = age > ttl + _MARGIN_SECONDS
    else:
        there = store.stat(path)
        silent = (
            there is not None and (datetime.now(UTC) - there.written).total_seconds() > ttl + _SKEW_SECONDS
        )
    if not silent:
        raise _busy(path, str(owner))
    _log.warning("lease.taken_over", lease=path, holder=str(owner))


def _numbers(store: ObjectStore, path: str) -> list[int]:
    return [int(name) for name in store.names(path) if name.isdigit()]


def _numbered(path: str, number: int) -> str:
    return f"{path}/{number:012d}"


def _elapsed() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
