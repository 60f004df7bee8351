"""
One person: every id and value by which files know him or her, and how to find them. Lives in memory only.

May import staging, rules and ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.privacy.files import Group, references
from license_ledger.schemas import USERS
from license_ledger.transform.emails import Addresses, canonical_domain
from license_ledger.transform.mailboxes import PUBLIC_MAILBOXES

IDENTIFYING: dict[str, tuple[str, ...]] = {
    "User": ("Username", "Email", "Name", "EmployeeNumber", "FederationIdentifier"),
    "users": tuple(column.name for column in USERS.columns if column.personal == "identity"),
}
"""Fields of landed users and columns of published ones that say who somebody is."""

KINDS = {
    "Username": "user name",
    "username": "user name",
    "Email": "e-mail address",
    "email": "e-mail address",
    "Name": "name",
    "name": "name",
    "EmployeeNumber": "employee number",
    "employee_number": "employee number",
    "FederationIdentifier": "federation id",
    "federation_id": "federation id",
}
"""What kind of value each of these holds."""

UNIQUE = ("user name", "e-mail address", "federation id")
"""Kinds of values that are made to be somebody's alone."""

_COMPANY_REASONS = ("domain", "subdomain", "legal_entity")
_SHORTEST, _SHORTEST_NAME = 6, 4
"""Shorter values mean something else elsewhere, and occur in compressed bytes by chance."""
_TEXT = pa.string()


@dataclass
class Sighting:
    """
    What one file says of a person.

    Attributes:
        rows: rows that mention the person by id.
        values: identifying values, with what kind of value each is, such as ``name``.
        shared: kinds of values that somebody else has as well.
        domains: e-mail domains of the person, with whether they say nothing about who it is.
        meets: whether the tombstone of an interrupted erasure is beside the person.
    """

    rows: int = 0
    values: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    domains: dict[str, bool] = field(default_factory=dict)
    meets: bool = False

    def add(self, other: Sighting) -> None:
        """Add what another part of the file says."""
        self.rows += other.rows
        self.meets |= other.meets
        self.values.update(other.values)
        self.shared |= other.shared
        for domain, is_shared in other.domains.items():
            self.domains[domain] = self.domains.get(domain, False) or is_shared


@dataclass
class Person:
    """
    A person to be erased.

    Attributes:
        org_id: of the org.
        ids: user id and, where pseudonyms are made, the pseudonym; 18 characters each.
        values: every identifying value that any file has, with its kind.
        shared: kinds of values that somebody else has as well.
        domains: e-mail domains that others share, or that are the company's own.
        planned: the tombstone of an interrupted erasure; blank when there is none. Where it is beside the
            person, it is somebody else's.
    """

    org_id: str
    ids: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    planned: str = ""

    def learn(self, sighting: Sighting) -> None:
        """Add what a file says."""
        self.values.update(sighting.values)
        self.shared |= sighting.shared
        self.domains |= {domain for domain, is_shared in sighting.domains.items() if is_shared}

    @property
    def short_ids(self) -> list[str]:
        """The ids in their form of 15 characters, which the long form begins with."""
        return [each[:15] for each in self.ids]

    def among(self, ids: pa.Array) -> pa.Array:
        """Whether each id is one of the person's; an id of 15 characters counts as well."""
        every = [*self.ids, *(each[:15] for each in self.ids)]
        return pc.is_in(ids, value_set=pa.array(every, _TEXT))

    @property
    def wanted(self) -> list[str]:
        """Values that say who somebody is wherever they stand; a number such as 007 does not."""
        return [
            value
            for value, kind in self.values.items()
            if kind in UNIQUE or len(value) >= (_SHORTEST_NAME if kind == "name" else _SHORTEST)
        ]

    @property
    def firm(self) -> list[str]:
        """Of the values that are wanted, those that name no license, profile or role besides."""
        return [value for value in self.wanted if self.values[value] != "name"]

    @property
    def telling(self) -> list[str]:
        """Values that do not occur by chance, not even within compressed bytes, and that nobody else has."""
        return [
            value
            for value, kind in self.values.items()
            if kind in UNIQUE and kind not in self.shared and len(value.encode()) >= _SHORTEST
        ]


