"""
The settings of one org, read from the parts of its Airflow connection. May import hosts and errors only.

Knows no Airflow: the glue hands over the connection's ``extra`` as a mapping, and login, password and host.
Every wrong value is a :class:`~license_ledger.errors.ConfigError` naming the field, never a secret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from license_ledger.errors import ConfigError
from license_ledger.salesforce import hosts
from license_ledger.salesforce.connection_values import names_of, proxies_of, text_of

__all__ = ["DEFAULT_API_VERSION", "DEFAULT_LOGIN_URL", "MINIMUM_API_VERSION", "Credentials", "parse"]

DEFAULT_API_VERSION = "66.0"
"""Spring '26; lowered to what the org offers when it is behind."""
MINIMUM_API_VERSION = "52.0"
"""The first version with the license metrics; Bulk API 2.0 queries exist since 47.0."""
DEFAULT_LOGIN_URL = "https://login.salesforce.com"

_PROVIDER_PREFIX = "extra__salesforce__"
_OWN_PREFIX = "extra__salesforce_oauth__"


@dataclass(frozen=True)
class Credentials:
    """
    One org's connection, checked.

    Attributes:
        consumer_key: client id of the connected or external client app; empty only without refresh token.
        consumer_secret: its secret; None when the app needs none for the refresh flow.
        refresh_token: of the first grant; None when the connection uses another flow of the provider.
        standby_refresh_token: of a second grant, never used while the first lives.
        login_url: base address, checked by the host rule.
        company_names: the company filter, in the order given; ``("*",)`` is everybody.
        api_version: wanted version, such as ``66.0``.
        proxies: scheme to proxy address, as ``requests`` takes them; empty: those of the environment.
        ca_bundle: path of the certificates to trust instead of the system's.
    """

    login_url: str
    consumer_key: str = field(repr=False)
    consumer_secret: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    standby_refresh_token: str | None = field(default=None, repr=False)
    company_names: tuple[str, ...] = ("*",)
    api_version: str = DEFAULT_API_VERSION
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_bundle: str | None = None

    @property
    def fingerprint(self) -> str:
        """Short digest of what decides which org this leads to; it gives nothing of it away."""
        parts = "\n".join((self.login_url, self.consumer_key, self.refresh_token or ""))
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    @property
    def uses_refresh_token(self) -> bool:
        """Whether the refresh-token flow applies; otherwise the provider logs in with what else is there."""
        return self.refresh_token is not None

    @property
    def on_loopback(self) -> bool:
        """Whether the login host is this machine, so that the org's own address may be, too."""
        return hosts.is_loopback(urlsplit(self.login_url).hostname or "")


def parse(
    extra: Mapping[str, Any],
    *,
    login: str | None = None,
    password: str | None = None,
    host: str | None = None,
) -> Credentials:
    """
    Read a connection of type ``salesforce_oauth`` or ``salesforce``.

    Args:
        extra: the connection's extras; names may carry the provider's old ``extra__salesforce__`` prefix.
        login: taken for the client id when the extras have none and it is no user name (those have an ``@``).
        password: taken for the client secret along with ``login``.
        host: taken for the login address when the extras name none.

    Returns:
        The settings, all checked.

    Raises:
        ConfigError: naming the first field that is missing, blank or wrong.
    """
    fields = _unprefixed(extra)
    key, secret = _client(fields, login, password)
    refresh_token = _secret(fields, "refresh_token")
    login_url = _login_url(fields, host)
    if refresh_token is None:
        _require_other_flow(fields, login, password, login_url, bool(key and secret))
        _check_provider_hosts(fields)
    elif key is None:
        raise _missing("consumer_key", "enter the client id of the connected app")
    standby = _secret(fields, "standby_refresh_token")
    if standby is not None and standby == refresh_token:
        raise ConfigError(
            "connection field standby_refresh_token",
            "is the same as refresh_token",
            "authorize the app a second time and enter that token, or leave the field empty",
        )
    return Credentials(
        login_url=login_url,
        consumer_key=key or "",
        consumer_secret=secret,
        refresh_token=refresh_token,
        standby_refresh_token=standby,
        company_names=names_of(fields.get("company_names"), "company_names", default=("*",)),
        api_version=_version(fields.get("version")),
        proxies=proxies_of(fields.get("proxies"), "proxies"),
        ca_bundle=_ca_bundle(fields),
    )


