"""
Values as they come out of a connection form. May import errors only.

A form has text fields only, while connections made from files or secrets backends carry lists and mappings;
both are read here: texts, lists, mappings, or JSON in a text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from license_ledger.errors import ConfigError

__all__ = ["names_of", "proxies_of", "text_of"]

_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def text_of(value: object, name: str) -> str | None:
    """
    A text field, trimmed.

    Returns:
        None when the field is absent; the empty text when it is there and blank.

    Raises:
        ConfigError: the value is not a text.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ConfigError(f"connection field {name}", "is not a text", "put quotation marks around it")
    return value.strip()


def names_of(value: object, name: str, *, default: tuple[str, ...]) -> tuple[str, ...]:
    """
    A list of names: a list, a JSON list in a text, a text with one per line, or separated by commas.

    Lines are not split at commas, so that "Acme, Inc." can be written. What a name may be is not judged.

    Returns:
        The trimmed names in their order; the default when the field is absent.

    Raises:
        ConfigError: the list is blank, or holds something that is not a name.
    """
    if value is None:
        return default
    if isinstance(value, str):
        names = _names_in_text(value, name)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        names = list(value)
    else:
        raise ConfigError(
            f"connection field {name}", "is neither a list nor a text", "write one name per line"
        )
    for position, entry in enumerate(names, 1):
        if not isinstance(entry, str) or not entry.strip():
            raise ConfigError(
                f"connection field {name}",
                f"entry {position} is blank or no text",
                "remove or correct the entry",
            )
    if not names:
        raise ConfigError(f"connection field {name}", "is blank", "name a company, or write * for everybody")
    return tuple(entry.strip() for entry in names)


def _names_in_text(text: str, name: str) -> list[Any]:
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            names = json.loads(stripped)
        except ValueError:
            raise ConfigError(
                f"connection field {name}", "begins like a JSON list but is none", "write one name per line"
            ) from None
        return list(names)
    if "\n" in stripped or "\r" in stripped:
        return [line for line in stripped.splitlines() if line.strip()]
    return stripped.split(",") if stripped else []


def proxies_of(value: object, name: str) -> dict[str, str]:
    """
    Proxies: a mapping of scheme to address, the same as JSON in a text, or one address for everything.

    Returns:
        What ``requests`` takes as ``proxies``; empty when the field is absent or blank.

    Raises:
        ConfigError: naming the entry that is no proxy address, without repeating it: it may hold a password.
    """
    if isinstance(value, str):
        value = _proxy_text(value.strip(), name)
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"connection field {name}",
            "is neither an address nor a mapping",
            "write http://proxy.example:3128",
        )
    for scheme, address in value.items():
        _check_proxy(str(scheme), address, name)
    return {str(scheme): str(address) for scheme, address in value.items()}


def _proxy_text(text: str, name: str) -> object:
    if not text.startswith(("{", "[", '"')):
        return {"http": text, "https": text} if text else None
    try:
        return json.loads(text)
    except ValueError:
        raise ConfigError(
            f"connection field {name}", "begins like JSON but is none", "write http://proxy.example:3128"
        ) from None


def _check_proxy(scheme: str, address: object, name: str) -> None:
    try:
        parts = urlsplit(address if isinstance(address, str) else "")
        good = parts.scheme.lower() in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"connection field {name}",
            f"the entry {scheme} is no proxy address",
            "write http://proxy.example:3128",
        )
