"""``license-ledger erase``: take one person out of everything that was kept, and prove it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from license_ledger.commands.places import Places
from license_ledger.errors import ConfigError
from license_ledger.privacy.concealment import pseudonym_key
from license_ledger.privacy.erase import Erasure, in_words, require_nothing_left

__all__ = ["add_to", "run"]

FROM_INPUT = "-"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "erase",
        help="take one person out of landing, staging and warehouse of all days",
        description="Take one person out of landing, staging and warehouse of all days. Every count stays. "
        f"Give {FROM_INPUT} for a value to have it read from standard input, outside the shell's history.",
    )
    parser.add_argument("--org", required=True, help="18-character org id")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user-id", default="", help="15 or 18 characters, beginning with 005")
    who.add_argument("--email", default="", help="an e-mail address that one user alone has or had")
    who.add_argument("--username", default="", help="a user name")
    parser.add_argument("--dry-run", action="store_true", help="only say what mentions the person")
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write the report as JSON")
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> str:
    """
    Erase a person, or say what would be done.

    Raises:
        ConfigError: the id is none, the address is nobody's or several people's, or an erasure of somebody
            else was interrupted.
        CheckFailed: something is still found afterwards.
        StoreBusy, CorruptSnapshot, StagingUnwritable: the command can be repeated and goes on.
    """
    settings = places.settings()
    erasure = Erasure(
        landing=places.landing(settings),
        staging=places.staging(settings),
        warehouse=settings.warehouse,
        org_id=options.org,
        pseudonym_key=pseudonym_key(settings) if settings.pseudonym_key is not None else None,
    )
    person = erasure.person(
        user_id=_value(options.user_id), email=_value(options.email), username=_value(options.username)
    )
    report = erasure.preview(person) if options.dry_run else erasure.run(person)
    if options.report is not None:
        _write(options.report, json.dumps(report, indent=1, sort_keys=True))
    require_nothing_left(report)
    return in_words(report)


def _value(given: str) -> str:
    return sys.stdin.readline().strip() if given == FROM_INPUT else given


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"option --report {path}",
            f"cannot be written ({error.strerror}); the erasure itself is done",
            "name a file that may be written, and repeat the command to have the report",
        ) from None
