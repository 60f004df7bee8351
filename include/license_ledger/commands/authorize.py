"""
``license-ledger authorize``: the refresh token of an org, by a browser and a person who may log in.

What is said goes to standard error; only a connection that was asked for with ``--to`` goes to standard
output. No secret is shown: client secret and pasted code are typed without echo, tokens are never printed to
a terminal.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from license_ledger.commands.loopback import Loopback
from license_ledger.commands.typed import answers_typed, ask, ask_secret
from license_ledger.errors import ConfigError, LedgerError, SalesforceUnavailable
from license_ledger.salesforce.authorization import Authorization, Granted, copy_page
from license_ledger.salesforce.credentials import Credentials, parse
from license_ledger.salesforce.hosts import login_url_of_domain
from license_ledger.salesforce.tokens import Session
from license_ledger.salesforce.verdict import verdict
from license_ledger.settings import load_settings
from license_ledger.transform.scope import parse_rules

__all__ = ["ConnectionStore", "add_to", "run"]

PORT = 1717
"""Where the loopback server listens unless told otherwise: the port of Salesforce's own command line."""
SECRET_VARIABLE = "SALESFORCE_CLIENT_SECRET"  # noqa: S105 - the variable's name  # pragma: allowlist secret
CONNECTION_TYPE = "salesforce_oauth"
_SECONDS = 600
_TARGETS = ("airflow", "json", "uri", "vault", "file")


class ConnectionStore(Protocol):
    """Where Airflow keeps its connections; handed in, because this package knows no Airflow."""

    def read_fields(self, connection_id: str) -> dict[str, Any] | None:
        """The extras of a connection, None when there is none."""

    def require_storable(self, connection_id: str) -> None:
        """Raise ConfigError when a stored connection would not be encrypted, or not be read."""

    def store_fields(self, connection_id: str, fields: dict[str, Any]) -> None:
        """Add fields to a connection's extras, or make it."""


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], store: Callable[[], ConnectionStore]
) -> None:
    """Declare the command. ``store`` is called only when Airflow's own connections are wanted."""
    parser = commands.add_parser(
        "authorize",
        help="get the refresh token of an org with a browser, and store it in the Airflow connection",
        description="Get the refresh token of an org: opens Salesforce's page, receives the code, exchanges "
        "it, checks what the user may see, and stores the token in the Airflow connection.",
    )
    org = parser.add_mutually_exclusive_group()
    org.add_argument("--login-url", help="default: the connection's, else https://login.salesforce.com")
    org.add_argument("--sandbox", action="store_true", help="https://test.salesforce.com")
    org.add_argument("--my-domain", metavar="NAME", help="acme stands for https://acme.my.salesforce.com")
    parser.add_argument("--client-id", help="consumer key of the app; default: the connection's, else asked")
    parser.add_argument(
        "--client-secret-file",
        type=Path,
        metavar="FILE",
        help=f"default: ${SECRET_VARIABLE}, the connection's, else asked without echo; - for an app without",
    )
    parser.add_argument("--connection", default="salesforce_default", help="default: salesforce_default")
    parser.add_argument("--company", action="append", metavar="NAME", help="company filter; repeatable")
    parser.add_argument("--ca-bundle", help="PEM file, when a proxy has a certificate of its own")
    parser.add_argument(
        "--standby", action="store_true", help="add a second grant, which takes over when the first is lost"
    )
    parser.add_argument(
        "--to",
        choices=_TARGETS,
        default="airflow",
        help="airflow (default) stores the connection; the others print it: json and uri for an environment "
        "variable or a cloud's secret manager, vault for HashiCorp Vault, file for Airflow's local backend",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"of the callback address; default: {PORT}")
    parser.add_argument(
        "--paste",
        action="store_true",
        help="use Salesforce's own page as callback address, and paste the address it ends on",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--seconds", type=float, default=_SECONDS, help="to wait for the browser; default: 600"
    )
    parser.set_defaults(command=lambda options: run(options, store))


def run(options: argparse.Namespace, store: Callable[[], ConnectionStore]) -> str:
    """
    Authorize, check, store or print.

    Args:
        options: of the command line.
        store: gives Airflow's connections.

    Returns:
        What to print: the verdict, or the connection.

    Raises:
        ConfigError: a value is wrong, the port is taken, nobody answered; before anything is asked of
            Salesforce where it can be known before.
        AccessDenied, AuthRevoked, SalesforceUnavailable, UnsafeHost: Salesforce said no, or nothing.
    """
    place = store() if options.to == "airflow" else None
    if place is None and options.stdout.isatty():
        raise ConfigError(
            f"option --to {options.to}",
            "would print tokens to the terminal",
            "send the output to where the secret belongs: a pipe, or a file that only you can read",
        )
    if place is not None:
        place.require_storable(options.connection)
    kept = (place.read_fields(options.connection) if place else None) or {}
    fields = _app_fields(options, kept)
    credentials = parse({**fields, "refresh_token": "to-be-authorized"})
    parse_rules(credentials.company_names, load_settings().legal_entities)
    wanted = ["refresh_token"] if not (options.standby and kept.get("refresh_token")) else []
    wanted += ["standby_refresh_token"] if options.standby else []
    session: Session | None = None
    for name in wanted:
        granted = _authorize(options, credentials, name)
        fields[name], session = granted.refresh_token, granted.session
    if session is None:
        raise AssertionError("one grant at least is always wanted")
    found = _verdict(replace(credentials, company_names=_names(fields, kept)), session)
    if place is not None:
        place.store_fields(options.connection, fields)
        return f"{found}\nStored in the Airflow connection {options.connection}."
    _say(found)
    return _printed(options.to, options.connection, kept | fields)


