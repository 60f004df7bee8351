"""How far back a landing tells of the past. May import run and errors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc

from license_ledger.errors import DayOutOfReach
from license_ledger.run import Landed
from license_ledger.salesforce.capabilities import REMEMBERED_DAYS
from license_ledger.salesforce.objects import SETUP_AUDIT_TRAIL
from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import field

REMEMBERED = timedelta(days=REMEMBERED_DAYS)


def earliest_moment(anchor: Landed) -> datetime:
    """
    The earliest moment that a landing tells of.

    Args:
        anchor: a landing that was extracted with history.

    Returns:
        180 days before its capture, or when the first user was created; UTC.

    Raises:
        DayOutOfReach: it holds no audit trail, or not when users were created; names the permission.
    """
    require_history(anchor)
    first: datetime | None = None
    for batch in anchor.folder.batches("User", ["CreatedDate"]):
        found = pc.min(field(batch, "CreatedDate", TIMESTAMP)).as_py()
        first = min(filter(None, (first, found)), default=None)
    remembered = anchor.captured_at.astimezone(UTC) - REMEMBERED
    return remembered if first is None else max(remembered, first)


def require_history(anchor: Landed) -> None:
    """
    Make sure that a landing can be rolled back.

    Raises:
        DayOutOfReach: it holds no audit trail, or not when users were created; names the permission.
    """
    plan = anchor.inspection["objects"].get(SETUP_AUDIT_TRAIL.name)
    if plan is None:
        raise DayOutOfReach(
            f"landing of {anchor.captured_at:%Y-%m-%d}",
            "was extracted without what Salesforce remembers of the past",
            "extract it again with history",
        )
    if not plan["available"]:
        raise DayOutOfReach(
            f"landing of {anchor.captured_at:%Y-%m-%d}",
            f"holds no {SETUP_AUDIT_TRAIL.name}: {plan['reason']}",
            f"give the integration user the permission '{SETUP_AUDIT_TRAIL.permission}'",
        )
    if not anchor.offers("User", "CreatedDate"):
        raise DayOutOfReach(
            f"landing of {anchor.captured_at:%Y-%m-%d}",
            "does not tell when users were created",
            "show the integration user the field User.CreatedDate by field-level security",
        )


def require_reach(anchor: Landed, moment: datetime) -> None:
    """
    Make sure that a landing tells of a moment.

    Raises:
        DayOutOfReach: naming the earliest day that it tells of, or what it lacks.
    """
    earliest = earliest_moment(anchor)
    if moment < earliest:
        day = earliest.date() if earliest == _midnight(earliest) else (earliest + timedelta(days=1)).date()
        raise DayOutOfReach(
            f"state of {moment:%Y-%m-%d %H:%M} UTC",
            f"the landing of {anchor.captured_at:%Y-%m-%d} does not tell of it",
            f"the earliest day that can be had from it is {day}",
        )
    if moment > anchor.captured_at:
        raise DayOutOfReach(
            f"state of {moment:%Y-%m-%d %H:%M} UTC",
            f"the landing of {anchor.captured_at:%Y-%m-%d} is older",
            "use a later landing",
        )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


__all__ = ["earliest_moment", "require_history", "require_reach"]
