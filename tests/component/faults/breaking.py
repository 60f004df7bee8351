"""
Faults of a machine and its storage, for a process that is about to do one step. No hook is in the ledger.

On a local disk Python's own audit events tell every change that is about to be made; an audit hook that
raises makes the change fail, with whatever error number a disk would give. A limit of the kernel on the size
of files breaks what is written in the middle, by whatever library.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NUMBERS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "forbidden": errno.EACCES, "broken": errno.EIO}
"""What a disk says when it is so."""

S3_KINDS = ("503", "500", "reset", "unsent", "slow", "drip", "truncated", "403")
"""What happens to requests of the soak's runs; answers that stall would take minutes."""

_CHANGES = {"os.rename", "os.link", "os.mkdir", "os.truncate"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class BrokenDisk:
    """
    Makes changes below a directory fail, from the n-th on, for the rest of this process.

    Args:
        root: of the places that break.
        state: a name in :data:`NUMBERS`.
        nth: number of the first change that fails, from 1.
    """

    def __init__(self, root: Path, state: str, nth: int) -> None:
        self._root, self._number, self._nth = str(root), NUMBERS[state], nth
        self.seen = 0

    def install(self) -> None:
        """Begin. It cannot be ended: only for a process that ends soon."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, flags = arguments[0], arguments[2]
            if not isinstance(flags, int) or not flags & _WRITING:
                return
        elif event in _CHANGES:
            path = arguments[1] if event in ("os.rename", "os.link") else arguments[0]
        else:
            return
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path).startswith(self._root):
            return
        self.seen += 1
        if self.seen >= self._nth:
            raise OSError(self._number, os.strerror(self._number), os.fspath(path))


def limit_files(size: int) -> None:
    """Let no file of this process grow beyond so many bytes: writing more is an error in the middle of it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def program(name: Path, *arguments: str) -> Iterator[str]:
    """Run a server that prints its port and ends with its input; gives its address."""
    server = subprocess.Popen(
        [sys.executable, str(name), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.communicate()


@contextmanager
def s3_behind_a_proxy() -> Iterator[tuple[str, str]]:
    """An S3 API, and a proxy before it that spoils requests on demand; gives the addresses of both."""
    with (
        program(HERE.parent / "staging" / "s3_server.py") as server,
        program(HERE / "s3_proxy.py", server) as proxy,
    ):
        yield server, proxy


def spoil_s3(proxy: str, **order: Any) -> dict[str, int]:
    """Tell the proxy what to spoil from now on, nothing by default; see ``s3_proxy.py``."""
    return _ask(proxy, json.dumps(order).encode())


def s3_requests(proxy: str) -> dict[str, int]:
    """How many requests the proxy has ``seen`` and ``struck`` since its last order, and its ``gets``."""
    return _ask(proxy, None)


def _ask(proxy: str, body: bytes | None) -> dict[str, int]:
    with urllib.request.urlopen(f"{proxy}/_faults", body, timeout=30) as answer:
        return dict(json.load(answer))
