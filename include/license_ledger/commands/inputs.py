"""``license-ledger inputs``: read the files of one's own and say what they are good for, without loading."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from license_ledger.commands.places import Places
from license_ledger.inputs.given import Inputs, read_inputs
from license_ledger.settings import load_settings

__all__ = ["add_to", "run"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "inputs", help="what price list, crosswalk and directory say; nothing is loaded"
    )
    parser.set_defaults(command=lambda options: run(options, places))


def run(_: argparse.Namespace, places: Places) -> str:
    """
    Read the files that the settings name.

    Returns:
        Rows per file, and the products that only one of price list and crosswalk knows.

    Raises:
        InputRefused: naming file, line and column.
    """
    inputs = read_inputs(load_settings(), datetime.now(UTC), places.open_storage)
    files = inputs.tables["input_files"].to_pylist()
    if not files:
        return "No file is named: see the settings prices, license_products and directory."
    lines = [f"{file['input_name']}: {file['row_count']} rows" for file in files]
    return "\n".join([*lines, *_one_sided(inputs)])


def _one_sided(inputs: Inputs) -> list[str]:
    priced = set(inputs.tables["prices"]["product"].to_pylist())
    assigned = set(inputs.tables["license_products"]["product"].to_pylist())
    told = (
        ("In the price list, and no license was bought as it", priced - assigned),
        ("In the crosswalk, and it has no price", assigned - priced),
    )
    return [f"{what}: {', '.join(sorted(names))}" for what, names in told if names]
