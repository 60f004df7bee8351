"""Roles: the company's hierarchy and one for each partner account of the first few."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from demo_org.world.catalogue.personas import PARTNER
from demo_org.world.draws import Ints
from demo_org.world.population import Population, moments
from demo_org.world.tables.columns import Source, small

ROLES: tuple[tuple[str, int | None], ...] = (
    ("CEO", None),
    ("SVP Sales & Marketing", 0),
    ("VP Sales EMEA", 1),
    ("VP Sales Americas", 1),
    ("Sales Team Nord", 2),
    ("Sales Team S\u00fcd", 2),
    ("Marketing Team", 1),
    ("SVP Customer Service", 0),
    ("Service Team EMEA", 7),
    ("Service Team Americas", 7),
    ("CFO", 0),
    ("Back Office", 10),
)
"""Name and position of the parent. Row order is id order; portal roles follow."""


def portal_roles(people: Population) -> int:
    """Return how many accounts have a partner role."""
    return min(people.account_count, 20)


def role_of(people: Population, rows: Ints, moment: int) -> Ints:
    """Return positions of the rows' roles at a moment, -1 for none; a new profile may bring a new role."""
    draws = people.draws
    later = people.lines.moved[rows] <= moment
    role = np.where(later, draws.below("role later", rows, len(ROLES)), draws.below("role", rows, len(ROLES)))
    role = np.where(draws.chance("no role", rows, 0.2) | ~people.is_employee(rows), -1, role)
    partner = people.is_external(rows) & (people.lines.persona[rows] == PARTNER)
    account = people.account_of(rows)
    return np.where(partner & (account < portal_roles(people)), len(ROLES) + account, role)


def source(people: Population) -> Source:
    """Return the `UserRole` table."""
    portal = portal_roles(people)
    names = [name for name, _ in ROLES] + [f"Partner Account {n} Partner User" for n in range(1, portal + 1)]
    parents = [None if p is None else people.id_of("00E", p + 1) for _, p in ROLES] + [None] * portal
    size = len(names)
    when = moments(np.full(size, people.anchor - 2_000 * 86_400)).to_pylist()
    text, stamp = pa.string(), pa.timestamp("ms", "UTC")
    kinds = ["None"] * len(ROLES) + ["Partner"] * portal
    return small(
        {
            "Id": (people.ids("00E", np.arange(1, size + 1)).to_pylist(), text),
            "Name": (names, text),
            "ParentRoleId": (parents, text),
            "RollupDescription": (names, text),
            "DeveloperName": (["".join(c for c in name if c.isalnum()) for name in names], text),
            "PortalType": (kinds, text),
            "PortalRole": ([None if kind == "None" else "Worker" for kind in kinds], text),
            "PortalAccountId": (
                [None] * len(ROLES) + people.ids("001", np.arange(1, portal + 1)).to_pylist(),
                text,
            ),
            "LastModifiedDate": (when, stamp),
            "LastModifiedById": ([people.admin_id] * size, text),
            "SystemModstamp": (when, stamp),
        }
    )
