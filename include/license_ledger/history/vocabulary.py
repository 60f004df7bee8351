"""
Names that entries use, and numbers for the chains and states they stand for. Pure; may import transform.

A chain is an attribute of a user. Attributes are numbered: the fixed ones, one per feature license, one per
permission set license, one per package.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from license_ledger.transform.features import feature_label, feature_type
from license_ledger.transform.landed import field as landed_field

FIXED = ("active", "frozen", "profile", "role", "email", "username", "federation")
"""Attributes that every user has once."""

NO_ROLE = 0
"""State of a user without a role; roles count from one."""

_NOBODY = frozenset({"", "none", "<none>", "--none--", "null"})
_TEXT = pa.string()


@dataclass(frozen=True)
class Vocabulary:
    """
    The org's own names.

    Attributes:
        profiles: ids in the order of their state numbers.
        profile_types: the kind of user (``UserType``) that goes with each profile, null where not told.
        roles: ids; the state of a role is one more than its place.
        flags: check boxes of feature licenses.
        licenses: per assignment layer the ids of its licenses.
        names: per kind of thing (``profile``, ``role``, ``permission_set``, ``package``) each name with the
            numbers of the things that bear it.
    """

    profiles: list[str]
    profile_types: pa.Array
    roles: list[str]
    flags: tuple[str, ...]
    licenses: dict[str, list[str]]
    names: dict[str, dict[str, list[int]]] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        *,
        profiles: pa.Table | None,
        roles: pa.Table | None,
        permission_set_licenses: pa.Table | None,
        package_licenses: pa.Table | None,
        flags: Sequence[str],
    ) -> Vocabulary:
        """Read the landed small objects; None stands for one that could not be read."""
        tables = {
            "profile": (profiles, ("Name",)),
            "role": (roles, ("Name", "DeveloperName")),
            "permission_set": (
                permission_set_licenses,
                ("MasterLabel", "DeveloperName", "PermissionSetLicenseKey"),
            ),
            "package": (package_licenses, ("NamespacePrefix",)),
        }
        ids = {kind: _column(table, "Id") for kind, (table, _) in tables.items()}
        return cls(
            profiles=ids["profile"],
            profile_types=pa.array(_column(profiles, "UserType"), _TEXT),
            roles=ids["role"],
            flags=tuple(flags),
            licenses={layer: ids[layer] for layer in ("permission_set", "package")},
            names={kind: _named(table, columns) for kind, (table, columns) in tables.items()},
        )

    @property
    def width(self) -> int:
        """How many attributes there are."""
        return len(FIXED) + len(self.flags) + sum(len(ids) for ids in self.licenses.values())

    def feature(self, flag: str) -> int:
        """Number of the attribute that a check box is."""
        return len(FIXED) + self.flags.index(flag)

    def first(self, layer: str) -> int:
        """Number of the first license of an assignment layer."""
        before = len(FIXED) + len(self.flags)
        return before if layer == "permission_set" else before + len(self.licenses["permission_set"])

    def features_of(self, word: str, label: str | None) -> list[int]:
        """Attributes that an action's word, or else the label in its sentence, stands for."""
        exact = {word, f"{word}user"}
        found = [flag for flag in self.flags if feature_type(flag).lower() in exact]
        if not found and label:
            labels = {label.lower(), f"{label} user".lower()}
            found = [flag for flag in self.flags if feature_label(feature_type(flag)).lower() in labels]
        if not found:
            found = [flag for flag in self.flags if word and feature_type(flag).lower().startswith(word)]
        return [self.feature(flag) for flag in found]

    def states_of(self, kind: str, text: str | None) -> list[int]:
        """State numbers of the profiles or roles of a name; empty when there is none of that name."""
        if text is None:
            return []
        if kind == "role" and text.strip().lower() in _NOBODY:
            return [NO_ROLE]
        shift = 1 if kind == "role" else 0
        return [place + shift for place in self.names[kind].get(text, [])]

    def licenses_of(self, layer: str, text: str | None, id15: str | None) -> list[int]:
        """Attributes of the licenses that an entry names by id, or else by name."""
        places: list[int] = []
        if id15 is not None:
            places = [place for place, key in enumerate(self.licenses[layer]) if key[:15] == id15]
        if not places and text is not None:
            places = self.names[layer].get(text, [])
        return [self.first(layer) + place for place in places]


def _column(table: pa.Table | None, name: str) -> list[str]:
    return [] if table is None else landed_field(table, name, _TEXT).to_pylist()


def _named(table: pa.Table | None, columns: Sequence[str]) -> dict[str, list[int]]:
    """Places by name; the first column that knows a name decides."""
    found: dict[str, list[int]] = {}
    for name in columns:
        here: dict[str, list[int]] = {}
        for place, text in enumerate(_column(table, name)):
            if text:
                here.setdefault(text, []).append(place)
        found = {**here, **found}
    return found
