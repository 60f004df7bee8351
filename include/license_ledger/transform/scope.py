"""
The company filter: who is in scope, and why. May import errors, schemas and its neighbors.

A company name is a domain (``acme.com``, that domain alone), ``*.acme.com`` (its sub-domains alone), or the
name of a legal entity declared in the settings; ``*`` among them lets everybody in. What an e-mail domain
means is decided once per distinct domain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from license_ledger.errors import ConfigError
from license_ledger.schemas import IN_SCOPE_REASONS, SCOPE_REASONS
from license_ledger.transform.emails import canonical_domain
from license_ledger.transform.mailboxes import PUBLIC_MAILBOXES

RULES_VERSION = 1
"""Goes up when the same filter would judge the same address differently."""

HOLDER_CAUSES: tuple[str, ...] = ("in_scope", *SCOPE_REASONS[len(IN_SCOPE_REASONS) :])
"""Causes a user can give to a seat: in scope, or the reason for not being so."""

EVERYONE = "*"
_POLICIES = ("include", "exclude")
_REMEMBERED = 200_000


class Entity(Protocol):
    """A legal entity of the group, as the settings declare it."""

    @property
    def name(self) -> str:
        """Name to use among the company names."""

    @property
    def domains(self) -> Sequence[str]:
        """E-mail domains; ``*.acme.com`` for sub-domains."""


class Verdict(NamedTuple):
    """
    What an e-mail domain means.

    Attributes:
        domain: its ASCII form; None when it is no domain.
        reason: the scope reason it gives under a filter of names, whatever else is known about the user.
        is_company: whether it belongs to the company or its group.
    """

    domain: str | None
    reason: str
    is_company: bool


@dataclass(frozen=True)
class Domains:
    """
    A set of domains, some of which stand for their sub-domains.

    Attributes:
        exact: domains that match themselves.
        parents: domains that match what is below them.
    """

    exact: frozenset[str] = frozenset()
    parents: frozenset[str] = frozenset()

    def __contains__(self, domain: object) -> bool:
        return domain in self.exact or _is_below(str(domain), self.parents)

    def __bool__(self) -> bool:
        return bool(self.exact or self.parents)

    def reach(self, domain: str) -> bool:
        """Whether the domain is one of the set, or below one of it."""
        everything = self.exact | self.parents
        return domain in everything or _is_below(domain, everything)

    @classmethod
    def union(cls, sets: Iterable[Domains]) -> Domains:
        """All domains of several sets."""
        every = list(sets)
        return cls(
            frozenset().union(*(one.exact for one in every)),
            frozenset().union(*(one.parents for one in every)),
        )

    @property
    def patterns(self) -> list[str]:
        """The set as it would be written, sorted."""
        return sorted([*self.exact, *(f"*.{parent}" for parent in self.parents)])


@dataclass(frozen=True)
class ScopeRules:
    """
    The company filter of a run, parsed and checked.

    Attributes:
        everyone: ``*`` is among the company names.
        names: the domains named directly.
        selected: the domains of the selected legal entities.
        others: the domains of the declared entities that were not selected.
        excludes_external: partner and customer users are left out by policy.
        excludes_service: integration accounts are left out by policy.
        company_names: the filter as it was given, trimmed.
        scope_hash: fingerprint of everything that decides scope; the order of entries does not matter.
    """

    everyone: bool
    names: Domains
    selected: Domains
    others: Domains
    excludes_external: bool
    excludes_service: bool
    company_names: tuple[str, ...]
    scope_hash: str
    _verdicts: dict[str, Verdict] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def parse(
        cls,
        company_names: Sequence[str],
        legal_entities: Sequence[Entity] = (),
        external_users: str = "include",
        service_accounts: str = "include",
    ) -> ScopeRules:
        """
        Read the settings that decide scope.

        Args:
            company_names: entries of the filter; repeating one is harmless.
            legal_entities: the companies of the group.
            external_users: ``include`` or ``exclude``.
            service_accounts: ``include`` or ``exclude``.

        Returns:
            Rules for :func:`license_ledger.transform.conform.people`.

        Raises:
            ConfigError: naming the blank or unknown entry, the entity's invalid domain, or the policy.
        """
        declared = _declared(legal_entities)
        entries = _entries(company_names)
        chosen = [name for name in entries if name.casefold() in declared]
        selected = {name.casefold() for name in chosen}
        direct = Domains.union(
            _domains(name, f"company name {_shown(name)}", _ENTRY_REMEDY)
            for name in entries
            if name != EVERYONE and name.casefold() not in declared
        )
        policies = {
            "external_users": _policy("external_users", external_users),
            "service_accounts": _policy("service_accounts", service_accounts),
        }
        everyone = EVERYONE in entries
        filter_ = [EVERYONE] if everyone else [direct.patterns, sorted(selected)]
        return cls(
            everyone=everyone,
            names=direct,
            selected=Domains.union(declared[key] for key in selected),
            others=Domains.union(domains for key, domains in declared.items() if key not in selected),
            excludes_external=policies["external_users"] == "exclude",
            excludes_service=policies["service_accounts"] == "exclude",
            company_names=tuple(entries),
            scope_hash=_fingerprint(
                {
                    "filter": filter_,
                    "legal_entities": {key: domains.patterns for key, domains in declared.items()},
                    "rules": RULES_VERSION,
                    **policies,
                }
            ),
        )

    @property
    def knows_company(self) -> bool:
        """Whether any domain of the company is declared, so that outsiders can be told by theirs."""
        return bool(self.names or self.selected or self.others)

    def verdict(self, domain: str) -> Verdict:
        """What a domain in normal form means; remembered for a bounded number of them."""
        known = self._verdicts.get(domain)
        if known is None:
            if len(self._verdicts) >= _REMEMBERED:
                self._verdicts.clear()
            known = self._verdicts[domain] = self._judge(domain)
        return known

    def _judge(self, text: str) -> Verdict:
        domain = canonical_domain(text)
        if domain is None:
            return Verdict(None, "unusable_email", False)
        is_company = domain in self.names or self.selected.reach(domain) or self.others.reach(domain)
        return Verdict(domain, self._reason(domain), is_company)

    def _reason(self, domain: str) -> str:
        if domain in self.names.exact:
            return "domain"
        if domain in self.names:
            return "subdomain"
        if domain in self.selected:
            return "legal_entity"
        if self.others.reach(domain):
            return "other_company"
        return "public_mailbox" if domain in PUBLIC_MAILBOXES else "third_party_domain"


parse_rules = ScopeRules.parse

_ENTRY_REMEDY = "write a domain (acme.com), its sub-domains (*.acme.com), or a legal entity of the settings"
_ENTITY_REMEDY = "write a domain (acme.com) or its sub-domains (*.acme.com) in the setting legal_entities"


def _entries(company_names: Sequence[str]) -> list[str]:
    entries = [company_names] if isinstance(company_names, str) else list(company_names)
    if not entries:
        raise ConfigError("company names", "the list is empty", f"name companies, or {EVERYONE} for everyone")
    trimmed = [str(entry).strip() for entry in entries]
    for position, entry in enumerate(trimmed, start=1):
        if not entry:
            raise ConfigError(
                f"company name {position} of {len(trimmed)}",
                "is blank",
                f"remove it, or name companies, or {EVERYONE} for everyone",
            )
    return trimmed


def _declared(legal_entities: Sequence[Entity]) -> dict[str, Domains]:
    declared: dict[str, Domains] = {}
    for entity in legal_entities:
        name = entity.name.strip()
        asked = f"legal entity {name!r}"
        if not name:
            raise ConfigError("legal entity", "has a blank name", "name it in the setting legal_entities")
        if name.casefold() in declared:
            raise ConfigError(asked, "is declared twice", "declare all its domains in one place")
        if not entity.domains:
            raise ConfigError(asked, "has no e-mail domain", _ENTITY_REMEDY)
        declared[name.casefold()] = Domains.union(
            _domains(domain, f"{asked}, domain {_shown(domain)}", _ENTITY_REMEDY) for domain in entity.domains
        )
    return declared


def _domains(entry: str, asked: str, remedy: str) -> Domains:
    """One entry as a set of domains; a leading @ and the suffix of sandbox addresses are tolerated."""
    text = entry.strip().lower().removeprefix("@")
    is_parent = text.startswith("*.")
    domain = canonical_domain(text.removeprefix("*.").removesuffix(".invalid"))
    if domain is None:
        raise ConfigError(asked, "is neither a domain nor a declared legal entity", remedy)
    return Domains(parents=frozenset({domain})) if is_parent else Domains(exact=frozenset({domain}))


def _shown(entry: str) -> str:
    """An entry as messages may show it: somebody's address, typed by mistake, without the person."""
    person, at, domain = entry.rpartition("@")
    return repr(f"…@{domain}" if at and person.strip() else entry)


def _policy(name: str, value: str) -> str:
    if value not in _POLICIES:
        raise ConfigError(f"setting {name}", f"{value!r} is not known", f"one of {', '.join(_POLICIES)}")
    return value


def _is_below(domain: str, parents: frozenset[str]) -> bool:
    rest = domain
    while "." in rest:
        rest = rest.partition(".")[2]
        if rest in parents:
            return True
    return False


def _fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
