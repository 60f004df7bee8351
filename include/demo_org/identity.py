"""Who is behind a token: introspect, userinfo, the identity URL, and revoke."""

from __future__ import annotations

import re
import time
from typing import Any

from demo_org.calls import Call, Reply, json_reply
from demo_org.errors import OAuthError
from demo_org.grants import Session
from demo_org.org import Org

_IDENTITY = re.compile(r"^/id/(\w{15,18})/(\w{15,18})/?$")


def introspect(org: Org, call: Call) -> Reply:
    """
    Answer ``/services/oauth2/introspect``: the only place that tells when a token ends.

    Raises:
        OAuthError: the app does not prove who it is.
    """
    form = call.form
    app = org.apps.get(form.get("client_id", ""))
    if app is None or (app.secret and form.get("client_secret") != app.secret):
        raise OAuthError("invalid_client", "invalid client credentials", 401)
    session = org.grants.session(form.get("token", ""), touch=False)
    if session is not None and session.app == app.key:
        return json_reply(_active_session(org, call, session), call)
    grant, spent = org.grants.find(form.get("token", ""))
    if grant is None or spent or grant.revoked or grant.app != app.key:
        return json_reply({"active": False}, call)
    body = {"active": True, "scope": grant.scope, "client_id": grant.app, "username": org.username}
    body |= {"sub": _identity_url(org, call), "token_type": "refresh_token", "iat": int(grant.created)}
    return json_reply(body, call)


def userinfo(org: Org, call: Call) -> Reply:
    """Answer ``/services/oauth2/userinfo``."""
    session = _session(org, call)
    if session is None:
        return Reply(403, b"Bad_OAuth_Token", "text/html; charset=UTF-8")
    row = org.user_row()
    body = {
        "sub": _identity_url(org, call),
        "user_id": session.user,
        "organization_id": org.world.org_id,
        "preferred_username": org.username,
        "nickname": row.get("CommunityNickname") or org.username.partition("@")[0],
        "name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": True,
        "given_name": row.get("FirstName"),
        "family_name": row.get("LastName"),
        "zoneinfo": "Europe/Berlin",
        "photos": {
            "picture": f"{call.origin}/profilephoto/005/F",
            "thumbnail": f"{call.origin}/profilephoto/005/T",
        },
        "profile": f"{call.origin}/{session.user}",
        "picture": f"{call.origin}/profilephoto/005/F",
        "address": {},
        "is_salesforce_integration_user": False,
        "urls": _urls(org, call),
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 3600000,
        "updated_at": org.started.isoformat().replace("+00:00", "Z"),
        "is_app_installed": True,
    }
    return json_reply(body, call)


def identity(org: Org, call: Call) -> Reply:
    """Answer the identity URL of a token answer; a foreign organization or user is refused."""
    found = _IDENTITY.match(call.path)
    session = _session(org, call)
    if found is None or session is None:
        return Reply(403, b"Bad_OAuth_Token", "text/html; charset=UTF-8")
    if found[1][:15] != org.world.org_id[:15]:
        return Reply(403, b"Wrong_Org", "text/html; charset=UTF-8")
    if found[2][:15] != session.user[:15]:
        return Reply(404, b"Bad_Id", "text/html; charset=UTF-8")
    row = org.user_row()
    body = {
        "id": _identity_url(org, call),
        "asserted_user": True,
        "user_id": session.user,
        "organization_id": org.world.org_id,
        "username": org.username,
        "nick_name": row.get("CommunityNickname") or org.username.partition("@")[0],
        "display_name": row.get("Name"),
        "email": row.get("Email"),
        "email_verified": True,
        "first_name": row.get("FirstName"),
        "last_name": row.get("LastName"),
        "timezone": "Europe/Berlin",
        "photos": {
            "picture": f"{call.origin}/profilephoto/005/F",
            "thumbnail": f"{call.origin}/profilephoto/005/T",
        },
        "addr_street": None,
        "addr_city": None,
        "addr_state": None,
        "addr_country": None,
        "addr_zip": None,
        "mobile_phone": None,
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        "urls": _urls(org, call),
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 3600000,
        "last_modified_date": org.started.isoformat().replace("+00:00", "Z"),
        "is_app_installed": True,
    }
    return json_reply(body, call)


def revoke(org: Org, call: Call) -> Reply:
    """
    Answer ``/services/oauth2/revoke``: a refresh token takes its grant along, an access token only itself.

    Raises:
        OAuthError: the token is unknown.
    """
    token = call.form.get("token", "")
    session = org.grants.session(token, touch=False)
    if session is not None:
        org.grants.end_session(session)
        return Reply(200, b"", "")
    grant, _ = org.grants.find(token)
    if grant is None or grant.revoked:
        raise OAuthError("unsupported_token_type", "this token type is not supported")
    org.grants.revoke(grant, "the client revoked it")
    return Reply(200, b"", "")


def _session(org: Org, call: Call) -> Session | None:
    token = call.headers.get("authorization", "").partition(" ")[2].strip() or call.form.get(
        "oauth_token", ""
    )
    return org.grants.session(token)


def _active_session(org: Org, call: Call, session: Session) -> dict[str, Any]:
    return {
        "active": True,
        "scope": session.scope,
        "client_id": session.app,
        "username": org.username,
        "sub": _identity_url(org, call),
        "token_type": "access_token",
        "exp": int(max(session.used, time.time()) + org.options.session_timeout),
        "iat": int(session.issued),
        "nbf": int(session.issued),
    }


def _identity_url(org: Org, call: Call) -> str:
    return f"{call.origin}/id/{org.world.org_id}/{org.user_id}"


def _urls(org: Org, call: Call) -> dict[str, str]:
    base = org.options.instance_url or call.origin
    data = f"{base}/services/data/v{{version}}"
    soap = f"{base}/services/Soap"
    return {
        "enterprise": f"{soap}/c/{{version}}/{org.world.org_id[:15]}",
        "metadata": f"{soap}/m/{{version}}/{org.world.org_id[:15]}",
        "partner": f"{soap}/u/{{version}}/{org.world.org_id[:15]}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "search": f"{data}/search/",
        "query": f"{data}/query/",
        "recent": f"{data}/recent/",
        "tooling_soap": f"{soap}/T/{{version}}/{org.world.org_id[:15]}",
        "tooling_rest": f"{data}/tooling/",
        "profile": f"{base}/{org.user_id}",
        "custom_domain": base,
    }
