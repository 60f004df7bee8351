"""Approvals on their way: authorization codes that wait for their exchange, device codes that wait for a
person.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import secrets
import string
import threading
import time
from dataclasses import dataclass
from urllib.parse import unquote

from demo_org.errors import OAuthError
from demo_org.org import App

_CODE_SECONDS = 900
_ALPHABET = string.ascii_uppercase + string.digits


@dataclass
class DeviceCode:
    """A device code: pending until a person approves or denies it."""

    app: str
    scope: str
    user_code: str
    created: float
    user: str = ""
    denied: bool = False


class Approvals:
    """Codes in the air."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self._devices: dict[str, DeviceCode] = {}
        self._lock = threading.Lock()

    def issue(self, **approval: str) -> str:
        """
        Issue an authorization code.

        Args:
            **approval: ``app``, ``user``, ``scope``, ``redirect_uri`` and, with PKCE, ``code_challenge``.

        Returns:
            The code, which ends in ``==`` and must be decoded from the address by the client.
        """
        code = "aPrx" + base64.urlsafe_b64encode(secrets.token_bytes(58)).decode()
        with self._lock:
            self._codes[code] = {**approval, "at": str(time.time())}
        return code

    def exchange(self, form: dict[str, str], app: App) -> dict[str, str]:
        """
        Take an authorization code back.

        Args:
            form: ``code``, ``redirect_uri`` and ``code_verifier`` of the request.
            app: who asks.

        Returns:
            What the code was issued for.

        Raises:
            OAuthError: the code is unknown, used, too old, for another app or address, or the verifier is
                wrong.
        """
        code = form.get("code", "")
        with self._lock:
            approval = self._codes.pop(code, None) or self._codes.pop(unquote(code), None)
        if approval is None or approval["app"] != app.key:
            raise OAuthError("invalid_grant", "invalid authorization code")
        if time.time() - float(approval["at"]) > _CODE_SECONDS:
            raise OAuthError("invalid_grant", "expired authorization code")
        if approval["redirect_uri"] != form.get("redirect_uri", ""):
            raise OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        challenge = approval.get("code_challenge")
        if challenge and challenge != challenge_of(form.get("code_verifier", "")):
            raise OAuthError("invalid_grant", "invalid code verifier")
        return approval

    def begin_device(self, app: App, scope: str) -> dict[str, str]:
        """Issue a device code and the code that a person types."""
        code = secrets.token_hex(40)
        user_code = "".join(secrets.choice(_ALPHABET) for _ in range(8))
        with self._lock:
            self._devices[code] = DeviceCode(app.key, scope, user_code, time.time())
        return {"device_code": code, "user_code": user_code}

    def poll_device(self, code: str, app: App) -> tuple[str, str]:
        """
        Ask whether a device code has been approved.

        Returns:
            User and scope.

        Raises:
            OAuthError: ``authorization_pending`` while nobody has decided; else why it never will be.
        """
        with self._lock:
            device = self._devices.get(code)
            if device is None or device.app != app.key or time.time() - device.created > _CODE_SECONDS:
                raise OAuthError("invalid_grant", "invalid device code")
            if device.denied:
                del self._devices[code]
                raise OAuthError("access_denied", "end-user denied authorization")
            if not device.user:
                raise OAuthError("authorization_pending", "end-user has not yet approved")
            del self._devices[code]
            return device.user, device.scope

    def decide_device(self, user_code: str, user: str, *, approve: bool) -> bool:
        """Approve or deny a device code by the code that a person types; False if there is no such code."""
        with self._lock:
            for device in self._devices.values():
                if device.user_code == user_code.strip().upper():
                    device.user, device.denied = (user, False) if approve else ("", True)
                    return True
        return False


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def callback_allowed(app: App, uri: str, origins: tuple[str, ...]) -> bool:
    """Tell whether an app may be called back at an address: one of its own, or the org's page for copying."""
    own = any(fnmatch.fnmatchcase(uri, pattern) for pattern in app.callbacks)
    return own or any(uri == f"{origin}/services/oauth2/success" for origin in origins)
