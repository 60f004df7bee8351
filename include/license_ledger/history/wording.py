"""
How the set-up audit trail words what happened to users. Constants and one function; imports nothing of ours.

Action codes are the same in every language, the sentences are not. Entries name the user by name, by username
or, in newer releases, by id as well; several generations of wording live side by side. Sources: Object
Reference, SetupAuditTrail; action codes and sentences as seen in the trails of real orgs.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Attribute = Literal[
    "active",
    "frozen",
    "profile",
    "role",
    "feature",
    "email",
    "username",
    "federation",
    "permission_set",
    "package",
]
"""What an entry changes of a user."""

RECORD: frozenset[str] = frozenset(
    {"active", "profile", "role", "feature", "email", "username", "federation"}
)
"""Attributes of the User record itself, whose change moves ``User.LastModifiedDate``."""

LAYERS: frozenset[str] = frozenset({"permission_set", "package"})
"""Attributes that are assignments: seats of licenses of that layer."""


class Meaning(NamedTuple):
    """
    What an action code says.

    Attributes:
        attribute: what is changed.
        after: 1 switched on, 0 switched off, -1 told by the sentence or not at all.
        feature: lower-case word of the feature license; empty for other attributes.
        names_user: whether the sentence names a user at all.
    """

    attribute: Attribute
    after: int
    feature: str = ""
    names_user: bool = True


_EXACT: dict[str, Meaning] = {
    "activateduser": Meaning("active", 1),
    "deactivateduser": Meaning("active", 0),
    "CSPUserDisabled": Meaning("active", 0),
    "PRMUserDisabled": Meaning("active", 0),
    "frozeuser": Meaning("frozen", 1),
    "unfrozeuser": Meaning("frozen", 0),
    "changedemail": Meaning("email", -1),
    "changedusername": Meaning("username", -1),
    "changedfederationid": Meaning("federation", -1),
    "PermSetLicenseAssign": Meaning("permission_set", 1),
    "PermSetLicenseUnassign": Meaning("permission_set", 0),
    "granteduserpackagelicense": Meaning("package", 1),
    "revokeduserpackagelicense": Meaning("package", 0),
    # These two name the package and no user; they are written together with the two above.
    "addeduserpackagelicense": Meaning("package", 1, names_user=False),
    "removeduserpackagelicense": Meaning("package", 0, names_user=False),
}
_FEATURE = re.compile(r"changed(\w+?)user(offon|onoff)")
_STARTS: dict[str, Attribute] = {"changedprofileforuser": "profile", "changedroleforuser": "role"}


def meaning_of(action: str) -> Meaning | None:
    """What an action code says of a user's licenses or access; None when it says nothing of them."""
    if action in _EXACT:
        return _EXACT[action]
    for start, attribute in _STARTS.items():
        if action.startswith(start):
            return Meaning(attribute, -1)
    found = _FEATURE.fullmatch(action)
    if found is None:
        return None
    return Meaning("feature", 1 if found[2] == "offon" else 0, found[1].lower())


_ID = r"(?: \(UserID: \[\w+\]\))?\.?$"

TEMPLATES: dict[Attribute, tuple[str, ...]] = {
    "active": (
        r"^(?:Activated|Deactivated|Reactivated) user (?P<who>.+?)" + _ID,
        r"^User (?P<who>\S+@\S+) (?:disabled|enabled) as an? .+ user\.?$",
    ),
    "frozen": (
        r"^(?:Froze|Unfroze) user account for (?P<who>.+?)" + _ID,
        r"^(?:Froze|Unfroze) user (?P<who>.+?)" + _ID,
    ),
    "profile": (r"^Changed profile for user (?P<who>.+) from (?P<before>.+) to (?P<after>.+?)\.?$",),
    "role": (
        r"^Changed role for user (?P<who>.+) from (?P<before>.+) to (?P<after>.+?)\.?$",
        r"^Changed role for user (?P<who>.+) to (?P<after>.+?)\.?$",
    ),
    "feature": (
        r"^For user (?P<who>.+), changed (?P<license>.+) from o(?:n|ff) to o(?:n|ff)\.?$",
        r"^Changed (?P<license>.+) checkbox for user (?P<who>.+) from o(?:n|ff) to o(?:n|ff)\.?$",
    ),
    "email": (
        r"^(?:Changed email(?: address)? for user|For user) (?P<who>.+?)(?:, changed email(?: address)?)? "
        r"from (?P<before>\S+@\S+) to (?P<after>\S+@\S+?)\.?$",
        r"^Changed email(?: address)? for user (?P<who>.+?)" + _ID,
        r"^For user (?P<who>.+), changed email(?: address)?\.?$",
    ),
    "username": (
        r"^(?:Changed username for user|For user) (?P<who>.+?)(?:, changed username)? "
        r"from (?P<before>\S+@\S+) to (?P<after>\S+@\S+?)\.?$",
        r"^Changed username for user (?P<who>.+?)" + _ID,
    ),
    "federation": (
        r"^(?:Changed federation (?:id|identifier) for user|For user) (?P<who>.+?)"
        r"(?:, changed federation \w+)? "
        r"from (?P<before>.+) to (?P<after>.+?)\.?$",
        r"^Changed federation (?:id|identifier) for user (?P<who>.+?)" + _ID,
    ),
    "permission_set": (
        r"^Permission set license (?P<license>.+): (?:un)?assigned (?:to|from) user (?P<who>.+?)" + _ID,
        r"^Permission set license (?P<license>.+) removed from user (?P<who>.+?)" + _ID,
    ),
    "package": (
        r"^(?:Granted|Revoked) (?P<license>\D.*) package license (?:to|from) user (?P<who>.+?)" + _ID,
        r"^(?:Granted|Revoked) \d+ User Package Licenses? (?:for|from) User with ID: \w+\.?$",
        r"^(?:Added|Removed) \d+ User Package Licenses? for Package License with ID: \w+\.?$",
        r"^Revoked User Package License assignment\.?$",
    ),
}
"""English sentences per attribute, the most telling first. The groups are ``who, before, after, license``."""

USER_ID = r"\b(?P<id>005[0-9A-Za-z]{12})(?:[0-9A-Za-z]{3})?\b"
"""A user's id anywhere in a sentence of any language; its first 15 characters."""

LICENSE_ID = r"\b(?P<id>(?:050|0PL)[0-9A-Za-z]{12})(?:[0-9A-Za-z]{3})?\b"
"""The id of a package or permission set license in a sentence; its first 15 characters."""
