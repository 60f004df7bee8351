"""
The token store: an encrypted Airflow Variable.

A task cannot write a connection, and of all that it can write, Variables alone are encrypted at rest. A
store is found by grant, not by name: a connection that was renamed, or is being tested under a made-up id,
must find the rotated token, because using the old one would kill the grant.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from airflow.configuration import conf
from airflow.sdk.log import mask_secret

from license_ledger.errors import ConfigError
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import StoredToken

PREFIX, SUFFIX = "salesforce__", "__refresh_token"
DESCRIPTION = "The live Salesforce tokens of the License Ledger. Written by it; do not edit."


def variable_key(connection_id: str) -> str:
    """Name of the Variable of a connection. Contains "token", so that Airflow masks its value everywhere."""
    return f"{PREFIX}{connection_id}{SUFFIX}"


class VariableTokenStore:
    """
    The stored tokens of one connection; implements :class:`license_ledger.salesforce.tokens.TokenStore`.

    Args:
        connection_id: of the Airflow connection; None when it is being tested and its id is not known.
        credentials: of the connection; their typed tokens say which grants are meant.
    """

    def __init__(self, connection_id: str | None, credentials: Credentials) -> None:
        self._credentials = credentials
        self._own_key = variable_key(connection_id or self._parking_place())
        self._key: str | None = None
        self._verified = False

    @property
    def key(self) -> str:
        """Name of the Variable in use; also names the lock that makes refreshes single-flight."""
        if self._key is None:
            self._key = self._find()
        return self._key

    def read(self) -> StoredToken | None:
        """
        Read what is stored, with every token in it made known to the log masker.

        Raises:
            ConfigError: the store would not be encrypted, cannot be reached, or holds something else.
        """
        require_encryption()
        return _read(self.key)

    def write(self, token: StoredToken) -> None:
        """
        Replace what is stored; committed when it returns.

        Raises:
            ConfigError: the store would not be encrypted, or something hides what was written.
        """
        require_encryption()
        _mask(token)
        _variables().set(self.key, json.dumps(token.to_dict()), description=DESCRIPTION)
        if not self._verified:
            if _read(self.key) != token:
                raise ConfigError(
                    f"Airflow variable {self.key}",
                    "was written, but something else is read: an environment variable or a secrets backend "
                    "hides it",
                    f"remove AIRFLOW_VAR_{self.key.upper()}, or the key from the secrets backend",
                )
            self._verified = True

    def _find(self) -> str:
        """The first store that knows one of our grants, ours before others; ours when none does."""
        if self._knows(_read(self._own_key)):
            return self._own_key
        for key in _keys():
            if key != self._own_key and self._knows(_read_other(key)):
                return key
        return self._own_key

    def _knows(self, stored: StoredToken | None) -> bool:
        typed = (self._credentials.refresh_token, self._credentials.standby_refresh_token)
        return stored is not None and any(
            stored.fingerprint(self._credentials.consumer_key, token) in stored.grants
            for token in typed
            if token
        )

    def _parking_place(self) -> str:
        """A name for the tokens of a connection without id, found by the connection once it has one."""
        text = f"{self._credentials.consumer_key}\0{self._credentials.refresh_token}"
        return f"untested_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def require_encryption() -> None:
    """Refuse to keep tokens where Airflow would store them in clear. Raises ConfigError."""
    if not conf.get("core", "fernet_key", fallback=""):
        raise ConfigError(
            "token store",
            "[core] fernet_key is empty, so Airflow would keep the Salesforce tokens in clear",
            "generate one and set AIRFLOW__CORE__FERNET_KEY for every component; see docs/security.md",
        )


def _in_task() -> bool:
    """Whether an Airflow supervisor answers for this process: in tasks and in triggers."""
    return hasattr(sys.modules.get("airflow.sdk.execution_time.task_runner"), "SUPERVISOR_COMMS")


def _variables() -> Any:
    """The class that reads and writes Variables where this code runs."""
    if _in_task():
        from airflow.sdk import Variable

        return Variable
    if os.environ.get("_AIRFLOW_PROCESS_CONTEXT") == "client":
        raise ConfigError(
            "token store",
            "cannot be reached from here: a connection test on a worker has no access to Airflow's variables",
            "test the connection on the API server (the Test button), or run the DAG",
        )
    from airflow.models.variable import Variable as StoredVariable

    return StoredVariable


def _keys() -> Iterator[str]:
    """Names of every token store there is."""
    if _in_task():
        from airflow.sdk import Variable

        names = list(Variable.keys(prefix=PREFIX))
    else:
        from airflow.models.variable import Variable as StoredVariable
        from airflow.utils.session import create_session
        from sqlalchemy import select

        wanted = select(StoredVariable.key).where(StoredVariable.key.startswith(PREFIX, autoescape=True))
        with create_session() as session:
            names = list(session.scalars(wanted))
    yield from (name for name in sorted(names) if name.endswith(SUFFIX))


def _read(key: str) -> StoredToken | None:
    variables = _variables()
    text = variables.get(key, default=None) if _in_task() else variables.get(key, default_var=None)
    if text is None:
        return None
    mask_secret(text)
    try:
        token = StoredToken.from_dict(json.loads(text))
    except (ValueError, TypeError):
        raise ConfigError(
            f"Airflow variable {key}",
            "does not hold what the ledger wrote there",
            "delete the variable; if refresh tokens are rotated, authorize the app again",
        ) from None
    _mask(token)
    return token


def _read_other(key: str) -> StoredToken | None:
    """Somebody else's variable; whatever is wrong with it is not our concern."""
    with contextlib.suppress(ConfigError):
        return _read(key)
    return None


def _mask(token: StoredToken) -> None:
    for grant in token.grants.values():
        mask_secret(grant.refresh_token)
    if token.session is not None:
        mask_secret(token.session.access_token)
