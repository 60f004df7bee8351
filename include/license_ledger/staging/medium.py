"""
What the ledger needs of a storage medium, and what it makes of its refusals. May import errors.

Two media implement it: :mod:`disk` with renames and hard links, :mod:`objects` with whole-object writes and
conditional requests. Paths are full paths on the medium's file system.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import wraps
from typing import IO, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

import pyarrow as pa

from license_ledger.errors import LedgerError, StagingUnwritable, StoreBusy

_REFUSALS = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EIO,
}
_PASSING = {errno.EBUSY, getattr(errno, "EREMOTEIO", errno.EBUSY)}
"""What s3fs makes of the answers 503 and 500."""
_CLIENTS = ("botocore.", "aiobotocore.", "aiohttp.")
"""Modules whose errors are those of an object store that could not be asked."""


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Place(Protocol):
    @property
    def root(self) -> str:
        """Its full path."""


class _Run(Protocol):
    @property
    def staging(self) -> _Place:
        """Where a run publishes."""


Run = TypeVar("Run", bound=_Run)


class Stat(NamedTuple):
    """
    What a medium tells of a file.

    Attributes:
        version: a token that changes with every replacement of the file.
        size: in bytes.
        written: when it was last written, linked or renamed, by the medium's clock.
    """

    version: str
    size: int
    written: datetime


class Medium(Protocol):
    """Atomic, all-or-nothing file operations."""

    def stat(self, path: str) -> Stat | None:
        """Version, size and age of a file; None when there is none."""

    def read(self, path: str) -> bytes:
        """The whole file, from one writing of it. Raises FileNotFoundError."""

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Many small files, each from one writing of it; those that are not there are left out."""

    def open(self, path: str) -> pa.NativeFile:
        """
        Random access to one writing of the file, whatever replaces it meanwhile.

        On a disk the open file stays what it was; on S3 a read after a replacement raises OSError (EBUSY) or
        FileNotFoundError. Raises FileNotFoundError when there is no file.
        """

    def write(self, path: str, content: bytes) -> None:
        """Put a small file in place, replacing what was there."""

    def sink(self, path: str, *, durable: bool = True) -> AbstractContextManager[IO[bytes]]:
        """
        A stream whose content appears under the path when the ``with`` block ends well, and never else.

        Not durable: a power cut soon after may lose the file; a killed writer still leaves it whole or not
        at all.
        """

    def duplicate(self, source: str, target: str) -> None:
        """Give the same content a second name, without reading it if possible. An existing target stays."""

    def receive(self, local: str, target: str) -> None:
        """Copy a file of the local disk to the target."""

    def place(self, source: str, target: str, over: str | None) -> bool:
        """
        Replace the target by the source in one step, if its version still is ``over``.

        The source may be gone afterwards. False, and nothing done, when the target has another version, as
        far as the medium can tell.
        """

    def remove(self, path: str) -> None:
        """Remove a file; nothing when there is none."""

    def delete(self, path: str) -> None:
        """Remove a file or a whole tree; nothing when there is none."""

    def names(self, path: str) -> list[str]:
        """Names directly below a directory, sorted; empty when there is none."""

    def entries(self, path: str) -> dict[str, datetime]:
        """Files directly below a directory and when each was last written, linked or renamed."""

    def entries_below(self, path: str) -> dict[str, Stat]:
        """Files anywhere below a directory, by full path; versions are comparable among themselves only."""

    def sweep_uploads(self, path: str, before: datetime) -> int:
        """Drop invisible remains of interrupted uploads below the path; how many."""


@contextmanager
def refusals(path: str) -> Iterator[None]:
    """
    Tell a refusal to be written in the ledger's words, naming the path.

    Raises:
        StagingUnwritable: permission, space, quota, a missing bucket, a directory that is none.
        StoreBusy: the object store does not answer.
    """
    try:
        yield
    except LedgerError:
        raise
    except (NotADirectoryError, IsADirectoryError, FileNotFoundError) as error:
        raise _unwritable(path, error) from error
    except Exception as error:
        if told := _in_words(path, error):
            raise told from error
        raise


@contextmanager
def failures(place: str) -> Iterator[None]:
    """
    Tell what a medium fails of in the middle of a step, of reading too, in the ledger's words.

    Unlike with :func:`refusals`, a file that is not there comes out as it is: what that means is known to who
    looked for it.

    Raises:
        StagingUnwritable: permission, space, quota, a broken disk.
        StoreBusy: the object store does not answer.
    """
    try:
        yield
    except (LedgerError, FileNotFoundError):
        raise
    except Exception as error:
        if told := _in_words(str(getattr(error, "filename", None) or place), error):
            raise told from error
        raise


def on_storage(
    step: Callable[Concatenate[Run, Arguments], Result],
) -> Callable[Concatenate[Run, Arguments], Result]:
    """Make a step of a run tell what its storage fails of, as :func:`failures` does."""

    @wraps(step)
    def telling(context: Run, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with failures(context.staging.root):
            return step(context, *args, **kwargs)

    return telling


def _in_words(path: str, error: Exception) -> LedgerError | None:
    """
    What an error of a medium is in the ledger's words; None for what is none.

    Some errors of the clients of object stores are OSErrors without a number.
    """
    from_client = type(error).__module__.startswith(_CLIENTS)
    name, number = type(error).__name__, getattr(error, "errno", None)
    if isinstance(error, PermissionError) or number in _REFUSALS:
        return _unwritable(path, error)
    if from_client and ("Credentials" in name or "Token" in name):
        return _unwritable(path, error)
    if from_client or isinstance(error, (ConnectionError, TimeoutError)) or number in _PASSING:
        return StoreBusy(f"storage at {path}", f"the store does not answer ({name})", "try again later")
    return None


def _unwritable(path: str, error: Exception) -> StagingUnwritable:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return StagingUnwritable(
        f"storage at {path}",
        str(reason),
        "check that the place exists, has room, and may be read and written by this user",
    )
