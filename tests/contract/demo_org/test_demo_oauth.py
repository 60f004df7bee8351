"""The token endpoint and its neighbors answer as Salesforce's do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.demo_org_fixtures import RunningOrg, StartOrg


def test_a_refresh_gives_an_access_token_and_nothing_about_its_end(shared_demo_org: RunningOrg) -> None:
    """The answer has the documented fields, times as text in milliseconds, no expiry and no refresh token."""
    body = shared_demo_org.token().json()

    assert set(body) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    }
    org_id = shared_demo_org.control.world()["org_id"]
    assert body["access_token"].startswith(org_id[:15] + "!")
    assert re.fullmatch(r"\d{13}", body["issued_at"])
    assert body["instance_url"] == shared_demo_org.https_url
    assert body["id"].split("/")[-2] == org_id


def test_the_signature_is_made_with_the_secret(shared_demo_org: RunningOrg) -> None:
    """The signature is the HMAC-SHA256 of identity and time, keyed with the consumer secret."""
    body = shared_demo_org.token().json()
    mac = hmac.new(
        shared_demo_org.client_secret.encode(), (body["id"] + body["issued_at"]).encode(), hashlib.sha256
    )

    assert body["signature"] == base64.b64encode(mac.digest()).decode()


def test_credentials_may_come_in_a_basic_header(shared_demo_org: RunningOrg) -> None:
    """Client id and secret are taken from Basic authorization as well."""
    answer = shared_demo_org.browser().post(
        f"{shared_demo_org.https_url}/services/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": shared_demo_org.refresh_token},
        auth=(shared_demo_org.client_id, shared_demo_org.client_secret),
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({"client_id": "3MVG9nobody"}, "invalid_client_id", "client identifier invalid"),
        ({"client_secret": "wrong"}, "invalid_client", "invalid client credentials"),
        ({"client_secret": ""}, "invalid_client", "invalid client credentials"),
        ({"refresh_token": "5Aep861nothing"}, "invalid_grant", "expired access/refresh token"),
        ({"grant_type": "sideways"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": ""}, "invalid_request", "grant type is missing"),
        ({"grant_type": "device", "code": "x"}, "invalid_grant", "invalid device code"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant", "invalid authorization code"),
        (
            {"grant_type": "password", "username": "x@y.z", "password": "no"},
            "invalid_grant",
            "authentication failure - Invalid Password",
        ),
    ],
)
def test_refusals_of_the_token_endpoint(
    shared_demo_org: RunningOrg, form: dict[str, str], error: str, description: str
) -> None:
    """Every refusal is a 400 with one object of error and description."""
    answer = shared_demo_org.token(**form)

    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_the_secret_can_be_waived(start_demo_org: StartOrg) -> None:
    """An app that needs no secret for refreshes gets its token without one."""
    org = start_demo_org(secret_required=False)

    assert org.token(client_secret="").status_code == 200


def test_rotation_gives_a_new_token_and_a_replay_kills_the_grant(start_demo_org: StartOrg) -> None:
    """With rotation each refresh changes the token; using a spent one ends grant, token and sessions."""
    org = start_demo_org(rotation=True)
    first = org.token().json()
    second = org.token(first["refresh_token"]).json()
    api = org.login_with(second["access_token"])
    assert api.get("limits").status_code == 200

    replay = org.token()

    assert replay.json() == {"error": "invalid_grant", "error_description": "expired access/refresh token"}
    assert org.token(second["refresh_token"]).status_code == 400
    assert api.get("limits").status_code == 401
    state = org.control.grant(org.refresh_token)
    assert (state["alive"], state["rotations"]) == (False, 2)
    assert state["revoked"] == "a rotated refresh token was used again"


def test_some_orgs_echo_the_token(start_demo_org: StartOrg) -> None:
    """Without rotation the answer may repeat the refresh token unchanged."""
    org = start_demo_org(echo_refresh_token=True)

    assert org.token().json()["refresh_token"] == org.refresh_token
    assert org.token().status_code == 200


def test_two_refreshes_at_once(start_demo_org: StartOrg) -> None:
    """While one refresh of a grant is under way, others are refused, and the grant survives."""
    org = start_demo_org(rotation=True, token_seconds=0.5)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: org.token(), range(4)))

    bodies = [answer.json() for answer in answers]
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    refused = [body for body in bodies if "error" in body]
    assert {body["error_description"] for body in refused} == {"token request is already being processed"}
    assert org.control.grant(org.refresh_token)["alive"]


def test_the_sixth_approval_revokes_the_oldest(demo_org: RunningOrg) -> None:
    """A user may approve an app five times; one more ends the oldest grant without a word."""
    later = [demo_org.control.new_refresh_token() for _ in range(4)]
    assert demo_org.token().status_code == 200

    sixth = demo_org.control.new_refresh_token()

    assert demo_org.token().json()["error_description"] == "expired access/refresh token"
    assert all(demo_org.token(token).status_code == 200 for token in [*later, sixth])


def _approved_code(org: RunningOrg, **parameters: str) -> dict[str, list[str]]:
    query = {
        "response_type": "code",
        "client_id": org.client_id,
        "redirect_uri": "http://localhost:1717/callback",
        "state": "kept as it is",
        "auto": "approve",
        **parameters,
    }
    answer = org.browser().get(
        f"{org.https_url}/services/oauth2/authorize", params=query, allow_redirects=False
    )
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def test_code_exchange_with_pkce(demo_org: RunningOrg) -> None:
    """A code is exchanged once, with the verifier of its challenge, for a refresh token that works."""
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    callback = _approved_code(demo_org, code_challenge=challenge, code_challenge_method="S256")
    form = {
        "grant_type": "authorization_code",
        "code": callback["code"][0],
        "redirect_uri": "http://localhost:1717/callback",
        "code_verifier": verifier,
    }

    answer = demo_org.token(**form).json()

    assert callback["state"] == ["kept as it is"]
    assert demo_org.token(answer["refresh_token"]).status_code == 200
    assert demo_org.token(**form).json()["error_description"] == "invalid authorization code"


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"code_verifier": "w" * 64}, "invalid code verifier"),
        ({"redirect_uri": "http://localhost:1717/other"}, "redirect_uri must match configuration"),
    ],
)
def test_a_code_is_bound_to_its_request(
    demo_org: RunningOrg, change: dict[str, str], description: str
) -> None:
    """A wrong verifier or another callback address gets no token."""
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = _approved_code(demo_org, code_challenge=challenge, code_challenge_method="S256")["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    form |= {"redirect_uri": "http://localhost:1717/callback", **change}

    assert demo_org.token(**form).json()["error_description"] == description


def test_the_page_asks_for_a_login(demo_org: RunningOrg) -> None:
    """A person sees a form, is refused with a wrong password, and returns with a code or a denial."""
    browser = demo_org.browser()
    url = f"{demo_org.https_url}/services/oauth2/authorize"
    query = {
        "response_type": "code",
        "client_id": demo_org.client_id,
        "redirect_uri": "http://localhost:1/cb",
    }
    page = browser.get(url, params=query)
    assert '<input type="password" name="password"' in page.text
    login = {**query, "username": demo_org.username, "decision": "approve"}

    wrong = browser.post(url, data={**login, "password": "wrong"}, allow_redirects=False)
    right = browser.post(url, data={**login, "password": demo_org.password}, allow_redirects=False)
    denied = browser.post(url, data={**login, "decision": "deny"}, allow_redirects=False)

    assert "check your username and password" in wrong.text
    assert "code=" in right.headers["Location"]
    assert "error=access_denied&error_description=end-user+denied+authorization" in denied.headers["Location"]


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"redirect_uri": "https://attacker.example/cb"}, "redirect_uri_mismatch"),
        ({"response_type": "cookie"}, "unsupported_response_type"),
    ],
)
def test_bad_authorizations_show_an_error(
    shared_demo_org: RunningOrg, parameters: dict[str, str], text: str
) -> None:
    """Nobody is sent to an address that the app does not know."""
    query = {
        "response_type": "code",
        "client_id": shared_demo_org.client_id,
        "redirect_uri": "http://localhost:1/cb",
        **parameters,
    }
    url = f"{shared_demo_org.https_url}/services/oauth2/authorize"
    answer = shared_demo_org.browser().get(url, params=query, allow_redirects=False)

    assert answer.status_code == 400
    assert f"error={text}" in answer.text


def test_pkce_can_be_demanded(start_demo_org: StartOrg) -> None:
    """An app with mandatory PKCE sends requests without a challenge back."""
    org = start_demo_org(pkce_required=True)

    assert _approved_code(org)["error"] == ["invalid_request"]


def test_the_copy_page(shared_demo_org: RunningOrg) -> None:
    """The org's own success page is a valid callback, and shows nothing but its name."""
    uri = f"{shared_demo_org.https_url}/services/oauth2/success"
    callback = _approved_code(shared_demo_org, redirect_uri=uri)

    page = shared_demo_org.browser().get(uri, params={"code": callback["code"][0]})

    assert "Remote Access Application Authorization" in page.text


