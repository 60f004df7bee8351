"""
Workers that refresh the token of one org, and die when told to: a process of its own.

Airflow is imported once, here; every worker is a fork. A worker does what a task does on a 401: it takes the
hook's sessions and renews the one it has, with the real token store (an encrypted Variable in Postgres) and
the real lease. Orders come as JSON lines on standard input, answers go as JSON lines to standard output.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import Any

from airflow import settings

from license_ledger.airflow.hook import LedgerSalesforceHook

CONNECTION = "salesforce_default"


def renew(write: int, gate: int) -> None:
    """The life of one worker; what came of it goes into the pipe, when it lives to tell."""
    settings.engine.dispose(close=False)
    try:
        sessions = LedgerSalesforceHook(CONNECTION).sessions
        session = sessions.current()
        os.write(write, b"ready\n")
        if gate >= 0:
            os.read(gate, 1)
        sessions.renew(session)
        told = "renewed\n"
    except BaseException as error:
        told = f"{type(error).__name__}: {error}\n"
    os.write(write, told.encode())


def begin(gate: int = -1) -> tuple[int, int]:
    """Fork a worker. Returns its process id and the pipe it tells on."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        status = 1
        try:
            renew(write, gate)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    return child, read


def told(pipe: int, seconds: float = 60.0) -> str:
    """The rest of what a worker tells, until it has closed its pipe."""
    text, until = b"", time.monotonic() + seconds
    while time.monotonic() < until:
        if select.select([pipe], [], [], 0.5)[0]:
            piece = os.read(pipe, 65536)
            if not piece:
                break
            text += piece
    os.close(pipe)
    return text.decode()


def first_line(pipe: int) -> str:
    """The first line of a worker: ``ready``, or why it never was."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(pipe, 1)
        if not piece:
            break
        line += piece
    return line.decode().strip()


def together(number: int) -> list[str]:
    """Workers that all begin to renew at the same instant; what each tells."""
    gate_read, gate_write = os.pipe()
    workers = [begin(gate_read) for _ in range(number)]
    lines = [first_line(pipe) for _, pipe in workers]
    os.write(gate_write, b"x" * number)
    found = [
        told(pipe).strip() if line == "ready" else line
        for line, (_, pipe) in zip(lines, workers, strict=True)
    ]
    for child, _ in workers:
        os.waitpid(child, 0)
    os.close(gate_read)
    os.close(gate_write)
    return found


def killed(number: int, after: float) -> dict[str, Any]:
    """A worker that gets a signal some seconds after it begins to renew."""
    child, pipe = begin()
    line = first_line(pipe)
    time.sleep(after)
    os.kill(child, number)
    rest = told(pipe).strip() if line == "ready" else line
    _, status = os.waitpid(child, 0)
    ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {"told": rest, "signal": ended_by}


def main() -> None:
    """Obey until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a worker loads on its way is loaded here once; forks inherit modules, and never a connection.
    LedgerSalesforceHook(CONNECTION).sessions.current()
    settings.engine.dispose()
    for line in sys.stdin:
        order = json.loads(line)
        os.environ.update(order.get("environment", {}))
        if order["do"] == "together":
            answer: Any = together(order["workers"])
        elif order["do"] == "kill":
            answer = killed(order["signal"], order["after"])
        else:
            started = time.monotonic()
            answer = {"told": together(1)[0], "seconds": time.monotonic() - started}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
