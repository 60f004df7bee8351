"""
E-mail addresses: normal form and domain. May import nothing of the package but landed.

A sandbox copy makes addresses undeliverable, by ``.invalid`` at the end or, in older copies, as
``ann=acme.com@example.com``; both are undone, because they say nothing about who the person is
(Salesforce Help 000386507). Work on rows is done by Arrow; only domains outside ASCII are looked at one by
one, and each distinct one once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.transform.landed import Flags, flags

_SANDBOX_SUFFIX = ".invalid"
_LEGACY_HOST = "@example.com"
_LEGACY = r"^([^@]+)=([^@=]+)@example\.com$"
_DOMAIN = re.compile(
    r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)+(?![0-9]+\Z)(?!-)[a-z0-9-]{1,63}(?<!-)", flags=re.ASCII
)
_LONGEST_DOMAIN = 253


@dataclass(frozen=True)
class Addresses:
    """
    What the addresses of a batch say, row by row.

    Attributes:
        is_blank: there is no address at all.
        domain: dictionary array of the text after the @; null unless there is exactly one @ with something
            before it. Not yet judged: it may be no domain.
    """

    is_blank: Flags
    domain: pa.DictionaryArray

    @classmethod
    def of(cls, emails: pa.Array) -> Addresses:
        """Read a string array of addresses as Salesforce holds them."""
        normal = normalize(emails)
        return cls(flags(normal.is_null()), _domains(normal).dictionary_encode())


def normalize(emails: pa.Array) -> pa.Array:
    """
    Bring addresses to their normal form; doing it twice changes nothing more.

    Args:
        emails: string array, as Salesforce holds them.

    Returns:
        String array of the same length: trimmed, lower case, sandbox forms undone, domain in IDNA's ASCII
        form where it has one. Null where there is no address.
    """
    text = _undo_sandbox(pc.utf8_lower(pc.utf8_trim_whitespace(emails)))
    text = _domains_in_ascii(text)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def canonical_domain(text: str) -> str | None:
    """
    The ASCII form of a domain name.

    Args:
        text: a domain in lower case, in Unicode or ASCII.

    Returns:
        The name with at least one dot, of valid labels and not a number at the end; None when it is no such
        name.
    """
    if len(text) > _LONGEST_DOMAIN:
        return None
    if not text.isascii():
        text = _idna(text)
    return text if len(text) <= _LONGEST_DOMAIN and _DOMAIN.fullmatch(text) else None


def _undo_sandbox(text: pa.Array) -> pa.Array:
    """Undo both sandbox forms, as often as they were applied: copies are made of copies."""
    while True:
        marked = pc.or_(pc.ends_with(text, _SANDBOX_SUFFIX), pc.ends_with(text, _LEGACY_HOST))
        before = text.filter(marked)
        after = pc.replace_substring_regex(before, rf"(?:{re.escape(_SANDBOX_SUFFIX)})+$", "")
        after = pc.replace_substring_regex(after, _LEGACY, r"\1@\2")
        after = pc.utf8_trim_whitespace(after)
        if after.equals(before):
            return text
        text = pc.replace_with_mask(text, marked, after)


def _domains_in_ascii(text: pa.Array) -> pa.Array:
    foreign = pc.and_not(pc.match_substring(text, "@"), pc.string_is_ascii(text))
    if not pc.any(foreign).as_py():
        return text
    chosen = text.filter(foreign)
    domains = pc.replace_substring_regex(chosen, r"(?s)^.*@", "").dictionary_encode()
    names = domains.dictionary.to_pylist()
    translated = [name if name.isascii() else _idna(name) for name in names]
    changes = pa.array([new != old for new, old in zip(translated, names, strict=True)]).take(domains.indices)
    if not pc.any(changes).as_py():
        return text
    head = pc.replace_substring_regex(chosen.filter(changes), r"(?s)@[^@]*$", "@")
    tail = pa.array(translated, pa.string()).take(domains.indices.filter(changes))
    where = pc.replace_with_mask(foreign, foreign.fill_null(False), changes)
    # What was hidden behind other characters may be one of the sandbox forms.
    return pc.replace_with_mask(text, where, normalize(pc.binary_join_element_wise(head, tail, "")))


def _idna(name: str) -> str:
    """The ASCII form of a name, or the name itself when it has none."""
    if len(name) > _LONGEST_DOMAIN:
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return name


def _domains(normal: pa.Array) -> pa.Array:
    """The text after the only @ of each address; null where there is none, several, or nothing before it."""
    parts = pc.split_pattern(normal, "@")
    values = parts.values
    start = parts.offsets.to_numpy()[:-1].astype(np.int64)
    pairs = pc.list_value_length(parts).fill_null(0).to_numpy(zero_copy_only=False) == 2
    pairs[pairs] = pc.not_equal(values.take(pa.array(start[pairs])), "").to_numpy(zero_copy_only=False)
    return values.take(pa.array(start + 1, mask=~pairs))
