"""
What is written down about a hand-named account.

Days count from the anchor, negative for the past. `{org}` stands for the org id in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Spans = Mapping[str, tuple[float, float | None]]
"""Key of a grant to the days on which it was assigned and removed (None: never removed)."""


@dataclass(frozen=True)
class Named:
    """
    One hand-named account.

    Attributes:
        profile: Name of the profile at the start.
        created: Day of creation.
        user_type: `UserType` when it does not follow from the profile.
        typed: False where `UserType` is empty.
        login_every: Days between logins; 0 is never.
        left, back, left_again: Days of deactivation, reactivation, and final deactivation.
        frozen, thawed: Days between which login is blocked.
        moved: Day and name of a later profile.
        stopped: Day of the last login, from which on nobody comes any more.
        account: Position of the account of an external user.
        texts: Fields whose value is written here.
    """

    first: str | None
    last: str
    email: str | None
    profile: str
    created: float = -900.0
    username: str | None = None
    user_type: str | None = None
    typed: bool = True
    login_every: int = 1
    left: float | None = None
    back: float | None = None
    left_again: float | None = None
    frozen: float | None = None
    thawed: float | None = None
    moved: tuple[float, str] | None = None
    stopped: float | None = None
    account: int | None = None
    permission_set_licenses: Spans = field(default_factory=dict)
    packages: Spans = field(default_factory=dict)
    features: Spans = field(default_factory=dict)
    texts: Mapping[str, str | None] = field(default_factory=dict)


ALWAYS: tuple[float, float | None] = (-800.0, None)
"""Assigned long ago and never removed."""
