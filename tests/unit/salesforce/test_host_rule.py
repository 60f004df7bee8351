"""Which addresses a token may be sent to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.salesforce.hosts import SALESFORCE_DOMAINS, base_url, is_loopback, login_url_of_domain

GOOD = [
    ("https://login.salesforce.com", "https://login.salesforce.com"),
    ("https://test.salesforce.com/", "https://test.salesforce.com"),
    ("https://LOGIN.Salesforce.COM", "https://login.salesforce.com"),
    ("HTTPS://login.salesforce.com", "https://login.salesforce.com"),
    ("https://login.salesforce.com:443", "https://login.salesforce.com"),
    ("https://na1.salesforce.com", "https://na1.salesforce.com"),
    ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
    ("https://acme--uat.sandbox.my.salesforce.com", "https://acme--uat.sandbox.my.salesforce.com"),
    ("https://acme-dev-ed.develop.my.salesforce.com", "https://acme-dev-ed.develop.my.salesforce.com"),
    ("https://acme.scratch.my.salesforce.com", "https://acme.scratch.my.salesforce.com"),
    ("https://acme.secure.force.com", "https://acme.secure.force.com"),
    ("https://acme.cloudforce.com", "https://acme.cloudforce.com"),
    ("https://acme.my.salesforce.mil", "https://acme.my.salesforce.mil"),
    ("https://acme.my.sfcrmproducts.cn", "https://acme.my.sfcrmproducts.cn"),
]
LOOPBACK = [
    ("https://localhost:8443", "https://localhost:8443"),
    ("https://localhost", "https://localhost"),
    ("https://127.0.0.1:8443/", "https://127.0.0.1:8443"),
    ("https://127.8.9.1", "https://127.8.9.1"),
    ("https://[::1]:8443", "https://[::1]:8443"),
]
BAD = [
    "http://login.salesforce.com",
    "http://localhost:8443",
    "ftp://login.salesforce.com",
    "//login.salesforce.com",
    "login.salesforce.com",
    "https:login.salesforce.com",
    "https:///login.salesforce.com",
    "https://",
    "",
    "https://salesforce.com",
    "https://evilsalesforce.com",
    "https://salesforce.com.evil.example",
    "https://login.salesforce.com.evil.example",
    "https://login-salesforce.com",
    "https://evil.example/login.salesforce.com",
    "https://evil.example#.salesforce.com",
    "https://evil.example?.salesforce.com",
    "https://evil.example\\.salesforce.com",
    "https://evil.example\\@login.salesforce.com",
    "https://login.salesforce.com\\@evil.example",
    "https://login.salesforce.com@evil.example",
    "https://user@login.salesforce.com",
    "https://user:secret@login.salesforce.com",  # pragma: allowlist secret
    "https://login.salesforce.com.",
    "https://login..salesforce.com",
    "https://.salesforce.com",
    "https://-a.salesforce.com",
    "https://a-.salesforce.com",
    "https://login.salesforce.com:8443",
    "https://login.salesforce.com:0",
    "https://login.salesforce.com:99999",
    "https://login.salesforce.com:",
    "https://login.salesforce.com/services",
    "https://login.salesforce.com//",
    "https://login.salesforce.com?x=1",
    "https://login.salesforce.com#x",
    "https://login.salesforce.com%2eevil.example",
    "https://l\u043egin.salesforce.com",
    "https://login.salesforce.com\uff0fevil.example",
    "https://login.salesforce\u3002com",
    "https://login.salesforce.com\n",
    "https://login.salesforce.com\t.evil.example",
    " https://login.salesforce.com",
    "https://login_x.salesforce.com",
    "https://acme.lightning.force.com",
    "https://" + "a" * 64 + ".salesforce.com",
    "https://" + "a." * 130 + "salesforce.com",
    "https://127.1",
    "https://0x7f000001",
    "https://2130706433",
    "https://[::ffff:127.0.0.1]",
    "https://localhost.evil.example",
    "https://localhost.",
    "https://10.0.0.1",
    "https://169.254.169.254",
]


@pytest.mark.parametrize(("url", "base"), GOOD)
@pytest.mark.parametrize("allow_loopback", [True, False])
def test_salesforce_hosts_are_accepted(url: str, base: str, allow_loopback: bool) -> None:
    """Every family of Salesforce hosts is accepted and reduced to its base address."""
    assert base_url(url, allow_loopback=allow_loopback) == base


@pytest.mark.parametrize("url", BAD)
def test_everything_else_is_refused(url: str) -> None:
    """Plain http, foreign hosts, look-alikes and anything besides a bare host are refused."""
    with pytest.raises(ValueError, match=r"."):
        base_url(url, allow_loopback=True)


@pytest.mark.parametrize(("url", "base"), LOOPBACK)
def test_loopback_is_accepted_only_where_it_is_allowed(url: str, base: str) -> None:
    """An address of this machine passes for a login URL and is refused where it is not expected."""
    assert base_url(url, allow_loopback=True) == base
    with pytest.raises(ValueError, match="this machine"):
        base_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    ["https://user:hunter2@login.salesforce.com", "https://hunter2.example"],  # pragma: allowlist secret
)
def test_a_refusal_does_not_repeat_the_address(url: str) -> None:
    """The reason never shows the address, which may hold a password."""
    with pytest.raises(ValueError, match=r".") as caught:
        base_url(url, allow_loopback=True)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("login", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com"),
        (" Test ", "https://test.salesforce.com"),
        ("acme.my", "https://acme.my.salesforce.com"),
        ("acme--uat.sandbox.my", "https://acme--uat.sandbox.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
    ],
)
def test_the_providers_domain_stands_for_a_host(domain: str, url: str) -> None:
    """The stock provider's domain setting means what it means there."""
    assert login_url_of_domain(domain) == url


@given(st.text(max_size=80))
def test_what_is_accepted_is_a_salesforce_host_whatever_the_text(text: str) -> None:
    """Property: for any text, an accepted address has a host below a Salesforce domain and nothing else."""
    for candidate in (
        text,
        f"https://{text}",
        f"https://{text}.salesforce.com",
        f"https://login.salesforce.com{text}",
    ):
        try:
            base = base_url(candidate, allow_loopback=False)
        except ValueError:
            continue
        parts = urlsplit(base)

        assert parts.scheme == "https"
        assert base == f"https://{parts.hostname}"
        assert any(str(parts.hostname).endswith(f".{domain}") for domain in SALESFORCE_DOMAINS)


@given(
    st.sampled_from(SALESFORCE_DOMAINS),
    st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True),
)
def test_a_prefix_without_a_dot_never_makes_a_salesforce_host(domain: str, label: str) -> None:
    """Property: a domain that merely ends in the letters of a Salesforce domain is foreign."""
    with pytest.raises(ValueError, match="not a host of Salesforce"):
        base_url(f"https://{label}{domain}", allow_loopback=False)


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("127.1", False)]
)
def test_only_names_and_addresses_of_this_machine_are_loopback(host: str, expected: bool) -> None:
    """Shorthand addresses are not taken for loopback."""
    assert is_loopback(host) is expected