def test_device_flow(demo_org: RunningOrg) -> None:
    """Polling answers 400 authorization_pending until a person approves, then a token."""
    begin = demo_org.token(response_type="device_code", scope="api refresh_token").json()
    poll = {"grant_type": "device", "code": begin["device_code"]}
    assert set(begin) == {"device_code", "user_code", "verification_uri", "interval"}

    pending = demo_org.token(**poll)
    assert demo_org.control.decide_device(begin["user_code"])
    done = demo_org.token(**poll)

    assert (pending.status_code, pending.json()["error"]) == (400, "authorization_pending")
    assert done.json()["refresh_token"]


def test_client_credentials(start_demo_org: StartOrg) -> None:
    """The app's own user gets a session without a refresh token, if the app has such a user."""
    org = start_demo_org()

    granted = org.token(grant_type="client_credentials").json()
    org.control.options(client_credentials=False)
    refused = org.token(grant_type="client_credentials").json()

    assert org.login_with(granted["access_token"]).get("limits").status_code == 200
    assert "refresh_token" not in granted
    assert refused["error_description"] == "no client credentials user enabled"


def test_password_flow(shared_demo_org: RunningOrg) -> None:
    """A password, with a security token behind it, gives a session."""
    form = {"grant_type": "password", "username": shared_demo_org.username}

    answer = shared_demo_org.token(**form, password=shared_demo_org.password + "SECURITYTOKEN")

    assert answer.status_code == 200


