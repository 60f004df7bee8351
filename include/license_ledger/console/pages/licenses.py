"""What the pages call a license, and how one is named in an address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from license_ledger.console.parameters import Refused


def name_of(row: Mapping[str, Any]) -> str:
    """The display name of the license in a row, else its key, else its id."""
    return str(row.get("license_name") or row.get("license_key") or row["license_id"])


def address_of(row: Mapping[str, Any]) -> str:
    """The license in a row as the parameter ``license``."""
    return f"{row['license_layer']}:{row['license_id']}"


def no_such_license() -> Refused:
    """For a license that the day does not have."""
    return Refused(404, "No such license", "The org has no such license on this day.")
