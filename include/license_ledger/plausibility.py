"""
Whether an extract can be true: nothing is published as a mass of leavers that is only a gap. Pure.

May import errors only. Compared is what was *landed*, which no company filter changes, with what was landed
for the newest snapshot up to that day.
"""

from __future__ import annotations

from collections.abc import Mapping

from license_ledger.errors import ImplausibleSnapshot

NEVER_EMPTY = ("Organization", "User", "Profile", "UserLicense")
"""Every org has rows of these: the integration user itself, its profile, its license."""

DATED = frozenset(
    {
        "ActiveProfileMetric",
        "ActivePermSetLicenseMetric",
        "ActiveFeatureLicenseMetric",
        "LoginHistory",
        "SetupAuditTrail",
    }
)
"""Rows of these are as many as days were asked for; that they become fewer means nothing."""

SMALL = 20
"""Below this many rows a few leavers are a large share, and nothing is made of it."""


def require_plausible(
    landed: Mapping[str, int], before: Mapping[str, int] | None, shrink_tolerance: float
) -> None:
    """
    Refuse an extract that is empty, or has shrunk too much.

    Args:
        landed: rows per landed object.
        before: the same of the newest snapshot; None when there is none.
        shrink_tolerance: share of the rows of an object that may disappear, 0 to 1.

    Raises:
        ImplausibleSnapshot: naming the object and both numbers.
    """
    for name in NEVER_EMPTY:
        if name in landed and not landed[name]:
            raise ImplausibleSnapshot(
                f"extract of {name}",
                "no rows, although every org has some",
                "check what the integration user may see; the day published before is untouched",
            )
    for name, was in (before or {}).items():
        now = landed.get(name)
        if now is None or name in DATED or was < SMALL or was - now <= was * shrink_tolerance:
            continue
        raise ImplausibleSnapshot(
            f"extract of {name}",
            f"{now:,} rows, {was:,} in the snapshot before: {1 - now / was:.0%} gone",
            "if that is true, raise LICENSE_LEDGER_SHRINK_TOLERANCE for one run; "
            "the day published before is untouched",
        )
