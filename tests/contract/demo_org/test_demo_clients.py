"""Clients that nobody changed for it log in to the demo org and read from it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from tests.demo_org_fixtures import RunningOrg, StartOrg

SCRIPTS = Path(__file__).with_name("scripts")


class _Rerouted(HTTPAdapter):
    """Leads the login hosts, whose names the client builds by itself, to a demo org."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = urlunsplit((self._target.scheme, self._target.netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


def _browser(org: RunningOrg) -> requests.Session:
    session = org.browser()
    session.mount("https://demo.salesforce.com", _Rerouted(org.https_url))
    return session


@pytest.fixture
def client(start_demo_org: StartOrg) -> Salesforce:
    """simple_salesforce with a session from the refresh token flow, on an org with small pages."""
    org = start_demo_org(rest_page_rows=9, bulk_page_rows=11)
    return Salesforce(
        session_id=org.token().json()["access_token"], instance_url=org.https_url, session=org.browser()
    )


def test_simple_salesforce_queries(client: Salesforce) -> None:
    """query_all follows every page, and usage is read from the header."""
    count = client.query("SELECT COUNT() FROM User")["totalSize"]
    records = client.query_all("SELECT Id, Profile.Name FROM User ORDER BY Id")["records"]
    lazily = list(client.query_all_iter("SELECT Id FROM User ORDER BY Id"))

    assert len(records) == count > 9
    assert [row["Id"] for row in lazily] == [row["Id"] for row in records]
    assert client.api_usage["api-usage"].total == 115_000


def test_the_next_page_has_an_address_and_an_identifier(client: Salesforce) -> None:
    """Either leads to the page; an address where the identifier belongs, as dlt's source puts it, to none."""
    first = client.query("SELECT Id FROM User ORDER BY Id")
    address = first["nextRecordsUrl"]

    by_address = client.query_more(address, identifier_is_url=True)
    by_identifier = client.query_more(address.rpartition("/")[2])

    assert by_address["records"] == by_identifier["records"] != first["records"]
    with pytest.raises(SalesforceResourceNotFound):
        client.query_more(address)


def test_simple_salesforce_describes(client: Salesforce) -> None:
    """Global and object describe, a record by id, limits, and errors as exceptions."""
    user_id = client.query("SELECT Id FROM User LIMIT 1")["records"][0]["Id"]

    assert "UserLicense" in {item["name"] for item in client.describe()["sobjects"]}
    assert client.User.describe()["keyPrefix"] == "005"
    assert client.User.get(user_id)["Id"] == user_id
    assert client.limits()["DailyApiRequests"]["Max"] == 115_000
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.query("SELECT Nope FROM User")
    assert caught.value.content[0]["errorCode"] == "INVALID_FIELD"


def test_simple_salesforce_bulk(client: Salesforce, tmp_path: Path) -> None:
    """Bulk 2.0 results are read page by page, and downloaded to files."""
    count = client.query("SELECT COUNT() FROM User")["totalSize"]
    pages = list(client.bulk2.User.query("SELECT Id, Name FROM User", wait=0.1))
    files = client.bulk2.User.download("SELECT Id FROM User", path=str(tmp_path), max_records=10, wait=0.1)

    assert all(page.startswith('"Id","Name"\n') for page in pages)
    assert len(pages) == -(-count // 11)
    assert sum(item["number_of_records"] for item in files) == count
    assert sum(len(Path(item["file"]).read_text().splitlines()) - 1 for item in files) == count


def test_simple_salesforce_logs_in_by_password(shared_demo_org: RunningOrg) -> None:
    """The SOAP login takes username, password and security token, and refuses a wrong one."""
    login = {"username": shared_demo_org.username, "security_token": "TOKEN", "domain": "demo"}

    client = Salesforce(**login, password=shared_demo_org.password, session=_browser(shared_demo_org))

    assert client.query("SELECT COUNT() FROM User")["totalSize"] > 0
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        Salesforce(**login, password="wrong", session=_browser(shared_demo_org))


def test_simple_salesforce_logs_in_by_client_credentials(shared_demo_org: RunningOrg) -> None:
    """The client credentials flow gives a session of the app's own user."""
    client = Salesforce(
        consumer_key=shared_demo_org.client_id,
        consumer_secret=shared_demo_org.client_secret,
        domain="demo",
        session=_browser(shared_demo_org),
    )

    assert client.query("SELECT COUNT() FROM User")["totalSize"] > 0


def _certificate(key: rsa.RSAPrivateKey) -> str:
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jwt")])
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def test_simple_salesforce_logs_in_by_jwt(start_demo_org: StartOrg) -> None:
    """A signed assertion gives a session; a wrong signature, audience or an unapproved user does not."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    org = start_demo_org(certificate=_certificate(key))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = {"iss": org.client_id, "sub": org.username, "aud": "https://nowhere.example", "exp": 2**31}

    session = _browser(org)
    session.mount("https://login.salesforce.com", _Rerouted(org.https_url))
    client = Salesforce(username=org.username, consumer_key=org.client_id, privatekey=pem, session=session)
    foreign = org.token(grant_type=bearer, assertion=jwt.encode(claims, pem, algorithm="RS256")).json()
    other_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = org.token(grant_type=bearer, assertion=jwt.encode(claims, other_key, algorithm="RS256")).json()
    org.control.options(approved=False)

    assert client.query("SELECT COUNT() FROM User")["totalSize"] > 0
    assert foreign["error_description"] == "audience is invalid"
    assert forged["error_description"] == "invalid assertion"
    with (
        pytest.warns(UserWarning, match="authorize"),
        pytest.raises(SalesforceAuthenticationFailed, match="approved"),
    ):
        Salesforce(username=org.username, consumer_key=org.client_id, privatekey=pem, session=session)


@pytest.mark.airflow
def test_the_provider_s_hook(shared_demo_org: RunningOrg, tmp_path: Path) -> None:
    """Airflow's SalesforceHook describes and queries, with nothing but a session and a CA."""
    arguments = [
        shared_demo_org.https_url,
        shared_demo_org.ca_bundle,
        shared_demo_org.token().json()["access_token"],
    ]
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "hook.py"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])

    api = shared_demo_org.login()
    described = api.get("sobjects/UserLicense/describe").json()["fields"]
    assert seen["fields"] == [field["name"] for field in described]
    assert seen["total"] == seen["rows"] == api.query("SELECT COUNT() FROM User")["totalSize"]
    assert seen["columns"] == ["createddate", "id", "name"]