def _app_fields(options: argparse.Namespace, kept: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the connection that do not come from Salesforce, asked for where they are missing."""
    fields: dict[str, Any] = {"login_url": _login_url(options, kept)}
    fields["consumer_key"] = options.client_id or kept.get("consumer_key") or ask("Client ID: ")
    secret = _secret(options, kept)
    if secret:
        fields["consumer_secret"] = secret
    if options.company:
        fields["company_names"] = options.company
    for name, given in (("ca_bundle", options.ca_bundle), ("proxies", None), ("version", None)):
        value = given or kept.get(name)
        if value:
            fields[name] = value
    return fields


def _login_url(options: argparse.Namespace, kept: Mapping[str, Any]) -> str:
    if options.sandbox:
        return "https://test.salesforce.com"
    if options.my_domain:
        name = str(options.my_domain)
        return login_url_of_domain(name if "." in name else f"{name}.my")
    return str(options.login_url or kept.get("login_url") or "https://login.salesforce.com")


def _secret(options: argparse.Namespace, kept: Mapping[str, Any]) -> str:
    file = options.client_secret_file
    if file is not None:
        if str(file) == "-":
            return ""
        try:
            return str(file.read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "option --client-secret-file", f"{file} cannot be read ({type(error).__name__})", "correct it"
            ) from None
    given = os.environ.get(SECRET_VARIABLE)
    if given is not None:
        return given.strip()
    same_app = options.client_id in (None, kept.get("consumer_key"))
    if same_app and kept.get("consumer_key"):
        return str(kept.get("consumer_secret") or "")
    return ask_secret("Client secret (empty when the app requires none): ")


def _authorize(options: argparse.Namespace, credentials: Credentials, name: str) -> Granted:
    """Let a person allow the access once; returns what Salesforce gave."""
    answers: queue.Queue[str] = queue.Queue()
    with ExitStack() as stack:
        if options.paste:
            callback = copy_page(credentials.login_url)
        else:
            callback = stack.enter_context(Loopback(options.port, answers)).address
        attempt = Authorization(credentials, callback)
        which = "second, standby grant" if name == "standby_refresh_token" else "grant"
        _say(
            f"Callback address, as it must stand in the app: {callback}\n"
            f"Open this address and log in as the integration user, for the {which}:\n\n  {attempt.url}\n"
        )
        if not options.no_browser:
            webbrowser.open(attempt.url)
        _say(
            "Paste the address of the page that the browser ends on:"
            if options.paste
            else "Waiting for the browser. If it runs on another machine, paste the address it ended on:"
        )
        stack.enter_context(answers_typed(answers))
        return attempt.redeem(_code(attempt, answers, options.seconds))


def _code(attempt: Authorization, answers: queue.Queue[str], seconds: float) -> str:
    """The code in the first answer to this attempt; anything else is said to be none, and waited past."""
    while True:
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            raise ConfigError(
                "authorizing the app",
                f"no answer came within {seconds:.0f} seconds",
                "run the command again; with --paste when the browser cannot reach this machine",
            ) from None
        if attempt.is_answered_by(answer):
            return attempt.code_of(answer)
        if answer.strip():
            _say("That is no answer to this attempt. Paste the whole address that the browser ended on:")


class _OneSession:
    """The session that came with the grant: a refresh would already rotate the token."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def current(self) -> Session:
        """The session."""
        return self._session

    def renew(self, stale: Session) -> Session:
        """Refuse: a session that is seconds old has not expired."""
        raise SalesforceUnavailable(
            "checking the new token",
            "Salesforce refuses the session it has just opened",
            "run the command again later",
        )


def _verdict(credentials: Credentials, session: Session) -> str:
    """What the user may see. A user who lacks something is authorized all the same, and told so."""
    try:
        return verdict(credentials, _OneSession(session))[1]
    except LedgerError as error:
        return f"Authorized for org {session.org_id}, but a snapshot could not be taken yet: {error}"


def _names(fields: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[str, ...]:
    given = {"company_names": fields.get("company_names") or kept.get("company_names") or ["*"]}
    return parse({**fields, **given, "refresh_token": "authorized"}).company_names


def _printed(target: str, connection_id: str, fields: Mapping[str, Any]) -> str:
    """The connection in the form that its place reads."""
    value = {"conn_type": CONNECTION_TYPE, "extra": dict(fields)}
    if target == "json":
        return json.dumps(value)
    if target == "file":
        return json.dumps({connection_id: value}, indent=2)
    uri = f"{CONNECTION_TYPE.replace('_', '-')}:///?__extra__={quote(json.dumps(dict(fields)), safe='')}"
    return uri if target == "uri" else json.dumps({"conn_uri": uri})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
