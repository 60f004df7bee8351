"""The one SOAP call that is still about: login with username and password."""

from __future__ import annotations

import re
from html import escape, unescape

from demo_org.calls import Call, Reply
from demo_org.errors import OAuthError
from demo_org.oauth import TokenEndpoint
from demo_org.org import Org

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    "{more}><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
)
_PATH = re.compile(r"^/services/Soap/[uc]/(\d+\.\d)(/.*)?$")
_XML = "text/xml;charset=UTF-8"


def login(org: Org, tokens: TokenEndpoint, call: Call) -> Reply:
    """
    Answer a SOAP login.

    Args:
        org: the org.
        tokens: checks the password, behind which a security token may stand.
        call: the call.

    Returns:
        A session id and the server that it is for, or a SOAP fault.
    """
    found = _PATH.match(call.path)
    text = call.body.decode("utf-8", "replace")
    username, password = _element(text, "username"), _element(text, "password")
    if found is None or username is None or password is None:
        return _fault("UNKNOWN_EXCEPTION", "UNKNOWN_EXCEPTION: Only login is served here")
    if "ApiEnabled" not in org.permissions:
        return _fault("API_CURRENTLY_DISABLED", "API_CURRENTLY_DISABLED: API is disabled for this User")
    try:
        tokens.check_password(username, password)
    except OAuthError:
        reason = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
        return _fault("INVALID_LOGIN", reason)
    session = org.grants.open_session("", org.user_id, "api web full")
    base = org.options.instance_url or call.origin
    server = f"{base}/services/Soap/u/{found[1]}/{org.world.org_id[:15]}"
    return Reply(
        200,
        _ENVELOPE.format(
            more=' xmlns="urn:partner.soap.sforce.com"', body=_result(org, session, server)
        ).encode(),
        _XML,
    )


def _result(org: Org, session: str, server: str) -> str:
    row = org.user_row()
    seconds = int(org.options.session_timeout)
    info = (
        f"<organizationId>{org.world.org_id}</organizationId>"
        f"<organizationName>{escape(str(org.world.org_name))}</organizationName>"
        f"<sessionSecondsValid>{seconds}</sessionSecondsValid>"
        f"<userEmail>{escape(str(row.get('Email') or ''))}</userEmail>"
        f"<userFullName>{escape(str(row.get('Name') or ''))}</userFullName>"
        f"<userId>{org.user_id}</userId><userName>{escape(org.username)}</userName><userType>Standard</userType>"
    )
    metadata = server.replace("/Soap/u/", "/Soap/m/")
    return (
        f"<loginResponse><result><metadataServerUrl>{metadata}</metadataServerUrl>"
        f"<passwordExpired>false</passwordExpired><sandbox>{str(bool(org.world.is_sandbox)).lower()}</sandbox>"
        f"<serverUrl>{server}</serverUrl><sessionId>{session}</sessionId><userId>{org.user_id}</userId>"
        f"<userInfo>{info}</userInfo></result></loginResponse>"
    )


def _fault(code: str, message: str) -> Reply:
    body = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{escape(message)}</faultstring><detail>"
        f"<sf:LoginFault><sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>"
        f"{escape(message.partition(': ')[2])}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    )
    return Reply(
        500, _ENVELOPE.format(more=' xmlns:sf="urn:fault.partner.soap.sforce.com"', body=body).encode(), _XML
    )


def _element(text: str, name: str) -> str | None:
    found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>(.*?)</(?:\w+:)?{name}>", text, re.DOTALL)
    return unescape(found[1]) if found else None
