"""
`make authorize` and `make ledger`: a command of the ledger on the state of `make run` and `make ui`.

Commands find there Airflow's connections, the settings, staging and warehouse: `make authorize
ARGS="--my-domain acme"`, `make ledger ARGS="check"`. The local Airflow is started for as long as the command
takes, or the one that `make ui` keeps up is used.
"""

from __future__ import annotations

import os
import subprocess
import sys

from rich.console import Console

from license_ledger.airflow.orgs import DEFAULT_ORG
from local_stack.demo import forget_demo_org
from local_stack.environment import environment
from local_stack.home import HOME_VARIABLE, Home
from local_stack.postgres import Database
from local_stack.processes import StackFailed
from local_stack.stack import PREFERRED_PORT, Running, stack

AUTHORIZE = "authorize"
console = Console(highlight=False, stderr=True)


def main() -> int:
    """Run the command. Returns its exit status."""
    arguments = sys.argv[1:]
    authorizes = arguments[:1] == [AUTHORIZE]
    home = Home.locate()
    os.environ.pop(HOME_VARIABLE, None)
    try:
        if {"-h", "--help"} & {*arguments} or not arguments:
            return _run(arguments or ["--help"], dict(os.environ))
        with stack(home, "make authorize" if authorizes else "make ledger", _say, scheduled=False) as running:
            if authorizes and forget_demo_org(running, DEFAULT_ORG):
                _say(f"the connection {DEFAULT_ORG} was the demo org's, and becomes yours")
            status = _run(arguments, _environment(running))
        if authorizes and not status:
            _say("Next: make run")
        return status
    except StackFailed as error:
        _say(error.evidence)
        _say(error.reason)
    except KeyboardInterrupt:
        _say("interrupted")
    return 1


def _run(arguments: list[str], settings: dict[str, str]) -> int:
    """The command in a process of its own, which talks to the terminal."""
    return subprocess.call([sys.executable, "-m", "license_ledger", *arguments], env=settings)


def _environment(running: Running) -> dict[str, str]:
    """What the components of the running Airflow have; of another command's it is found out anew."""
    if running.environment:
        return running.environment
    database = Database(running.home)
    database.start()
    return environment(running.home, database.uri, PREFERRED_PORT, scheduled=False)


def _say(line: str) -> None:
    if line:
        console.print(line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