def _unprefixed(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Plain names win over prefixed ones."""
    fields: dict[str, Any] = {}
    for prefix in (_PROVIDER_PREFIX, _OWN_PREFIX):
        fields |= {name.removeprefix(prefix): v for name, v in extra.items() if name.startswith(prefix)}
    plain = {name: v for name, v in extra.items() if not name.startswith("extra__")}
    return fields | {name: v for name, v in plain.items() if v is not None or name not in fields}


def _client(
    fields: Mapping[str, Any], login: str | None, password: str | None
) -> tuple[str | None, str | None]:
    key = _secret(fields, "consumer_key")
    secret = _secret(fields, "consumer_secret")
    if key is None and login and login.strip() and "@" not in login:
        key = login.strip()
        secret = secret or (password or "").strip() or None
    return key, secret


def _secret(fields: Mapping[str, Any], name: str) -> str | None:
    """
    A credential: None when absent, an error when it is there and blank or has white space inside.

    A client secret may be blank, because apps exist that need none.
    """
    value = text_of(fields.get(name), name)
    if value is None:
        return None
    if not value:
        if name in ("consumer_secret", "standby_refresh_token"):
            return None
        raise ConfigError(f"connection field {name}", "is blank", "enter it, or remove the field")
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ConfigError(
            f"connection field {name}",
            "has white space or control characters inside",
            "paste it again, whole",
        )
    return value


def _login_url(fields: Mapping[str, Any], host: str | None) -> str:
    for name, wanted in (
        ("login_url", text_of(fields.get("login_url"), "login_url")),
        ("domain", text_of(fields.get("domain"), "domain")),
        ("host", (host or "").strip()),
    ):
        if name == "login_url" and wanted == "":
            raise ConfigError(
                "connection field login_url", "is blank", f"enter {DEFAULT_LOGIN_URL}, or remove the field"
            )
        if wanted:
            return _checked_login_url(name, wanted)
    return DEFAULT_LOGIN_URL


def _checked_login_url(name: str, wanted: str) -> str:
    if name in ("domain", "instance_url", "instance") and "://" not in wanted:
        wanted = hosts.login_url_of_domain(wanted)
    elif name == "host" and "://" not in wanted:
        wanted = f"https://{wanted}"
    try:
        return hosts.base_url(wanted, allow_loopback=True)
    except ValueError as error:
        raise ConfigError(
            f"connection field {name}",
            f"the address {error}",
            f"enter {DEFAULT_LOGIN_URL}, https://test.salesforce.com for a sandbox, or your My Domain",
        ) from None


def _require_other_flow(
    fields: Mapping[str, Any], login: str | None, password: str | None, login_url: str, has_client: bool
) -> None:
    """Without a refresh token, one of the provider's own flows must be possible."""
    has_user = bool(login and "@" in login)
    possible = (
        fields.get("session_id")
        or (has_user and password)
        or (has_user and (fields.get("private_key") or fields.get("private_key_file_path")))
        # Salesforce serves client credentials on My Domains only.
        or (has_client and login_url not in (DEFAULT_LOGIN_URL, "https://test.salesforce.com"))
    )
    if not possible:
        raise _missing("refresh_token", "enter the refresh token of an authorized app, see docs/runbook.md")


def _check_provider_hosts(fields: Mapping[str, Any]) -> None:
    """The provider's own flows send credentials to the hosts in these fields: the rule holds there too."""
    for name in ("domain", "instance_url", "instance"):
        wanted = text_of(fields.get(name), name)
        if wanted:
            _checked_login_url(name, wanted)


def _version(value: object) -> str:
    text = text_of(
        value if not isinstance(value, int | float) or isinstance(value, bool) else str(value), "version"
    )
    if text is None or text == "":
        return DEFAULT_API_VERSION
    match = re.fullmatch(r"v?(\d{2,3})(?:\.0)?", text)
    if match is None:
        raise ConfigError("connection field version", "is not an API version", f"enter {DEFAULT_API_VERSION}")
    if int(match[1]) < float(MINIMUM_API_VERSION):
        raise ConfigError(
            "connection field version",
            f"{match[1]}.0 is older than {MINIMUM_API_VERSION}, the first with license metrics",
            f"enter {DEFAULT_API_VERSION}, or remove the field",
        )
    return f"{match[1]}.0"


def _ca_bundle(fields: Mapping[str, Any]) -> str | None:
    path = text_of(fields.get("ca_bundle"), "ca_bundle")
    if not path:
        return None
    if not Path(path).exists():
        raise ConfigError(
            "connection field ca_bundle", f"there is no file {path}", "correct the path on every worker"
        )
    return path


def _missing(name: str, remedy: str) -> ConfigError:
    return ConfigError(f"connection field {name}", "is missing", remedy)
