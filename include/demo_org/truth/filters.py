"""The company filter, as the people who wrote it meant it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from demo_org.truth.addresses import ascii_domain

PUBLIC_MAILBOXES = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "yahoo.com",
        "icloud.com",
        "gmx.de",
        "web.de",
    ]
)
"""Every public provider the demo org's people use."""


class DomainSet:
    """
    Some domains: exact ones, and `*.name` for everything below a name.

    Args:
        entries: As a person writes them; a leading @ is tolerated.

    Raises:
        ValueError: For an entry which is no domain.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self.exact: set[str] = set()
        self.below: set[str] = set()
        for entry in entries:
            text = entry.strip().removeprefix("@")
            domain = ascii_domain(text.removeprefix("*."))
            if domain is None:
                raise ValueError(f"{entry!r} is neither a domain nor a declared legal entity")
            (self.below if text.startswith("*.") else self.exact).add(domain)

    def has_below(self, domain: str, *, of_exact: bool = False) -> bool:
        """Say whether a domain lies below one of the `*.` entries, or below an exact one when asked."""
        roots = self.below | self.exact if of_exact else self.below
        return any(domain.endswith(f".{root}") for root in roots)

    def has(self, domain: str) -> bool:
        """Say whether a domain is meant by one of the entries."""
        return domain in self.exact or self.has_below(domain)

    def is_near(self, domain: str) -> bool:
        """Say whether a domain is meant, or lies below a domain that is."""
        return self.has(domain) or self.has_below(domain, of_exact=True)

    def __bool__(self) -> bool:
        return bool(self.exact or self.below)


class CompanyFilter:
    """
    Who belongs to the companies asked for.

    Args:
        company_names: Domains, `*.domain`, names of legal entities, or `*`.
        legal_entities: Entity name to its domains.

    Raises:
        ValueError: For no entry, a blank one, or one which is neither a domain nor a declared entity.
    """

    def __init__(self, company_names: Sequence[str], legal_entities: Mapping[str, Sequence[str]]) -> None:
        wanted = [name.strip() for name in company_names]
        if not wanted or not all(wanted):
            raise ValueError("the company names are empty, or one of them is blank")
        declared = {name.strip().casefold(): DomainSet(domains) for name, domains in legal_entities.items()}
        self.everyone = "*" in wanted
        self.named = DomainSet(n for n in wanted if n != "*" and n.casefold() not in declared)
        chosen = {name.casefold() for name in wanted} & declared.keys()
        self.selected = [declared[name] for name in sorted(chosen)]
        self.others = [domains for name, domains in declared.items() if name not in chosen]

    def reason(self, domain: str) -> str:
        """Return the scope reason of a usable address at a domain, when names were asked for."""
        if domain in self.named.exact:
            return "domain"
        if self.named.has_below(domain):
            return "subdomain"
        if any(entity.has(domain) for entity in self.selected):
            return "legal_entity"
        if any(entity.is_near(domain) for entity in self.others):
            return "other_company"
        return "public_mailbox" if domain in PUBLIC_MAILBOXES else "third_party_domain"

    def is_company(self, domain: str) -> bool:
        """Say whether a domain belongs to the company or one of its entities, as far as they are declared."""
        return self.named.has(domain) or any(e.is_near(domain) for e in (*self.selected, *self.others))

    @property
    def knows_company(self) -> bool:
        """Whether anything is declared at all, so that outsiders can be told by their domain."""
        return bool(self.named or self.selected or self.others)
