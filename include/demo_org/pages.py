"""The pages that people see: login and approval, the page to copy a code from, the one for device codes."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from demo_org.approvals import Approvals, callback_allowed
from demo_org.calls import Call, Reply, page_reply
from demo_org.errors import OAuthError
from demo_org.oauth import DEFAULT_SCOPE, TokenEndpoint
from demo_org.org import App, Org

_STYLE = (
    "body{font:16px system-ui,sans-serif;background:#f3f3f3;margin:0}"
    "main{max-width:26rem;margin:8vh auto;background:#fff;padding:2rem;border-radius:.5rem}"
    "label{display:block;margin:1rem 0 .25rem}"
    "input[type=text],input[type=password]{width:100%;padding:.5rem;box-sizing:border-box}"
    "button{margin:1.5rem .5rem 0 0;padding:.6rem 1.2rem}.bad{color:#b00020}"
)
_PARAMETERS = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)


class Pages:
    """
    Login and approval.

    Args:
        org: the org.
        approvals: where codes are kept.
        tokens: checks passwords.
    """

    def __init__(self, org: Org, approvals: Approvals, tokens: TokenEndpoint) -> None:
        self._org = org
        self._approvals = approvals
        self._tokens = tokens

    def authorize(self, call: Call) -> Reply:
        """
        Answer ``/services/oauth2/authorize``.

        The query parameter ``auto=approve`` or ``auto=deny`` stands for a person who does so at once.
        """
        form = call.form
        app = self._org.apps.get(form.get("client_id", ""))
        if app is None:
            return _failed("invalid_client_id", "client identifier invalid")
        if not callback_allowed(app, form.get("redirect_uri", ""), (call.origin,)):
            return _failed("redirect_uri_mismatch", "redirect_uri must match configuration")
        if form.get("response_type") not in {"code", "token"}:
            return _failed("unsupported_response_type", "response type not supported")
        if self._org.options.pkce_required and not form.get("code_challenge"):
            return _callback(
                form, {"error": "invalid_request", "error_description": "missing required code challenge"}
            )
        return self._decide(call, app, form)

    def success(self, call: Call) -> Reply:
        """Answer ``/services/oauth2/success``: the code is copied from the address bar."""
        return _page("Remote Access Application Authorization", "<p>You can close this page.</p>")

    def device(self, call: Call) -> Reply:
        """Answer ``/setup/connect``: type the code that a device shows."""
        form = call.form
        if call.method != "POST" and form.get("auto") not in {"approve", "deny"}:
            code = escape(form.get("user_code", ""))
            inner = (
                f'<label>Code<input type="text" name="user_code" value="{code}"></label>' + _login_fields()
            )
            return _page("Connect Your Device", f'<form method="post">{inner}</form>')
        if call.method == "POST":
            try:
                self._tokens.check_password(form.get("username", ""), form.get("password", ""))
            except OAuthError as error:
                return _failed(error.error, error.description)
        approve = form.get("auto", form.get("decision", "approve")) == "approve"
        if not self._approvals.decide_device(form.get("user_code", ""), self._org.user_id, approve=approve):
            return _failed("invalid_request", "unknown code")
        return _page("Connect Your Device", "<p>Done. You can close this page.</p>")

    def _decide(self, call: Call, app: App, form: dict[str, str]) -> Reply:
        decision = form.get("auto") or (form.get("decision") if call.method == "POST" else None)
        if decision is None:
            return self._form(app, form, "")
        if decision != "approve":
            denied = {"error": "access_denied", "error_description": "end-user denied authorization"}
            return _callback(form, denied)
        if "auto" not in form:
            try:
                self._tokens.check_password(form.get("username", ""), form.get("password", ""))
            except OAuthError:
                text = "Please check your username and password."
                return self._form(app, form, text)
        return self._approve(call, app, form)

    def _approve(self, call: Call, app: App, form: dict[str, str]) -> Reply:
        scope = form.get("scope") or DEFAULT_SCOPE
        user = self._org.user_id
        if form["response_type"] == "token":
            grant, refresh = self._org.grants.authorize(
                app.key, user, scope, self._org.options.grants_per_user
            )
            access = self._org.grants.open_session(app.key, user, scope, grant.id)
            values = {
                "access_token": access,
                "refresh_token": refresh,
                "scope": scope,
                "token_type": "Bearer",
            }
            values |= {"instance_url": self._org.options.instance_url or call.origin}
            values |= {"id": f"{call.origin}/id/{self._org.world.org_id}/{user}"}
            return _callback(form, values)
        approval = {"app": app.key, "user": user, "scope": scope, "redirect_uri": form["redirect_uri"]}
        if form.get("code_challenge"):
            approval["code_challenge"] = form["code_challenge"]
        return _callback(form, {"code": self._approvals.issue(**approval)})

    def _form(self, app: App, form: dict[str, str], complaint: str) -> Reply:
        kept = {name: form[name] for name in _PARAMETERS if name in form}
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in kept.items()
        )
        scope = escape(form.get("scope") or DEFAULT_SCOPE)
        bad = f'<p class="bad">{escape(complaint)}</p>' if complaint else ""
        intro = (
            f"<p><b>{escape(app.name)}</b> asks for access to <b>{escape(str(self._org.world.org_name))}</b>"
            f" ({scope}).</p>{bad}"
        )
        action = "/services/oauth2/authorize"
        return _page(
            "Allow Access?", f'{intro}<form method="post" action="{action}">{hidden}{_login_fields()}</form>'
        )


def _login_fields() -> str:
    return (
        '<label>Username<input type="text" name="username" autocomplete="username"></label>'
        '<label>Password<input type="password" name="password" autocomplete="current-password"></label>'
        '<button name="decision" value="approve">Allow</button>'
        '<button name="decision" value="deny">Deny</button>'
    )


def _page(title: str, inner: str, status: int = 200) -> Reply:
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
    return page_reply(
        f"{head}<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{inner}</main></body></html>",
        status,
    )


def _failed(error: str, description: str) -> Reply:
    text = f'<p class="bad">error={escape(error)}&amp;error_description={escape(description)}</p>'
    return _page("OAuth Error", text, 400)


def _callback(form: dict[str, str], values: dict[str, str]) -> Reply:
    """Send the browser back to the client: in the query for codes, in the fragment for tokens."""
    if "state" in form:
        values = {**values, "state": form["state"]}
    mark = "#" if form.get("response_type") == "token" else "&" if "?" in form["redirect_uri"] else "?"
    return Reply(302, b"", "", {"Location": form["redirect_uri"] + mark + urlencode(values)})
