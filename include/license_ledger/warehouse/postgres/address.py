"""
Where a Postgres warehouse is: the setting's URL, taken apart. May import errors.

A URL is what libpq takes, plus two parameters of ours. What is shown of it never holds user or password.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from license_ledger.errors import ConfigError

SCHEMA = "license_ledger"
"""The schema of a URL that names none. It is our own, so that no table of somebody else is in the way."""

_LONGEST_NAME = 63
_OURS = ("schema", "reader")
_DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "license-ledger",
    "target_session_attrs": "read-write",
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "6",
    "tcp_user_timeout": "120000",
}
"""
What libpq is told where the URL says nothing: go to the server that takes writes, notice when it is gone.
"""


@dataclass(frozen=True)
class Address:
    """
    A Postgres warehouse.

    Attributes:
        parameters: what libpq needs to connect, password included.
        schema: of tables and views.
        reader: the role that may read the views; blank when the ledger grants nothing.
    """

    parameters: dict[str, str] = field(repr=False)
    schema: str = SCHEMA
    reader: str = ""

    @classmethod
    def parse(cls, url: str) -> Address:
        """
        Take a URL apart: ``postgresql://user@host:port/database?schema=…&reader=…``, perhaps with a password.

        Raises:
            ConfigError: it is none that libpq understands. Only names of its parameters are repeated.
        """
        _require_plain(url)
        base, _, query = url.partition("?")
        given = parse_qsl(query, keep_blank_values=True)
        known = {option.keyword.decode() for option in Conninfo.get_defaults()}
        if unknown := sorted({name for name, _ in given} - known - {*_OURS}):
            raise _refusal(f"has the parameter {_shown(unknown[0])}, which Postgres does not know")
        theirs = urlencode([pair for pair in given if pair[0] not in _OURS], quote_via=quote)
        try:
            parameters = conninfo_to_dict(f"{base}?{theirs}" if theirs else base)
        except psycopg.Error:
            raise _refusal("is no URL of a Postgres database") from None
        ours = {name: value for name, value in given if name in _OURS}
        for name in ours:
            if not is_name(ours[name]):
                raise _refusal(f"has a {name} that is no name")
        texts = {name: str(value) for name, value in parameters.items()}
        return cls({**_DEFAULTS, **texts}, ours.get("schema", SCHEMA), ours.get("reader", ""))

    @property
    def name(self) -> str:
        """The warehouse for messages and receipts: host, database and schema."""
        host, port = self.parameters.get("host", ""), self.parameters.get("port", "")
        place = f"{host}:{port}" if port else host
        return f"postgresql://{place}/{self.parameters.get('dbname', '')}?schema={self.schema}"

    def without_secrets(self, text: str) -> str:
        """A message of libpq without the passwords of this address, should it repeat one."""
        for name in ("password", "sslpassword", "passfile", "oauth_client_secret"):
            secret = self.parameters.get(name)
            text = text.replace(secret, "***") if secret else text
        return text


def _require_plain(url: str) -> None:
    """
    See that an @ stands behind user and password and nowhere else.

    In a password that is not encoded, the part behind a slash or a question mark would be taken for a host or
    a parameter, and shown.
    """
    rest = url.partition("://")[2]
    place = re.split(r"[/?]", rest, maxsplit=1)[0]
    if rest.count("@") > 1 or ("@" in rest and "@" not in place):
        raise _refusal("has an @ where none may be: a password with / ? or @ has to be percent-encoded")


def _shown(parameter: str) -> str:
    return parameter if re.fullmatch(r"[a-z_]{1,40}", parameter) else "of another form"


def is_name(text: str) -> bool:
    """Whether a text can be the name of a schema or a role, also within a string or a comment."""
    return 0 < len(text.encode()) <= _LONGEST_NAME and text.isprintable() and not set(text) & set("$'\"\\")


def _refusal(got: str) -> ConfigError:
    return ConfigError(
        "setting warehouse",
        got,
        "set LICENSE_LEDGER_WAREHOUSE to postgresql://user@host:5432/database?schema=license_ledger, its "
        "password percent-encoded, or to an Airflow connection",
    )
