"""The forty hand-named accounts every org begins with: each special case at least once."""

from __future__ import annotations

from demo_org.world.named.account import Named
from demo_org.world.named.employees import EMPLOYEES
from demo_org.world.named.outsiders import OUTSIDERS
from demo_org.world.named.system import SYSTEM

__all__ = ["ADMIN_ROW", "HEADCOUNT", "INTEGRATION_ROW", "NAMED", "Named"]

NAMED: tuple[Named, ...] = (*SYSTEM, *EMPLOYEES, *OUTSIDERS)
"""Row order is id order."""

INTEGRATION_ROW = next(row for row, who in enumerate(NAMED) if who.username == "license.ledger@acme.com")
ADMIN_ROW = next(row for row, who in enumerate(NAMED) if who.profile == "System Administrator")
HEADCOUNT = len(NAMED)
