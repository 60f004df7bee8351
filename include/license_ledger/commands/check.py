"""``license-ledger check``: what a snapshot of an org would find and cost, without taking one."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import Sessions
from license_ledger.salesforce.verdict import Cost, Look, look
from license_ledger.settings import load_settings
from license_ledger.transform.scope import parse_rules

__all__ = ["OpenOrg", "add_to", "run"]

OpenOrg = Callable[[str], tuple[Credentials, Sessions]]
"""Gives the credentials and sessions of an Airflow connection; handed in: this package knows no Airflow."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], open_org: OpenOrg) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "check",
        help="what a snapshot of an org would find and cost; nothing is written",
        description="Log in with the Airflow connection of an org, look at what its user may see, the "
        "limits, what would be extracted, and how long that would take. Nothing is extracted or "
        "written, but for a token that has to be refreshed.",
    )
    parser.add_argument("--connection", default="salesforce_default", help="default: salesforce_default")
    parser.set_defaults(command=lambda options: run(options, open_org))


def run(options: argparse.Namespace, open_org: OpenOrg) -> str:
    """
    Look at an org.

    Raises:
        LedgerError: a snapshot could not be taken; says why and what to do.
    """
    settings = load_settings()
    credentials, sessions = open_org(options.connection)
    parse_rules(credentials.company_names, settings.legal_entities)
    found = look(
        credentials,
        sessions,
        bulk_threshold=settings.bulk_threshold,
        api_reserve_percent=settings.api_reserve_percent,
    )
    lines = [found.verdict, "", f"{'object':<28}{'rows':>12}  {'by':<6}{'calls, about':>12}"]
    lines += [_line(cost) for cost in found.costs]
    return "\n".join([*lines, "", _in_all(found)])


def _line(cost: Cost) -> str:
    rows = "not told" if cost.rows is None else f"{cost.rows:,}"
    return f"{cost.object:<28}{rows:>12}  {cost.api:<6}{cost.calls:>12,}"


def _in_all(found: Look) -> str:
    rows = sum(cost.rows or 0 for cost in found.costs)
    calls = sum(cost.calls for cost in found.costs)
    words = f"In all {rows:,} rows, about {calls:,} API calls."
    if found.users_per_second is None:
        return words
    seconds = rows / found.users_per_second
    long = f"{seconds / 60:.0f} minutes" if seconds > 100 else f"{max(1, seconds):.0f} seconds"
    return (
        f"{words} One page of users came at {found.users_per_second:,.0f} a second just now; at that rate "
        f"all rows take {long}, plus what Salesforce lets bulk jobs wait."
    )