def test_introspection_is_the_only_place_that_tells_the_end(demo_org: RunningOrg) -> None:
    """Introspection tells scope, user and expiry of a living token, and nothing of a dead one."""
    access = demo_org.token().json()["access_token"]
    url = f"{demo_org.https_url}/services/oauth2/introspect"
    app = {"client_id": demo_org.client_id, "client_secret": demo_org.client_secret}

    alive = demo_org.browser().post(url, data={**app, "token": access}).json()
    demo_org.control.expire_sessions()
    dead = demo_org.browser().post(url, data={**app, "token": access}).json()

    assert alive["active"] is True
    assert alive["exp"] - alive["iat"] >= 7200
    assert alive["username"] == demo_org.username
    assert dead == {"active": False}


def test_userinfo_and_identity(shared_demo_org: RunningOrg) -> None:
    """Both tell who the user is, in their different spellings, and nothing without a session."""
    answer = shared_demo_org.token().json()
    browser = shared_demo_org.browser()
    headers = {"Authorization": f"Bearer {answer['access_token']}"}

    userinfo = browser.get(f"{shared_demo_org.https_url}/services/oauth2/userinfo", headers=headers).json()
    identity = browser.get(answer["id"], headers=headers).json()
    stranger = browser.get(answer["id"])

    assert userinfo["preferred_username"] == identity["username"] == shared_demo_org.username
    assert userinfo["user_id"] == identity["user_id"]
    assert identity["user_type"] == "STANDARD"
    assert "{version}" in identity["urls"]["rest"]
    assert (stranger.status_code, stranger.text) == (403, "Bad_OAuth_Token")


