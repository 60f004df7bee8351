"""The company filter: its settings, their errors, and what a domain means."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.transform.made_org import entity

from license_ledger.errors import ConfigError
from license_ledger.schemas import CAUSES
from license_ledger.transform import scope
from license_ledger.transform.emails import canonical_domain
from license_ledger.transform.mailboxes import PUBLIC_MAILBOXES
from license_ledger.transform.scope import HOLDER_CAUSES, ScopeRules, parse_rules

GROUP = (entity("Acme Group", "acme.com", "*.acme.de"), entity("Bücher GmbH", "bücher.de"))


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "company names: the list is empty"),
        ([""], "company name 1 of 1: is blank"),
        (["acme.com", " \t"], "company name 2 of 2: is blank"),
        (["*", ""], "company name 2 of 2: is blank"),
        (["acme"], "company name 'acme': is neither a domain nor a declared legal entity"),
        (["*", "acme"], "company name 'acme': is neither"),
        (["*acme.com"], "company name '*acme.com': is neither"),
        (["*.com"], "company name '*.com': is neither"),
        (["**"], "company name '**': is neither"),
        (["https://acme.com"], "company name 'https://acme.com': is neither"),
        (["acme.com."], "company name 'acme.com.': is neither"),
        (["Acme Gruppe"], "company name 'Acme Gruppe': is neither"),
    ],
)
def test_bad_company_names_are_named(names: list[str], text: str) -> None:
    """A blank list, a blank entry and an unknown entry are configuration errors that name the item."""
    with pytest.raises(ConfigError) as caught:
        ScopeRules.parse(names, GROUP)

    assert str(caught.value).startswith(text)
    assert caught.value.remedy


def test_an_address_among_the_company_names_is_not_repeated() -> None:
    """The error about somebody's e-mail address typed as company name shows its domain only."""
    with pytest.raises(ConfigError) as caught:
        ScopeRules.parse(["ann.smith@acme.com"])

    assert "…@acme.com" in str(caught.value)
    assert "ann" not in str(caught.value)


@pytest.mark.parametrize(
    ("entities", "text"),
    [
        ([SimpleNamespace(name=" ", domains=["acme.com"])], "legal entity: has a blank name"),
        ([SimpleNamespace(name="Acme", domains=[])], "legal entity 'Acme': has no e-mail domain"),
        ([entity("Acme", "acme")], "legal entity 'Acme', domain 'acme': is neither"),
        ([entity("Acme", "acme.com", "")], "legal entity 'Acme', domain '': is neither"),
        ([entity("Acme", "acme.com"), entity("ACME", "acme.de")], "legal entity 'ACME': is declared twice"),
    ],
)
def test_bad_legal_entities_are_named(entities: list[scope.Entity], text: str) -> None:
    """A legal entity without name or domain, with an invalid domain, or declared twice is named."""
    with pytest.raises(ConfigError) as caught:
        ScopeRules.parse(["*"], entities)

    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("policy", ["external_users", "service_accounts"])
def test_bad_policies_are_named(policy: str) -> None:
    """An unknown policy is an error that names its setting."""
    with pytest.raises(ConfigError, match=f"setting {policy}: 'Include' is not known"):
        ScopeRules.parse(["*"], **{policy: "Include"})


@pytest.mark.parametrize(
    ("names", "domain", "reason"),
    [
        (["acme.com"], "acme.com", "domain"),
        (["@ACME.com "], "acme.com", "domain"),
        (["acme.com.invalid"], "acme.com", "domain"),
        (["acme.com"], "notacme.com", "third_party_domain"),
        (["acme.com"], "acme.com.evil.org", "third_party_domain"),
        (["acme.com"], "mail.acme.com", "other_company"),
        (["*.acme.com"], "mail.acme.com", "subdomain"),
        (["*.acme.com"], "a.b.acme.com", "subdomain"),
        (["@*.acme.com"], "mail.acme.com", "subdomain"),
        (["*.acme.com"], "notacme.com", "third_party_domain"),
        (["*.zeta.org"], "zeta.org", "third_party_domain"),
        (["*.acme.com"], "acme.com", "other_company"),
        (["acme group"], "acme.com", "legal_entity"),
        (["ACME GROUP"], "sales.acme.de", "legal_entity"),
        (["Acme Group"], "mail.acme.com", "third_party_domain"),
        (["Acme Group"], "xn--bcher-kva.de", "other_company"),
        (["Acme Group"], "shop.xn--bcher-kva.de", "other_company"),
        (["BÜCHER gmbh"], "xn--bcher-kva.de", "legal_entity"),
        (["bücher.de"], "xn--bcher-kva.de", "domain"),
        (["xn--bcher-kva.de"], "xn--bcher-kva.de", "domain"),
        (["Acme Group", "acme.com"], "acme.com", "domain"),
        (["acme.com"], "gmail.com", "public_mailbox"),
        (["gmail.com"], "gmail.com", "domain"),
        (["acme.com"], "mail.gmail.com", "third_party_domain"),
        (["acme.com"], "00d3h000003yzckeau", "unusable_email"),
        (["acme.com", "acme.com", "@acme.com"], "acme.com", "domain"),
    ],
)
def test_what_a_domain_means(names: list[str], domain: str, reason: str) -> None:
    """A domain is judged by exact entries, sub-domains, selected entities, others, providers, in turn."""
    assert reason == ScopeRules.parse(names, GROUP).verdict(domain).reason


