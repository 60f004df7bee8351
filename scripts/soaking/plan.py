"""What a run of the soak meets: drawn from a seed, the same on every machine."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.component.faults.breaking import NUMBERS, S3_KINDS
from tests.contract.faults.matrix import Case, cases
from tests.contract.faults.test_network_faults import SPOILED

STEPS = (
    "choose_source",
    "refresh_token",
    "inspect_org",
    "extract",
    "transform",
    "reconcile",
    "check",
    "publish",
    "load_warehouse",
)

ON_S3 = 10
"""Every so many runs landing and staging are behind an S3 API; the emulated one costs ten times a disk."""


@dataclass(frozen=True)
class Plan:
    """
    One run.

    Attributes:
        number: of the run, from 1.
        storage: ``disk`` or ``s3``.
        rotation: whether the org rotates refresh tokens.
        standby: whether the connection has a standby grant.
        expires: whether the stored session has ended before the run.
        case: a case of the fault matrix, or None.
        spoiled: a name in :data:`SPOILED`, or empty.
        broken: what is wrong with the storage: step, kind and number; empty for nothing.
        killed: step that is killed, and after what share of its usual time; empty for none.
    """

    number: int
    storage: str
    rotation: bool
    standby: bool
    expires: bool
    case: Case | None = None
    spoiled: str = ""
    broken: dict[str, Any] = field(default_factory=dict)
    killed: tuple[str, float] | tuple[()] = ()

    @property
    def names(self) -> list[str]:
        """What the run meets, in words for the summary."""
        found = [f"org: {self.case.name}"] if self.case else []
        found += [f"network: {self.spoiled}"] if self.spoiled else []
        found += [f"storage: {self.broken['kind']}"] if self.broken else []
        found += [f"killed: {self.killed[0]}"] if self.killed else []
        return found or ["nothing"]


def draw(seed: int, number: int) -> Plan:
    """
    Decide what a run meets.

    Args:
        seed: of the soak.
        number: of the run.

    Returns:
        One thing in most runs, two in some, nothing in a few.
    """
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - no secret
    storage = "disk" if number % ON_S3 else "s3"
    rotation, standby = chance.random() < 0.6, chance.random() < 0.75
    wanted = chance.choices(
        (("org",), ("network",), ("broken",), ("killed",), ("org", "killed"), ("broken", "network"), ()),
        (30, 12, 20, 20, 6, 6, 6),
    )[0]
    return Plan(
        number,
        storage,
        rotation,
        standby,
        chance.random() < 0.7,
        chance.choice(cases()) if "org" in wanted else None,
        chance.choice(list(SPOILED)) if "network" in wanted else "",
        _breakage(chance, storage) if "broken" in wanted else {},
        (chance.choice(STEPS), chance.uniform(0.0, 1.1)) if "killed" in wanted else (),
    )


def _breakage(chance: random.Random, storage: str) -> dict[str, Any]:
    step = chance.choice(STEPS)
    if storage == "s3":
        count = chance.choice((1, 1, 3, 1000))
        nth = int(chance.expovariate(1 / 12)) + 1
        return {"step": step, "kind": f"s3 {chance.choice(S3_KINDS)}", "nth": nth, "count": count}
    if chance.random() < 0.3:
        return {"step": step, "kind": "disk limit", "bytes": int(2 ** chance.uniform(8, 18))}
    nth = int(chance.expovariate(1 / 8)) + 1
    return {"step": step, "kind": f"disk {chance.choice(list(NUMBERS))}", "nth": nth}