def test_revoking(demo_org: RunningOrg) -> None:
    """Revoking an access token ends the session; revoking a refresh token ends the grant."""
    access = demo_org.token().json()["access_token"]
    browser = demo_org.browser()
    url = f"{demo_org.https_url}/services/oauth2/revoke"

    assert browser.post(url, data={"token": access}).status_code == 200
    assert demo_org.login_with(access).get("limits").status_code == 401
    assert demo_org.token().status_code == 200
    assert browser.get(url, params={"token": demo_org.refresh_token}).status_code == 200
    assert demo_org.token().status_code == 400
    assert browser.post(url, data={"token": "unknown"}).json()["error"] == "unsupported_token_type"


def test_sessions_end_when_they_are_not_used(start_demo_org: StartOrg) -> None:
    """A session slides with its use, and is gone after the timeout."""
    org = start_demo_org()
    api = org.login()

    org.control.options(session_timeout=3600.0)
    assert api.get("limits").status_code == 200
    org.control.options(session_timeout=0.0)
    answer = api.get("limits")

    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_grants_survive_a_restart(start_demo_org: StartOrg) -> None:
    """An org that is started again on its state folder knows its app, its grants and its sessions."""
    before = start_demo_org(rotation=True)
    answer = before.token().json()
    before.server.stop()

    after = start_demo_org(state_dir=before.state_dir, rotation=True)

    assert after.client_id == before.client_id
    assert after.login_with(answer["access_token"]).get("limits").status_code == 200
    assert after.token(answer["refresh_token"]).status_code == 200
    assert after.control.grant(before.refresh_token)["rotations"] == 2


def test_no_token_is_kept_in_the_clear(start_demo_org: StartOrg) -> None:
    """The state file holds digests only, and is readable by its owner only."""
    org = start_demo_org(rotation=True)
    answer = org.token().json()
    state = org.state_dir / "grants.json"

    assert state.stat().st_mode & 0o077 == 0
    text = state.read_text()
    assert answer["access_token"] not in text
    assert answer["refresh_token"] not in text


def test_the_org_can_tell_whether_an_answer_arrived(start_demo_org: StartOrg) -> None:
    """A grant tells how often it was refreshed, whether the last answer got out and was used."""
    org = start_demo_org(rotation=True)
    assert org.control.grant(org.refresh_token)["answer_delivered"] is None

    answer = org.token().json()
    state = org.control.grant(answer["refresh_token"])
    assert (state["refreshes"], state["answer_delivered"], state["answer_used"]) == (1, True, False)

    org.login_with(answer["access_token"]).get("limits")
    assert org.control.grant(answer["refresh_token"])["answer_used"]


def test_the_org_can_tell_that_nobody_took_the_answer(start_demo_org: StartOrg) -> None:
    """A client that dies during its refresh leaves a rotated grant whose answer did not arrive."""
    org = start_demo_org(rotation=True, token_seconds=0.3)
    host, port = org.http_url.removeprefix("http://").split(":")
    form = urlencode(
        {
            "grant_type": "refresh_token",
            "refresh_token": org.refresh_token,
            "client_id": org.client_id,
            "client_secret": org.client_secret,
        }
    )
    with socket.create_connection((host, int(port))) as client:
        head = (
            f"POST /services/oauth2/token HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(form)}\r\n"
        )
        kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        client.sendall((head + kind + form).encode())
        time.sleep(0.1)

    deadline = time.monotonic() + 10
    state = org.control.grant(org.refresh_token)
    while state["answer_delivered"] is None and time.monotonic() < deadline:
        time.sleep(0.02)
        state = org.control.grant(org.refresh_token)
    assert (state["rotations"], state["answer_delivered"], state["alive"]) == (1, False, True)
