"""E-mail addresses: whose domain, in which disguise, and what a sandbox copy makes of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.catalogue.companies import (
    COMPANY_DOMAINS,
    LOOK_ALIKE,
    PARTNERS,
    PUBLIC_DOMAINS,
    partner_domain,
)
from demo_org.world.catalogue.personas import EMAIL_KINDS, PERSONAS, EmailKind
from demo_org.world.draws import Ints
from demo_org.world.named import INTEGRATION_ROW
from demo_org.world.population import Population
from demo_org.world.timelines import Codes

SANDBOX_NAME = "uat"
_COMPANY = [domain for domain, _, _ in COMPANY_DOMAINS]
_FIXED = pa.array([*_COMPANY, *PUBLIC_DOMAINS, LOOK_ALIKE])
_CODE = {kind: code for code, kind in enumerate(EMAIL_KINDS)}


def company_of(people: Population, rows: Ints, moment: int) -> Ints:
    """Return positions in `COMPANY_DOMAINS` of company addresses, before or after a change of address."""
    weights = np.array([share for _, _, share in COMPANY_DOMAINS])
    first = people.draws.pick("company domain", rows, weights)
    second = people.draws.pick("company domain 2", rows, weights)
    return np.where(people.lines.readdressed[rows] <= moment, second, first)


def kind_of(people: Population, rows: Ints, moment: int) -> Codes:
    """Return positions in `EMAIL_KINDS`; one in ten changes of address is an anonymization."""
    kinds = np.zeros(rows.size, dtype=np.uint8)
    persona = people.lines.persona[rows]
    for code, kind in enumerate(PERSONAS):
        mine = np.flatnonzero(persona == code)
        options = np.array([_CODE[name] for name, _ in kind.emails], dtype=np.uint8)
        weights = np.array([weight for _, weight in kind.emails])
        kinds[mine] = options[people.draws.pick("email kind", rows[mine], weights)]
    scrambled = (people.lines.readdressed[rows] <= moment) & people.draws.chance("scrambled", rows, 0.1)
    return np.where(scrambled, np.uint8(_CODE["no_at"]), kinds)


def partner_domains(people: Population, accounts: Ints) -> pa.Array:
    """Return the e-mail domains of accounts, made from their names."""
    base = pa.array([partner_domain(name).removesuffix(".example") for name in PARTNERS])
    name = base.take(pa.array(accounts % len(PARTNERS)))
    round_ = accounts // len(PARTNERS)
    number = pc.if_else(
        pa.array(round_ > 0), pc.binary_join_element_wise("-", pa.array(round_).cast(pa.string()), ""), ""
    )
    return pc.binary_join_element_wise(name, number, ".example", "")


def _domains(people: Population, rows: Ints, kinds: Codes, moment: int) -> pa.Array:
    company = company_of(people, rows, moment)
    public = len(_COMPANY) + people.draws.below("public domain", rows, len(PUBLIC_DOMAINS))
    index = np.where(kinds == _CODE["public"], public, company)
    index = np.where(kinds == _CODE["look_alike"], len(_FIXED) - 1, index)
    fixed = _FIXED.take(pa.array(index))
    foreign = np.flatnonzero(kinds == _CODE["third_party"])
    if not foreign.size:
        return fixed
    mask = kinds == _CODE["third_party"]
    return pc.replace_with_mask(fixed, mask, partner_domains(people, people.account_of(rows[foreign])))


def _odd(people: Population, rows: Ints, kinds: Codes, addresses: pa.Array, local: pa.Array) -> pa.Array:
    """Put in the addresses which are none: missing, scrambled, with two signs, with blanks around."""
    number = pa.array(people.draws.below("scramble", rows, 10**12)).cast(pa.string())
    forms: dict[EmailKind, pa.Array] = {
        "none": pa.nulls(rows.size, pa.string()),
        "no_at": pc.binary_join_element_wise("x", number, ""),
        "no_dot": pc.binary_join_element_wise("anonymous", number, "@scrambled", ""),
        "two_at": pc.binary_join_element_wise(local, "@team@acme.com", ""),
        "blank_padded": pc.binary_join_element_wise(" ", addresses, "  ", ""),
    }
    for name, values in forms.items():
        addresses = pc.if_else(pa.array(kinds == _CODE[name]), values, addresses)
    return addresses


def generated(people: Population, rows: Ints, local: pa.Array, moment: int) -> pa.Array:
    """
    Return the e-mail addresses of generated rows at a moment.

    Args:
        people: The population.
        rows: Generated rows.
        local: Their local parts.
        moment: UTC seconds.
    """
    kinds = kind_of(people, rows, moment)
    domains = _domains(people, rows, kinds, moment)
    loud = pa.array(people.draws.chance("upper case domain", rows, 0.01))
    domains = pc.if_else(loud, pc.utf8_upper(domains), domains)
    addresses = pc.binary_join_element_wise(local, domains, "@")
    odd = np.flatnonzero(kinds >= _CODE["none"])
    if not odd.size:
        return addresses
    position = pa.array(odd)
    values = _odd(people, rows[odd], kinds[odd], addresses.take(position), local.take(position))
    return pc.replace_with_mask(addresses, kinds >= _CODE["none"], values)


def in_sandbox(people: Population, rows: Ints, addresses: pa.Array) -> pa.Array:
    """
    Return the addresses as a sandbox copy holds them.

    Most end in `.invalid`; some still have the older form, `ann=acme.com@example.com`, a few have both.
    Missing addresses stay missing and the integration user, who made the copy, keeps his.
    """
    mine = pa.array(rows == INTEGRATION_ROW)
    addresses = pc.utf8_trim_whitespace(addresses)
    single = pc.fill_null(pc.equal(pc.count_substring(addresses, "@"), 1), False)
    old = pc.and_(single, pa.array(people.draws.chance("legacy sandbox", rows, 0.15)))
    masked = pc.replace_substring(addresses, "@", "=", max_replacements=1)
    copied = pc.if_else(old, pc.binary_join_element_wise(masked, "@example.com", ""), addresses)
    bare = pc.and_(old, pa.array(people.draws.chance("copied once", rows, 0.8)))
    copied = pc.if_else(bare, copied, pc.binary_join_element_wise(copied, ".invalid", ""))
    return pc.if_else(mine, addresses, copied)
