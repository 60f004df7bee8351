"""
A local disk, or whatever is mounted like one: atomic by rename, kept by hard link. May import errors.

Everything is written under a hidden name on the same file system, flushed to the disk, and renamed into
place; the directory is flushed too. Where hard links are refused or names lie on different devices, files
are copied.
"""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pyarrow as pa

from license_ledger.staging.medium import Stat

_NO_LINK = {
    errno.EXDEV,
    errno.EPERM,
    errno.EMLINK,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EACCES,
}


class Disk:
    """
    The local medium; see :class:`license_ledger.staging.medium.Medium` for what each method promises.

    Args:
        flushes: whether what is written under a final name is on the disk before anything else happens;
            without it a power cut can leave such files torn.
    """

    def __init__(self, *, flushes: bool = True) -> None:
        self._flushes = flushes

    def stat(self, path: str) -> Stat | None:
        """By inode; written when modified or, later, when the inode changed, as by a link or a rename."""
        try:
            found = Path(path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        written = datetime.fromtimestamp(max(found.st_mtime, found.st_ctime), UTC)
        return Stat(f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}", found.st_size, written)

    def read(self, path: str) -> bytes:
        """One open file: a rename meanwhile does not touch it."""
        return Path(path).read_bytes()

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """One after the other."""
        found = {}
        for path in paths:
            with suppress(FileNotFoundError):
                found[path] = self.read(path)
        return found

    def open(self, path: str) -> pa.NativeFile:
        """An open file descriptor, held by the inode."""
        return pa.OSFile(path, mode="r")

    def write(self, path: str, content: bytes) -> None:
        """Write beside, flush, rename."""
        with self.sink(path) as stream:
            stream.write(content)

    @contextmanager
    def sink(self, path: str, *, durable: bool = True) -> Iterator[IO[bytes]]:
        """A hidden neighbour of the file, renamed at the end."""
        durable &= self._flushes
        target = Path(path)
        hidden = self._hidden(target)
        stream = hidden.open("xb")
        try:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
            stream.close()
            hidden.replace(target)
            if durable:
                _flush_directory(target.parent)
        finally:
            with suppress(OSError):  # a full disk refuses what is still buffered once more
                stream.close()
            hidden.unlink(missing_ok=True)

    def duplicate(self, source: str, target: str) -> None:
        """A hard link, or a copy where there can be none."""
        wanted = Path(target)
        wanted.parent.mkdir(parents=True, exist_ok=True)
        try:
            wanted.hardlink_to(source)
        except FileExistsError:
            return
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            self.receive(source, target)
        if self._flushes:
            _flush_directory(wanted.parent)

    def receive(self, local: str, target: str) -> None:
        """Copy under a hidden name, flush, rename."""
        with Path(local).open("rb") as source, self.sink(target) as stream:
            shutil.copyfileobj(source, stream, 1 << 20)

    def place(self, source: str, target: str, over: str | None) -> bool:
        """
        One rename.

        The version is compared just before, which is no guard by itself: on a disk the guard is the lease,
        which nobody can hold beside a living writer.
        """
        wanted = Path(target)
        there = self.stat(target)
        if (there.version if there else None) != over:
            return False
        wanted.parent.mkdir(parents=True, exist_ok=True)
        _flush(Path(source))
        try:
            Path(source).replace(wanted)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self.receive(source, target)
        # A rename onto another name of the same file does nothing: the source is still there.
        Path(source).unlink(missing_ok=True)
        _flush_directory(wanted.parent)
        _flush_directory(wanted.parent.parent)
        return True

    def remove(self, path: str) -> None:
        """Unlink."""
        Path(path).unlink(missing_ok=True)

    def delete(self, path: str) -> None:
        """Unlink, or remove the tree."""
        target = Path(path)
        if not target.is_dir() or target.is_symlink():
            target.unlink(missing_ok=True)
        while target.is_dir() and not target.is_symlink():
            with suppress(FileNotFoundError):  # somebody else removes it too
                shutil.rmtree(target)

    def names(self, path: str) -> list[str]:
        """The directory's entries."""
        try:
            return sorted(entry.name for entry in os.scandir(path))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def entries(self, path: str) -> dict[str, datetime]:
        """One look at each name."""
        found = {name: self.stat(f"{path}/{name}") for name in self.names(path)}
        return {name: stat.written for name, stat in found.items() if stat}

    def entries_below(self, path: str) -> dict[str, Stat]:
        """One look at each name of the tree; directories that are linked to belong to it."""
        below = os.walk(path, followlinks=True)
        every = [os.path.join(folder, name) for folder, _, names in below for name in names]  # noqa: PTH118
        found = {name: self.stat(name) for name in every}
        return {name: stat for name, stat in found.items() if stat}

    def sweep_uploads(self, path: str, before: datetime) -> int:
        """There are none on a disk: hidden neighbours lie in plain sight of :meth:`names`."""
        return 0

    def _hidden(self, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        return target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.tmp")


def _flush(path: Path) -> None:
    """Make what is in a file survive a power cut."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _flush_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut, where the file system can."""
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(opened)
    except OSError:
        pass
    finally:
        os.close(opened)
