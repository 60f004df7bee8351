"""
`make ui`: the whole Airflow with its UI, on the same state as `make run`, until Ctrl-C.

Runs and backfills work from there, DAGs run by their schedule, and the demo org serves when no Salesforce
connection is configured. With `--workers 3` the tasks run in so many Celery workers, as on several machines.
With `--restart` a component that dies is started again, as on a server; without, it ends the command.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from rich.console import Console

from license_ledger.airflow.orgs import configured_orgs
from license_ledger.errors import LedgerError
from license_ledger.settings import load_settings
from local_stack.demo import connect_orgs
from local_stack.home import HOME_VARIABLE, USERNAME, Home
from local_stack.processes import StackFailed
from local_stack.stack import Running, stack
from local_stack.workers import Workers

COMMAND = "make ui"
console = Console(highlight=False)


def main() -> int:
    """Run the command. Returns the exit status: 0 when it was ended by Ctrl-C."""
    options = _options()
    workers = Workers(options.workers, options.slots) if options.workers else None
    home = Home.locate()
    os.environ.pop(HOME_VARIABLE, None)
    ready = False
    try:
        load_settings()
        with stack(home, COMMAND, _say, scheduled=True, workers=workers) as running:
            connect_orgs(running, configured_orgs(), _say)
            console.print(f"\n[bold]{running.url}[/bold]   user {USERNAME}   password {home.password()}")
            if running.family is None:
                return 0
            ready = True
            console.print("Ctrl-C stops everything.\n")
            while True:
                _look_after(running, restart=options.restart)
                time.sleep(1)
    except StackFailed as error:
        console.print(error.evidence, markup=False, style="dim")
        console.print(f"\n{error.reason}", markup=False, style="bold red")
    except LedgerError as error:
        console.print(f"\n{type(error).__name__}: {error}", markup=False, style="bold red")
    except KeyboardInterrupt:
        console.print("\nstopped")
        return 0 if ready else 1
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description="Run the whole Airflow until Ctrl-C.")
    parser.add_argument("--workers", type=int, default=0, help="Celery workers; default: none, one machine")
    parser.add_argument("--slots", type=int, default=1, help="tasks that each worker runs at once")
    parser.add_argument("--restart", action="store_true", help="start components that die again")
    return parser.parse_args()


def _look_after(running: Running, *, restart: bool) -> None:
    if not restart:
        running.check()
    for name in running.revive() if restart else ():
        _say(f"{name} had died and was started again")


def _say(line: str) -> None:
    console.print(line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