def pattern(
    needles: Iterable[str], *, bounded: bool = True, grouped: bool = False, checksum: bool = False
) -> str:
    """
    A regular expression (RE2) that finds any of the needles.

    Args:
        needles: texts; none of them blank.
        bounded: whether a needle must stand by itself: "Ann Lee" is not in "Joann Leeds".
        grouped: whether what stands before and behind are groups, for replacing what is between.
        checksum: whether the needles are ids in their short form, which three more characters may follow.
    """
    every = "|".join(sorted({re.escape(each) for each in needles}, key=len, reverse=True))
    before, behind = (r"^|[^\pL\pN._%+-]", r"[^\pL\pN]|$") if bounded else ("", "")
    tail = "(?:[A-Z0-5]{3})?" if checksum else ""
    if grouped:
        return f"({before})(?:{every}){tail}({behind})"
    return f"(?:{before})(?:{every})(?:{behind})" if bounded else f"(?:{every})"


def mentioned(group: Group, person: Person) -> pa.Array | None:
    """Which rows of a file mention a person by id; None when none does."""
    found: pa.Array | None = None
    for name in references(group):
        if group.may_hold(name, [*person.ids, *person.short_ids]):
            there = person.among(group.column(name))
            if pc.any(there).as_py():
                found = there if found is None else pc.or_(found, there)
    return found


def look(kind: str, group: Group, person: Person) -> Sighting:
    """
    See what a row group says of a person.

    Args:
        kind: API name of a landed object, or name of a published table.
        group: the row group.
        person: whose ids are known.

    Returns:
        What is there; nothing, when no id of the person is.
    """
    rows = mentioned(group, person)
    if rows is None:
        return Sighting()
    found = Sighting(rows=int(pc.sum(rows).as_py()))
    if kind in IDENTIFYING:
        ids = group.column("Id" if kind == "User" else "user_id")
        own = person.among(ids)
        if pc.any(own).as_py():
            found.meets = bool(person.planned) and bool(pc.any(pc.equal(ids, person.planned)).as_py())
            _identify(kind, group, own, found)
    return found


def _identify(kind: str, group: Group, own: pa.Array, found: Sighting) -> None:
    group.load([*IDENTIFYING[kind], "email_domain", "scope_reason"])
    for name in IDENTIFYING[kind]:
        if name not in group:
            continue
        column = group.column(name)
        for value in column.filter(own).to_pylist():
            if value and value.strip():
                found.values[value.strip()] = KINDS[name]
                if pc.sum(pc.equal(column, value)).as_py() > pc.sum(own).as_py():
                    found.shared.add(KINDS[name])
    if kind == "users":
        _published_domains(group, own, found)
    elif "Email" in group:
        _landed_domains(group.column("Email"), own, found)


def _published_domains(group: Group, own: pa.Array, found: Sighting) -> None:
    if "email_domain" not in group:
        return
    domains = group.column("email_domain")
    reasons = group.column("scope_reason").filter(own).to_pylist()
    for domain, reason in zip(domains.filter(own).to_pylist(), reasons, strict=True):
        if domain:
            others = pc.and_not(pc.equal(domains, domain), own)
            is_shared = bool(pc.any(others).as_py()) or reason in _COMPANY_REASONS
            found.domains[domain] = is_shared or domain in PUBLIC_MAILBOXES


def _landed_domains(emails: pa.Array, own: pa.Array, found: Sighting) -> None:
    own_domains = Addresses.of(emails.filter(own)).domain.to_pylist()
    for domain in {canonical_domain(each) for each in own_domains if each} - {None}:
        assert domain is not None
        others = pc.and_not(pc.ends_with(pc.utf8_lower(emails), f"@{domain}"), own)
        found.domains[domain] = bool(pc.any(others).as_py()) or domain in PUBLIC_MAILBOXES
