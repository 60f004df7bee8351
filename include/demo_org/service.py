"""One door to everything that the org serves: finds who answers a call."""

from __future__ import annotations

from demo_org import identity, rest, soap
from demo_org.approvals import Approvals
from demo_org.calls import Call, Reply, error_reply, page_reply
from demo_org.control_api import ControlApi
from demo_org.errors import ApiError, OAuthError, method_not_allowed
from demo_org.oauth import TokenEndpoint
from demo_org.org import Org
from demo_org.pages import Pages

_WELCOME = (
    "<!doctype html><html lang='en'><head><title>Demo org</title></head><body><h1>Demo org</h1>"
    "<p>This is a Salesforce org for demonstrations and tests. Its people do not exist.</p></body></html>"
)


class Service:
    """
    Answers calls, whatever they are about.

    Args:
        org: the org.
    """

    def __init__(self, org: Org) -> None:
        self.org = org
        self.approvals = Approvals()
        self.tokens = TokenEndpoint(org, self.approvals)
        self._pages = Pages(org, self.approvals, self.tokens)
        self._control = ControlApi(org, self.approvals)

    def answer(self, call: Call) -> Reply:
        """
        Answer a call.

        Args:
            call: the call.

        Returns:
            The org's answer, or that of a fault in its place.
        """
        if call.path.startswith("/_demo"):
            return self._control.answer(call)
        replaced = self.org.faults.answer(call)
        if replaced is not None:
            return replaced
        reply = self._dispatch(call)
        if call.path.startswith("/services/data") and reply.counted:
            header = rest.limit_header(self.org, call)
            if header is not None:
                reply.headers["Sforce-Limit-Info"] = header
        reply.faults = self.org.faults.transport(call)
        return reply

    def _dispatch(self, call: Call) -> Reply:
        path = call.path
        if path.startswith("/services/data"):
            return rest.answer(self.org, call)
        try:
            if path.startswith("/services/oauth2/"):
                return self._oauth(call)
            if path.startswith("/id/"):
                return identity.identity(self.org, call)
            if path.startswith("/services/Soap/"):
                return soap.login(self.org, self.tokens, call)
            if path.rstrip("/") == "/setup/connect":
                return self._pages.device(call)
        except (OAuthError, ApiError) as error:
            return error_reply(error, call)
        if path == "/":
            return page_reply(_WELCOME)
        return page_reply("<html><body><h1>URL No Longer Exists</h1></body></html>", 404)

    def _oauth(self, call: Call) -> Reply:
        name = call.path.removeprefix("/services/oauth2/").rstrip("/")
        if name == "token":
            if call.method != "POST":
                raise method_not_allowed(call.method, "POST")
            return self.tokens.answer(call)
        if name == "authorize":
            return self._pages.authorize(call)
        if name == "success":
            return self._pages.success(call)
        if name == "introspect":
            return identity.introspect(self.org, call)
        if name == "userinfo":
            return identity.userinfo(self.org, call)
        if name == "revoke":
            return identity.revoke(self.org, call)
        return page_reply("<html><body><h1>URL No Longer Exists</h1></body></html>", 404)
