"""E-mail addresses: the domain of each, if it has one."""

from __future__ import annotations

import re

import idna
import pandas as pd

_LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")


def ascii_domain(text: str) -> str | None:
    """Return a domain in ASCII and lower case, None for what is no domain: no dot, an empty or odd label."""
    text = text.strip().lower()
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return text if len(text) <= 253 and _DOMAIN.fullmatch(text) else None


def normal(emails: pd.Series) -> pd.Series:
    """
    Bring addresses to one form: trimmed, lower case, what sandbox copies did to them undone.

    Args:
        emails: Addresses as the org holds them, missing ones null.

    Returns:
        A series of the same index; missing and blank addresses are null.
    """
    text = emails.astype("object").where(emails.notna(), None).map(str.strip, na_action="ignore")
    text = text.str.lower().str.replace(r"(?:\.invalid)+$", "", regex=True)
    text = text.str.replace(r"^([^@]+)=([^@=]+)@example\.com$", r"\1@\2", regex=True).str.strip()
    return text.where(text.notna() & (text != ""), None)


def domains(emails: pd.Series) -> pd.DataFrame:
    """
    Judge addresses.

    Args:
        emails: Addresses as the org holds them.

    Returns:
        Same index; `is_blank`: there is none; `domain`: in ASCII, null unless the address has exactly one @,
        something before it and a domain behind it.
    """
    text = normal(emails)
    parts = text.str.rsplit("@", n=1, expand=True).reindex(columns=[0, 1])
    shaped = (text.str.count("@") == 1) & (parts[0].fillna("") != "")
    found = {name: ascii_domain(name) for name in parts.loc[shaped, 1].unique()}
    return pd.DataFrame({"is_blank": text.isna(), "domain": parts[1].where(shaped, None).map(found)})
