"""``license-ledger pools``: the pools of the orgs, as Airflow imports them."""

from __future__ import annotations

import argparse
import json

from license_ledger.pools import org_pool
from license_ledger.settings import load_settings

__all__ = ["add_to", "run"]

SLOTS = 4
"""Each task asks Salesforce for two things at once; a developer org serves five long requests at a time."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "pools",
        help="print the Airflow pools of the orgs, for `airflow pools import`",
        description="Print one Airflow pool per org, as JSON for `airflow pools import`. With the setting "
        "org_pools the tasks that ask Salesforce run in them. A task whose pool does not exist is never run.",
    )
    parser.add_argument(
        "--slots", type=int, default=SLOTS, help=f"tasks of one org that run at once; default: {SLOTS}"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> str:
    """Print the pools."""
    pools = {
        org_pool(org): {
            "slots": options.slots,
            "description": f"Tasks that ask the org of connection {org}",
            "include_deferred": False,
        }
        for org in load_settings().orgs
    }
    return json.dumps(pools, indent=2)
