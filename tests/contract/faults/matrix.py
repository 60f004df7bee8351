"""The table of cases beside this module, read. Standard library only."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

RECOVERS, RETRIES, FAILS = "recovers", "retries later", "fails at once"


@dataclass(frozen=True)
class Case:
    """One row of ``matrix.toml``, which explains the fields."""

    part: str
    name: str
    behaviors: tuple[int, ...]
    does: str
    ledger: str
    outcome: str
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    org: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    hide: tuple[str, ...] = ()
    ahead: float = 0.0
    standby: bool = False
    error: str = ""
    words: str = ""
    afterwards: str = ""
    without: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    never: str = ""


@cache
def cases() -> tuple[Case, ...]:
    """Every case, in the order of the file."""
    found = tomllib.loads(Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8"))["case"]
    return tuple(Case(**{key: _frozen(value) for key, value in entry.items()}) for entry in found)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
