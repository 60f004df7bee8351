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

_NAMES = ("Name", "name", "EmployeeNumber", "employee_number")
"""Of these, the ones that others may share by chance."""
_COMPANY_REASONS = ("domain", "subdomain", "legal_entity")
_SHORTEST = 6
"""Shorter values occur in compressed bytes by chance."""
_TEXT = pa.string()


@dataclass
class Sighting:
    """
    What one file says of a person.

    Attributes:
        rows: rows that mention the person by id.
        values: identifying values, by whether others may share them by chance.
        domains: e-mail domains of the person, with whether they say nothing about who it is.
    """

    rows: int = 0
    values: dict[str, bool] = field(default_factory=dict)
    domains: dict[str, bool] = field(default_factory=dict)


@dataclass
class Person:
    """
    A person to be erased.

    Attributes:
        org_id: of the org.
        ids: user id and, where pseudonyms are made, the pseudonym; 18 characters each.
        values: every identifying value that any file has; True for those that others may share by chance.
        domains: e-mail domains that others share, or that are the company's own.
    """

    org_id: str
    ids: tuple[str, ...]
    values: dict[str, bool] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)

    def learn(self, sighting: Sighting) -> None:
        """Add what a file says."""
        for value, is_common in sighting.values.items():
            self.values[value] = self.values.get(value, True) and is_common
        self.domains |= {domain for domain, is_shared in sighting.domains.items() if is_shared}

    def among(self, ids: pa.Array) -> pa.Array:
        """Whether each id is one of the person's; an id of 15 characters counts as well."""
        every = [*self.ids, *(each[:15] for each in self.ids)]
        return pc.is_in(ids, value_set=pa.array(every, _TEXT))

    @property
    def needles(self) -> dict[str, bool]:
        """What a search looks for: ids in their short form, and values; True for those of ids."""
        return {**dict.fromkeys(self.values, False), **{each[:15]: True for each in self.ids}}

    @property
    def telling(self) -> list[str]:
        """Needles that are long enough not to occur by chance, even within compressed bytes."""
        return [needle for needle in self.needles if len(needle.encode()) >= _SHORTEST]


def pattern(needles: Iterable[str], *, bounded: bool = True) -> str:
    """
    A regular expression (RE2) that finds any of the needles; ids as they are, all else in any case.

    Args:
        needles: texts; none of them blank.
        bounded: whether a needle must stand by itself: "Ann Lee" is not in "Joann Leeds".
    """
    every = "|".join(sorted({re.escape(each) for each in needles}, key=len, reverse=True))
    return rf"(?:^|[^\pL\pN._%+-])(?:{every})(?:[^\pL\pN]|$)" if bounded else f"(?:{every})"


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
    found = Sighting()
    own: pa.Array | None = None
    mentioned: pa.Array | None = None
    for name in references(group):
        if not group.may_hold(name, [*person.ids, *(each[:15] for each in person.ids)]):
            continue
        there = person.among(group.column(name))
        if pc.any(there).as_py():
            mentioned = there if mentioned is None else pc.or_(mentioned, there)
            if name in ("Id", "user_id"):
                own = there
    if mentioned is not None:
        found.rows = int(pc.sum(mentioned).as_py())
    if own is not None and kind in IDENTIFYING:
        _identify(kind, group, own, found)
    return found


def _identify(kind: str, group: Group, own: pa.Array, found: Sighting) -> None:
    for name in IDENTIFYING[kind]:
        if name in group:
            for value in group.column(name).filter(own).to_pylist():
                if value and value.strip():
                    found.values[value.strip()] = name in _NAMES
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
