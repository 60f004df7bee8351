"""The fields of a connection, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.errors import ConfigError
from license_ledger.salesforce.credentials import DEFAULT_API_VERSION, Credentials, parse

GOOD: dict[str, Any] = {
    "consumer_key": "3MVG9key",
    "consumer_secret": "s3cret",
    "refresh_token": "5Aep861token",
}


def parsed(**changes: Any) -> Credentials:
    return parse({**GOOD, **changes})


def test_the_defaults_are_production_everybody_and_a_pinned_version() -> None:
    """With client and token alone, everything else has the documented default."""
    credentials = parse(GOOD)

    assert credentials == Credentials(
        login_url="https://login.salesforce.com",
        consumer_key="3MVG9key",
        consumer_secret="s3cret",
        refresh_token="5Aep861token",
        company_names=("*",),
        api_version=DEFAULT_API_VERSION,
    )
    assert credentials.uses_refresh_token
    assert not credentials.on_loopback


def test_a_secret_is_shown_by_no_representation() -> None:
    """Neither repr nor str of the credentials shows key, secret, tokens or the proxy's password."""
    shown = repr(
        parsed(
            standby_refresh_token="5Aep861other",
            proxies="http://joe:proxypass@proxy.example:3128",  # pragma: allowlist secret
        )
    )

    for secret in ("3MVG9key", "s3cret", "5Aep861token", "5Aep861other", "proxypass"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("changes", "login_url"),
    [
        ({"login_url": "https://test.salesforce.com/"}, "https://test.salesforce.com"),
        ({"domain": "test"}, "https://test.salesforce.com"),
        ({"domain": "login"}, "https://login.salesforce.com"),
        ({"domain": ""}, "https://login.salesforce.com"),
        ({"domain": None}, "https://login.salesforce.com"),
        ({"domain": "acme--uat.sandbox.my"}, "https://acme--uat.sandbox.my.salesforce.com"),
        ({"domain": "https://acme.my.salesforce.com"}, "https://acme.my.salesforce.com"),
        ({"domain": "test", "login_url": "https://acme.my.salesforce.com"}, "https://acme.my.salesforce.com"),
        ({"login_url": "https://localhost:8443"}, "https://localhost:8443"),
    ],
)
def test_the_login_host_comes_from_login_url_or_domain(changes: dict[str, Any], login_url: str) -> None:
    """The explicit address wins over the provider's domain."""
    assert parsed(**changes).login_url == login_url


def test_the_connections_own_host_is_the_last_resort() -> None:
    """Host is taken with or without https, and only when the extras name no address."""
    assert parse(GOOD, host="acme.my.salesforce.com").login_url == "https://acme.my.salesforce.com"
    assert parse(GOOD, host="https://acme.my.salesforce.com").login_url == "https://acme.my.salesforce.com"
    assert (
        parse({**GOOD, "domain": "test"}, host="acme.my.salesforce.com").login_url
        == "https://test.salesforce.com"
    )


def test_prefixed_extras_of_the_provider_are_understood() -> None:
    """Old extra names work, and plain ones win over them."""
    credentials = parse(
        {
            "extra__salesforce__consumer_key": "old",
            "extra__salesforce__consumer_secret": "s3cret",
            "extra__salesforce__refresh_token": "5Aep861token",
            "extra__salesforce__domain": "test",
            "consumer_key": "new",
            "domain": None,
        }
    )

    assert credentials.consumer_key == "new"
    assert credentials.login_url == "https://test.salesforce.com"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["acme.com", " *.bolt.example "], ("acme.com", "*.bolt.example")),
        ("acme.com", ("acme.com",)),
        ("acme.com, bolt.example", ("acme.com", "bolt.example")),
        ("acme.com\nbolt.example\n", ("acme.com", "bolt.example")),
        ("Acme, Inc.\r\n\r\nbolt.example", ("Acme, Inc.", "bolt.example")),
        ('["acme.com", "Acme, Inc."]', ("acme.com", "Acme, Inc.")),
        ("*", ("*",)),
        (None, ("*",)),
    ],
)
def test_company_names_are_a_list_or_a_text(value: Any, names: tuple[str, ...]) -> None:
    """Lists, lines, commas and JSON are read; what a name means is not decided here."""
    assert parsed(company_names=value).company_names == names


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ("62.0", "62.0"),
        ("v62.0", "62.0"),
        ("62", "62.0"),
        (62, "62.0"),
        (62.0, "62.0"),
        ("", "66.0"),
        (None, "66.0"),
    ],
)
def test_a_version_is_written_in_many_ways(value: Any, version: str) -> None:
    """Numbers and texts, with or without v and fraction, mean the same version."""
    assert parsed(version=value).api_version == version


@pytest.mark.parametrize(
    ("value", "proxies"),
    [
        (
            "http://proxy.example:3128",
            {"http": "http://proxy.example:3128", "https": "http://proxy.example:3128"},
        ),
        ({"https": "http://proxy.example:3128"}, {"https": "http://proxy.example:3128"}),
        ('{"https": "socks5h://proxy.example:1080"}', {"https": "socks5h://proxy.example:1080"}),
        ("", {}),
        (None, {}),
        ({}, {}),
    ],
)
def test_proxies_are_a_mapping_one_address_or_json(value: Any, proxies: dict[str, str]) -> None:
    """What the stock form would turn into a text that breaks the provider is understood here."""
    assert parsed(proxies=value).proxies == proxies


