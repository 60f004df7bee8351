"""
Replace one file while others read it. May import errors only.

A file that is being read is never written: its successor is built beside it under a hidden name, made
durable, and renamed over it. Readers that had it open finish on the old one. Whoever dies on the way leaves
the old file untouched and a hidden leftover, which the next writer sweeps.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from license_ledger.errors import StagingUnwritable, StoreBusy

_POLL_SECONDS = 0.05


@contextmanager
def exclusive(path: Path, wait_seconds: float) -> Iterator[None]:
    """
    Hold the lock of a file's writers, and sweep what dead writers left.

    The lock is a file beside the path that is never removed; the system releases it when its holder dies.

    Args:
        path: the file that is going to be replaced. It and its directory need not exist.
        wait_seconds: how long to wait for another writer.

    Raises:
        StoreBusy: another writer kept the lock longer than that.
        StagingUnwritable: the directory cannot be made or written.
    """
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
    try:
        _acquire(lock, path, wait_seconds)
        with _writing(path):
            _sweep(path)
        yield
    finally:
        os.close(lock)


@contextmanager
def successor(path: Path, *, empty: bool = False) -> Iterator[Path]:
    """
    Build the next version of a file beside it; it takes the file's place when the body ends well.

    To be used under :func:`exclusive`.

    Args:
        path: the file.
        empty: whether to begin with nothing, so that not a byte of the present file is in the next one.

    Yields:
        The path to build at: a copy of the present file, or nothing yet when there is none. Names that begin
        with it belong to the build and go with it.

    Raises:
        StagingUnwritable: the copy cannot be written, or the file not replaced.
    """
    building = path.with_name(f".{path.name}.building-{uuid.uuid4().hex}")
    try:
        if path.exists() and not empty:
            with _writing(path):
                _copy(path, building)
        yield building
        with _writing(path):
            if empty and path.exists():
                shutil.copymode(path, building)
            _flush(building)
            building.replace(path)
            _flush(path.parent)
    finally:
        with suppress(OSError):
            _sweep(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StagingUnwritable(
            f"writing {path}",
            error.strerror or type(error).__name__,
            f"make {path.parent} a directory with room that the worker may write",
        ) from None


def _acquire(lock: int, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"lock of {path}",
                    f"another loader has held it for {wait_seconds:g} s",
                    "let it finish; the next try goes on from there",
                ) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def _sweep(path: Path) -> None:
    """Only the holder of the lock builds, so whatever else is being built belongs to the dead."""
    for leftover in path.parent.iterdir():
        if not leftover.name.startswith(f".{path.name}.building-"):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy by reference where the file system shares blocks, in the kernel where it can, else plainly."""
    try:
        with source.open("rb") as read, target.open("wb") as write:
            left = os.fstat(read.fileno()).st_size
            while left > 0:
                copied = os.copy_file_range(read.fileno(), write.fileno(), left)
                if copied == 0:
                    raise OSError("the kernel copies nothing between these files")
                left -= copied
    except (AttributeError, OSError):
        shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