@pytest.mark.parametrize(
    ("names", "domain", "is_company"),
    [
        (["*"], "acme.com", True),
        (["*"], "mail.acme.com", True),
        (["*"], "partner.org", False),
        (["*", "zeta.org"], "zeta.org", True),
        (["zeta.org"], "mail.zeta.org", False),
        (["*.zeta.org"], "mail.zeta.org", True),
        (["zeta.org"], "xn--bcher-kva.de", True),
    ],
)
def test_which_domains_are_the_company_s(names: list[str], domain: str, is_company: bool) -> None:
    """Domains of the filter and of all declared entities belong to the company, whatever is selected."""
    assert is_company == ScopeRules.parse(names, GROUP).verdict(domain).is_company


@pytest.mark.parametrize("names", [["*"], ["acme.com", "*"], ["*", "Acme Group", "*.acme.com"]])
def test_a_star_anywhere_wins(names: list[str]) -> None:
    """With a star among the names everyone is in scope and the fingerprint forgets the other names."""
    rules = ScopeRules.parse(names, GROUP)

    assert rules.everyone
    assert ScopeRules.parse(["*"], GROUP).scope_hash == rules.scope_hash


def test_an_entity_named_like_a_domain_is_the_entity() -> None:
    """A declared name wins over its reading as a domain."""
    rules = ScopeRules.parse(["acme.com"], [entity("Acme.com", "acme.de")])

    assert [rules.verdict(domain).reason for domain in ("acme.de", "acme.com")] == [
        "legal_entity",
        "third_party_domain",
    ]


@given(
    st.permutations(["acme.com", "*.acme.com", "Acme Group", "zeta.org", "@ZETA.org"]), st.permutations(GROUP)
)
def test_fingerprint_ignores_order(names: list[str], entities: list[scope.Entity]) -> None:
    """The scope hash depends on neither order nor spelling nor repetition of names and entities."""
    expected = ScopeRules.parse(["zeta.org", "acme group", "acme.com", "*.acme.com"], GROUP).scope_hash

    assert expected == ScopeRules.parse(names, entities).scope_hash


def test_fingerprint_tells_what_decides_scope_apart() -> None:
    """A different name, entity, domain of an entity, or policy gives a different scope hash."""
    rules = [
        ScopeRules.parse(["acme.com"]),
        ScopeRules.parse(["*.acme.com"]),
        ScopeRules.parse(["*"]),
        ScopeRules.parse(["acme.com"], GROUP),
        ScopeRules.parse(["acme.com"], GROUP[:1]),
        ScopeRules.parse(["acme group"], GROUP),
        ScopeRules.parse(["acme.com"], external_users="exclude"),
        ScopeRules.parse(["acme.com"], service_accounts="exclude"),
    ]

    assert len(rules) == len({each.scope_hash for each in rules})


def test_the_applied_filter_is_kept_as_given() -> None:
    """The snapshot can say which names were applied: trimmed, in the order given."""
    assert parse_rules([" Acme Group", "acme.com\n"], GROUP).company_names == ("Acme Group", "acme.com")


def test_memory_of_domains_is_bounded() -> None:
    """Verdicts are remembered, but a million distinct domains do not pile up."""
    rules = ScopeRules.parse(["acme.com"])
    for number in range(scope._REMEMBERED + 10):
        rules.verdict(f"d{number}.org")

    assert 0 < len(rules._verdicts) <= 10


def test_the_list_of_providers_is_clean() -> None:
    """Every public mailbox provider is a domain in normal form, among them those of everyday life."""
    assert [domain for domain in PUBLIC_MAILBOXES if canonical_domain(domain) != domain] == []
    assert {"gmail.com", "outlook.com", "gmx.de", "web.de", "yahoo.co.jp", "qq.com"} <= PUBLIC_MAILBOXES


def test_every_reason_is_a_cause() -> None:
    """Whatever puts a user out of scope is a cause of the mismatch bridge."""
    assert set(HOLDER_CAUSES) <= set(CAUSES)