def test_an_own_certificate_authority_must_exist(tmp_path: Path) -> None:
    """The path is kept when there is a file, and an error when there is none."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("", encoding="utf-8")

    assert parsed(ca_bundle=str(bundle)).ca_bundle == str(bundle)
    with pytest.raises(ConfigError, match="ca_bundle"):
        parsed(ca_bundle=str(tmp_path / "missing.pem"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consumer_key": None}, "consumer_key"),
        ({"consumer_key": ""}, "consumer_key"),
        ({"consumer_key": "two words"}, "consumer_key"),
        ({"consumer_key": 7}, "consumer_key"),
        ({"consumer_secret": "with\nnewline"}, "consumer_secret"),
        ({"refresh_token": None}, "refresh_token"),
        ({"refresh_token": "   "}, "refresh_token"),
        ({"refresh_token": "5Aep861 token"}, "refresh_token"),
        ({"standby_refresh_token": "5Aep861token"}, "standby_refresh_token"),
        ({"login_url": ""}, "login_url"),
        ({"login_url": "http://login.salesforce.com"}, "login_url"),
        ({"login_url": "https://login.salesforce.com.evil.example"}, "login_url"),
        ({"login_url": "https://user:pw@login.salesforce.com"}, "login_url"),  # pragma: allowlist secret
        ({"login_url": ["https://login.salesforce.com"]}, "login_url"),
        ({"domain": "evil.example/"}, "domain"),
        ({"company_names": ""}, "company_names"),
        ({"company_names": "  \n "}, "company_names"),
        ({"company_names": []}, "company_names"),
        ({"company_names": ["acme.com", " "]}, "company_names"),
        ({"company_names": ["acme.com", 7]}, "company_names"),
        ({"company_names": "acme.com,,bolt.example"}, "company_names"),
        ({"company_names": "[acme.com"}, "company_names"),
        ({"company_names": 7}, "company_names"),
        ({"version": "newest"}, "version"),
        ({"version": "66.5"}, "version"),
        ({"version": "30.0"}, "version"),
        ({"version": True}, "version"),
        ({"proxies": "proxy.example:3128"}, "proxies"),
        ({"proxies": "{not json"}, "proxies"),
        ({"proxies": ["http://proxy.example:3128"]}, "proxies"),
        ({"proxies": {"https": "ftp://proxy.example"}}, "proxies"),
        ({"proxies": {"https": "http://[broken"}}, "proxies"),
        ({"proxies": {"https": 7}}, "proxies"),
    ],
)
def test_a_bad_value_is_an_error_that_names_the_field(changes: dict[str, Any], field: str) -> None:
    """Missing, blank and wrong values name their field and say what to do."""
    with pytest.raises(ConfigError) as caught:
        parsed(**changes)

    assert field in caught.value.asked
    assert caught.value.remedy


def test_no_error_repeats_a_secret() -> None:
    """The message about a broken secret or proxy does not contain it."""
    for changes in (
        {"refresh_token": "5Aep hunter2"},
        {"login_url": "https://joe:hunter2@login.salesforce.com"},  # pragma: allowlist secret
        {"proxies": "hunter2"},
        {"proxies": {"https": "ftp://joe:hunter2@proxy.example"}},  # pragma: allowlist secret
    ):
        with pytest.raises(ConfigError) as caught:
            parsed(**changes)

        assert "hunter2" not in str(caught.value)


def test_a_secret_is_optional() -> None:
    """Apps that need no secret for the refresh flow work with a blank one."""
    assert parsed(consumer_secret="").consumer_secret is None
    assert parsed(consumer_secret=None).consumer_secret is None
    assert parsed(standby_refresh_token="").standby_refresh_token is None


def test_login_and_password_can_be_the_client() -> None:
    """A login that is no user name is the client id, and the password its secret."""
    credentials = parse({"refresh_token": "5Aep861token"}, login="3MVG9key", password="s3cret")

    assert (credentials.consumer_key, credentials.consumer_secret) == ("3MVG9key", "s3cret")
    with pytest.raises(ConfigError, match="consumer_key"):
        parse({"refresh_token": "5Aep861token"}, login="joe@acme.example", password="pw")


@pytest.mark.parametrize(
    ("extra", "login", "password"),
    [
        ({"session_id": "00D!x", "instance_url": "https://acme.my.salesforce.com"}, None, None),
        ({"security_token": "t"}, "joe@acme.example", "pw"),
        ({"consumer_key": "3MVG9key", "private_key": "pem"}, "joe@acme.example", None),
        ({"consumer_key": "3MVG9key", "private_key_file_path": "/key.pem"}, "joe@acme.example", None),
        ({"consumer_key": "3MVG9key", "consumer_secret": "s", "domain": "acme.my"}, None, None),
    ],
)
def test_the_providers_other_flows_need_no_refresh_token(
    extra: dict[str, Any], login: str | None, password: str | None
) -> None:
    """Session id, password, JWT and client credentials on a My Domain are left to the provider."""
    assert not parse(extra, login=login, password=password).uses_refresh_token


def test_client_credentials_do_not_work_on_the_shared_login_host() -> None:
    """Key and secret alone on login.salesforce.com mean that the refresh token was forgotten."""
    with pytest.raises(ConfigError, match="refresh_token"):
        parse({"consumer_key": "3MVG9key", "consumer_secret": "s"})


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20),
        min_size=1,
    )
)
def test_a_list_of_names_is_the_same_as_its_json(names: list[str]) -> None:
    """Property: a list and the same list as JSON text are read alike, or refused alike."""

    def read(value: Any) -> Any:
        try:
            return parsed(company_names=value).company_names
        except ConfigError as error:
            return error.asked

    assert read(names) == read(json.dumps(names))
