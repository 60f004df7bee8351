"""
The files that pages load, by the names they have in addresses. Nothing else is ever served.

An address holds the digest of the file, so that browsers may keep it for ever.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FILES = ("console.css", "console.js", "charts.js", "echarts.common.min.js")


@dataclass(frozen=True)
class Asset:
    """A file: where it is found below the console, its media type, its bytes."""

    address: str
    media_type: str
    content: bytes


@cache
def _assets() -> dict[str, Asset]:
    found = {}
    for name in _FILES:
        content = (files(__package__) / name).read_bytes()
        stem, _, ending = name.rpartition(".")
        served = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        found[name] = Asset(f"static/{served}", _TYPES[ending], content)
    return found


class _Addresses:
    """The address of a file by its name, for templates."""

    def __getitem__(self, name: str) -> str:
        return _assets()[name].address


ASSETS = _Addresses()


def asset(address: str) -> Asset | None:
    """The file with this address; None when there is none."""
    return next((found for found in _assets().values() if found.address == address), None)
