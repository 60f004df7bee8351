"""
Processes that are killed before one particular change they are about to make, without a hook in the ledger.

On the disk Python's own audit events tell every file that is opened for writing, made, linked, renamed,
locked or removed; at an object store the client counts the requests that change something.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem

from license_ledger.staging.storage import Storage

_CHANGES = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "fcntl.flock"}
_WRITING = os.O_WRONLY | os.O_RDWR
_REQUESTS = (
    "put_object",
    "copy_object",
    "delete_object",
    "delete_objects",
    "create_multipart_upload",
    "upload_part",
    "upload_part_copy",
    "complete_multipart_upload",
    "abort_multipart_upload",
)


class Steps:
    """Counts changes, and signals its process before the one with the number given."""

    def __init__(self, fatal: int, signal_number: int = signal.SIGKILL) -> None:
        self.fatal, self.done, self.signal_number = fatal, 0, signal_number

    def take(self) -> None:
        """A change is about to be made."""
        self.done += 1
        if self.done == self.fatal:
            os.kill(os.getpid(), self.signal_number)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit event of this process."""
        if event in _CHANGES or (event == "open" and arguments[2] & _WRITING and arguments[0] != os.devnull):
            self.take()


class SteppedS3(S3FileSystem):
    """An S3 client that counts its changing requests."""

    cachable = False
    steps: Steps | None = None

    async def _call_s3(self, method: str, *positional: Any, **named: Any) -> Any:
        if method in _REQUESTS and self.steps:
            self.steps.take()
        return await super()._call_s3(method, *positional, **named)

    call_s3 = sync_wrapper(_call_s3)


def started(steps: Steps, url: str, work: Callable[[Storage], None], answers: Mapping[type, int]) -> int:
    """The pid of a child that works on a storage whose changes are counted; exits 0, as answered, or 1."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        if url.startswith("s3"):
            client = SteppedS3(use_listings_cache=False)
            client.steps = steps
            storage = Storage.from_url(url, filesystem=client)
        else:
            storage = Storage.from_url(url)
            sys.addaudithook(steps.audit)
        work(storage)
        code = 0
    except BaseException as error:
        code = answers.get(type(error), 1)
        if code == 1:
            traceback.print_exc()
    finally:
        os._exit(code)


def killed_before(fatal: int, url: str, work: Callable[[Storage], None]) -> bool:
    """
    Do the work in a child that is killed before its change number ``fatal``.

    Returns:
        Whether it was; False when it made fewer changes and ended well.
    """
    status = os.waitpid(started(Steps(fatal), url, work, {}), 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the work failed, see its traceback"
    return False
