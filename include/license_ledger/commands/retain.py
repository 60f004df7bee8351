"""``license-ledger retain``: take the days out that the settings no longer keep."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime

from license_ledger.commands.places import Places
from license_ledger.errors import ConfigError
from license_ledger.privacy.history import HistoryReceipt, retain_history
from license_ledger.staging.published import published_orgs
from license_ledger.staging.retention import Policy

__all__ = ["add_to", "run"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser("retain", help="take the days out that the settings no longer keep")
    parser.add_argument("--org", help="18-character org id; default: every org that is published")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="count ages from this day, YYYY-MM-DD; only with --dry-run"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say which days would go")
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> str:
    """
    Thin out the history of one org or of all.

    Raises:
        ConfigError: another day than today was given for more than a dry run.
        StoreBusy, CorruptSnapshot, StagingUnwritable: the command can be repeated and goes on.
    """
    settings = places.settings()
    if options.today and not options.dry_run:
        raise ConfigError("option --today", "is given without --dry-run", "leave it out, or only have a look")
    if Policy.of(settings).keeps_everything:
        return "Every day is kept: history_daily_days is 0."
    landing, staging = places.landing(settings), places.staging(settings)
    today = options.today or datetime.now(UTC).date()
    receipts = [
        retain_history(landing, staging, settings, org_id=org_id, today=today, dry_run=options.dry_run)
        for org_id in ([options.org] if options.org else published_orgs(staging))
    ]
    return "\n".join(map(_in_words, receipts)) or "Nothing is published."


def _in_words(receipt: HistoryReceipt) -> str:
    would = "would be " if receipt["dry_run"] else ""
    lines = [
        f"Org {receipt['org_id']}: {receipt['kept']} days stay, {len(receipt['dropped'])} {would}dropped, "
        f"{len(receipt['unloaded'])} {would}taken out of the warehouse."
    ]
    if receipt["dropped"]:
        lines.append(f"Dropped: {', '.join(receipt['dropped'])}")
    if receipt["busy"]:
        lines.append(f"Being written, and left for the next time: {', '.join(receipt['busy'])}")
    return "\n".join(lines)
