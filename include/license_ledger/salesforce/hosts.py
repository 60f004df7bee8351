"""
The host rule: which addresses a secret or a token may be sent to. May import nothing of the package.

Only https, only Salesforce's own domains, or a loopback address for an org server on the same machine. The
rule looks at the text itself before any parser does, because parsers forgive what an attacker needs: they
strip control characters, accept user names that look like hosts, and read a backslash as a slash.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

__all__ = ["SALESFORCE_DOMAINS", "base_url", "is_loopback", "login_url_of_domain"]

SALESFORCE_DOMAINS = (
    "salesforce.com",  # login, test, instances, My Domains and their sandboxes
    "force.com",  # older My Domains and Experience Cloud
    "cloudforce.com",  # My Domains of the first generation
    "database.com",
    "salesforce.mil",  # Government Cloud Plus for defense
    "force.mil",
    "cloudforce.mil",
    "crmforce.mil",
    "sfcrmproducts.cn",  # Salesforce on Alibaba Cloud
    "sfcrmapps.cn",
)
"""
The registered domains under which Salesforce serves orgs; a host must be below one of them, not the domain
itself. From Salesforce's list of domains to allow, as its own command line client and browser tools carry it.
"""

_URL_CHARACTERS = re.compile(r"[A-Za-z0-9:/._\[\]-]+")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def base_url(url: str, *, allow_loopback: bool) -> str:
    """
    Check an address against the host rule and reduce it to its base.

    Args:
        url: an absolute address without user name, path, query or fragment.
        allow_loopback: whether ``localhost``, ``127.0.0.0/8`` and ``::1`` are accepted, with any port.

    Returns:
        ``https://host`` or, on loopback, ``https://host:port``; lower case, no trailing slash.

    Raises:
        ValueError: saying which part of the rule is broken; the text never repeats the address, which may
            hold a password.
    """
    if not _URL_CHARACTERS.fullmatch(url):
        raise ValueError("has characters that no Salesforce address has")
    parts = urlsplit(url)
    if parts.scheme.lower() != "https":
        raise ValueError("does not begin with https://")
    if parts.path not in ("", "/"):
        raise ValueError("has a path; only the address of the server is wanted")
    host, port = _host_and_port(parts.netloc)
    if is_loopback(host):
        if not allow_loopback:
            raise ValueError("is an address of this machine")
        name = f"[{host}]" if ":" in host else host
        return f"https://{name}" if port in (None, 443) else f"https://{name}:{port}"
    if not _is_salesforce(host):
        raise ValueError("is not a host of Salesforce")
    if ".lightning." in host:
        raise ValueError("is the user interface; the My Domain of the same org ends in .my.salesforce.com")
    if port not in (None, 443):
        raise ValueError("names a port, which Salesforce does not use")
    return f"https://{host}"


def login_url_of_domain(domain: str) -> str:
    """
    The login address that the Airflow provider's ``domain`` setting stands for.

    Args:
        domain: ``login``, ``test`` (sandboxes), a My Domain with or without ``.salesforce.com``
            (``acme.my``, ``acme--uat.sandbox.my.salesforce.com``).

    Returns:
        An address for :func:`base_url` to check.
    """
    host = domain.strip().lower()
    return f"https://{host}" if _is_salesforce(host) else f"https://{host}.salesforce.com"


def is_loopback(host: str) -> bool:
    """Whether the host name or literal address is this machine. Names other than localhost never are."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_salesforce(host: str) -> bool:
    if not _HOST.fullmatch(host):
        return False
    return any(host.endswith(f".{domain}") for domain in SALESFORCE_DOMAINS)


def _host_and_port(netloc: str) -> tuple[str, int | None]:
    """Split by hand: ``urlsplit().hostname`` forgives too much."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+))(?::([0-9]{1,5}))?", netloc)
    if match is None:
        raise ValueError("is not the address of a server")
    port = int(match[3]) if match[3] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError("names a port that does not exist")
    return (match[1] or match[2]).lower(), port
