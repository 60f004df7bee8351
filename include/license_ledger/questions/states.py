"""What every source has to say besides answers. Pure."""

from __future__ import annotations

TIMEOUT_SECONDS = 30.0
"""A question that takes longer is given up."""


class NothingYet(Exception):
    """Nothing has been published yet."""
