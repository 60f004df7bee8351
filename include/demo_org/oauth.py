"""The token endpoint: every grant type that a client of the org may use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import unquote, urlencode
from xml.sax.saxutils import escape

from demo_org.approvals import Approvals
from demo_org.assertions import check_assertion
from demo_org.calls import Call, Reply, json_reply
from demo_org.errors import OAuthError
from demo_org.grants import Grant
from demo_org.org import App, Org

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEFAULT_SCOPE = "refresh_token api id"
_EXPIRED = "expired access/refresh token"


class TokenEndpoint:
    """
    Hands out access tokens.

    Args:
        org: the org.
        approvals: authorization codes and device codes that wait to be exchanged.
    """

    def __init__(self, org: Org, approvals: Approvals) -> None:
        self._org = org
        self._approvals = approvals
        self._flows: dict[str, Callable[[Call, dict[str, str]], Reply]] = {
            "refresh_token": self._refresh,
            "hybrid_refresh": self._refresh,
            "authorization_code": self._code,
            "client_credentials": self._client_credentials,
            "password": self._password,
            "device": self._device,
            JWT_BEARER: self._jwt,
        }

    def answer(self, call: Call) -> Reply:
        """
        Answer a token request.

        Raises:
            OAuthError: every refusal.
        """
        form = {**call.form, **_basic(call)}
        if form.get("response_type") == "device_code":
            return self._device_code(call, form)
        kind = form.get("grant_type", "")
        if not kind:
            raise OAuthError("invalid_request", "grant type is missing")
        flow = self._flows.get(kind)
        if flow is None:
            raise OAuthError("unsupported_grant_type", "grant type not supported")
        return flow(call, form)

    def _refresh(self, call: Call, form: dict[str, str]) -> Reply:
        org = self._org
        app = self._app(form, secret=org.options.secret_required)
        if not form.get("refresh_token"):
            raise OAuthError("invalid_request", "must supply refresh_token")
        grant, _ = org.grants.find(form["refresh_token"])
        if grant is None or grant.app != app.key:
            raise OAuthError("invalid_grant", _EXPIRED)
        if not org.grants.begin_refresh(grant):
            raise OAuthError("invalid_grant", "token request is already being processed")
        try:
            if org.options.token_seconds:
                time.sleep(org.options.token_seconds)
            # The token may have been rotated out while this request waited its turn.
            _, spent = org.grants.find(form["refresh_token"])
            return self._refreshed(call, form, app, grant, spent=spent)
        finally:
            org.grants.end_refresh(grant)

    def _refreshed(self, call: Call, form: dict[str, str], app: App, grant: Grant, *, spent: bool) -> Reply:
        org = self._org
        if spent:
            org.grants.revoke(grant, "a rotated refresh token was used again")
        if grant.revoked:
            raise OAuthError("invalid_grant", _EXPIRED)
        self._check_user()
        access, renewed = org.grants.refresh(grant, rotate=org.options.rotation)
        echoed = form["refresh_token"] if org.options.echo_refresh_token else None
        reply = self._success(call, app, access, grant.scope, renewed or echoed)
        reply.delivered = lambda whole: org.grants.delivered(grant, whole=whole)
        reply.drop = org.faults.hit("token_answer_lost", call.path)
        return reply

    def _code(self, call: Call, form: dict[str, str]) -> Reply:
        app = self._app(form, secret=False)
        approval = self._approvals.exchange(form, app)
        if app.secret and "code_challenge" not in approval and form.get("client_secret", "") == "":
            raise OAuthError("invalid_client", "invalid client credentials")
        return self._approved(call, app, approval["user"], approval["scope"])

    def _device_code(self, call: Call, form: dict[str, str]) -> Reply:
        app = self._app(form, secret=False)
        body = self._approvals.begin_device(app, form.get("scope") or DEFAULT_SCOPE)
        return json_reply({**body, "verification_uri": f"{call.origin}/setup/connect", "interval": 5}, call)

    def _device(self, call: Call, form: dict[str, str]) -> Reply:
        app = self._app(form, secret=False)
        user, scope = self._approvals.poll_device(form.get("code", ""), app)
        return self._approved(call, app, user, scope)

    def _client_credentials(self, call: Call, form: dict[str, str]) -> Reply:
        app = self._app(form, secret=True)
        if not self._org.options.client_credentials:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        self._check_user()
        access = self._org.grants.open_session(app.key, self._org.user_id, "api id")
        return self._success(call, app, access, "api id", None)

    def _password(self, call: Call, form: dict[str, str]) -> Reply:
        app = self._app(form, secret=True)
        self.check_password(form.get("username", ""), form.get("password", ""))
        access = self._org.grants.open_session(app.key, self._org.user_id, "api id")
        return self._success(call, app, access, "api id", None)

    def _jwt(self, call: Call, form: dict[str, str]) -> Reply:
        org = self._org
        app, subject = check_assertion(form.get("assertion", ""), org.apps, call.origin)
        if subject.lower() != org.username.lower() or not org.options.approved:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        self._check_user()
        access = org.grants.open_session(app.key, org.user_id, "api id")
        return self._success(call, app, access, "api id", None)

    def check_password(self, username: str, password: str) -> None:
        """
        Check a login; a security token may follow the password.

        Raises:
            OAuthError: ``authentication failure``.
        """
        org = self._org
        right = hmac.compare_digest(password[: len(org.password)].encode(), org.password.encode())
        if username.lower() != org.username.lower() or not right:
            raise OAuthError("invalid_grant", "authentication failure - Invalid Password")
        self._check_user()

    def _check_user(self) -> None:
        if self._org.user_row().get("IsActive") is False:
            raise OAuthError("invalid_grant", "inactive user")

    def _approved(self, call: Call, app: App, user: str, scope: str) -> Reply:
        self._check_user()
        org = self._org
        grant, refresh = org.grants.authorize(app.key, user, scope, org.options.grants_per_user)
        access = org.grants.open_session(app.key, user, scope, grant.id)
        offered = {"refresh_token", "offline_access", "full"} & set(scope.split())
        return self._success(call, app, access, scope, refresh if offered else None)

    def _app(self, form: dict[str, str], *, secret: bool) -> App:
        app = self._org.apps.get(form.get("client_id", ""))
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        given = form.get("client_secret", "")
        if (secret or given) and app.secret and not hmac.compare_digest(given.encode(), app.secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def _success(self, call: Call, app: App, access: str, scope: str, refresh: str | None) -> Reply:
        org = self._org
        identity = f"{call.origin}/id/{org.world.org_id}/{org.user_id}"
        issued = str(int((time.time() + org.faults.skew()) * 1000))
        if org.faults.hit("token_without_api_scope", call.path):
            scope = " ".join(word for word in scope.split() if word not in {"api", "full", "web"})
            session = org.grants.session(access, touch=False)
            if session is not None:
                session.scope = scope
        body = {
            "access_token": access,
            "signature": signature(app.secret, identity, issued),
            "scope": scope,
            "instance_url": self._instance_url(call),
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }
        if refresh is not None:
            body = {"access_token": access, "refresh_token": refresh, **body}
        return _formatted(call, body)

    def _instance_url(self, call: Call) -> str:
        org = self._org
        foreign = org.faults.take("foreign_instance_url", call.path)
        if foreign:
            return str(foreign["url"])
        moved = org.faults.take("moved_instance_url", call.path)
        if moved:
            here = call.origin
            swapped = (
                here.replace("localhost", "127.0.0.1")
                if "localhost" in here
                else here.replace("127.0.0.1", "localhost")
            )
            return str(moved["url"]) or swapped
        return org.options.instance_url or call.origin


def signature(secret: str, identity: str, issued: str) -> str:
    """Sign the identity and the time of a token with the secret of the app."""
    mac = hmac.new(secret.encode(), (identity + issued).encode(), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


def _basic(call: Call) -> dict[str, str]:
    """Read client credentials from a Basic authorization header."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        key, _, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return {}
    return {"client_id": unquote(key), "client_secret": unquote(secret)}


def _formatted(call: Call, body: dict[str, str]) -> Reply:
    """Answer in the format that ``format`` or ``Accept`` asks for: JSON unless told otherwise."""
    accept = call.headers.get("accept", "")
    wanted = call.form.get("format", "")
    headers = {"Cache-Control": "no-cache, no-store", "Pragma": "no-cache"}
    if wanted == "urlencoded" or (not wanted and accept.startswith("application/x-www-form-urlencoded")):
        return Reply(
            200, urlencode(body).encode(), "application/x-www-form-urlencoded;charset=UTF-8", headers
        )
    if wanted == "xml" or (not wanted and accept.startswith("application/xml")):
        inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in body.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?><OAuth>{inner}</OAuth>'
        return Reply(200, text.encode(), "application/xml;charset=UTF-8", headers)
    return json_reply(body, call, 200, **headers)
