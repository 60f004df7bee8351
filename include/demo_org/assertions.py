"""The signed assertion of the JWT bearer flow."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from demo_org.errors import OAuthError
from demo_org.org import App

_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_LONGEST = 300
"""Most seconds between now and the expiry of an assertion."""


def check_assertion(assertion: str, apps: Mapping[str, App], origin: str) -> tuple[App, str]:
    """
    Check an assertion.

    Args:
        assertion: the JWT.
        apps: connected apps by consumer key.
        origin: address of this login host, which is a valid audience too.

    Returns:
        The app and the username that the assertion names.

    Raises:
        OAuthError: ``invalid_grant`` with the org's reason, ``invalid_client_id`` for an unknown app.
    """
    signed, _, raw_signature = assertion.rpartition(".")
    try:
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        signature = _decoded(raw_signature)
    except (ValueError, binascii.Error):
        raise OAuthError("invalid_grant", "invalid assertion") from None
    app = apps.get(str(claims.get("iss", "")))
    if app is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if head.get("alg") != "RS256" or not _verified(app, signed.encode(), signature):
        raise OAuthError("invalid_grant", "invalid assertion")
    _check_claims(claims, origin)
    return app, str(claims.get("sub") or claims.get("prn") or "")


def _verified(app: App, signed: bytes, signature: bytes) -> bool:
    if not app.certificate:
        return False
    key = x509.load_pem_x509_certificate(app.certificate.encode()).public_key()
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _check_claims(claims: dict[str, Any], origin: str) -> None:
    audience = str(claims.get("aud", "")).rstrip("/")
    if audience not in (*_AUDIENCES, origin):
        raise OAuthError("invalid_grant", "audience is invalid")
    try:
        expires = float(claims.get("exp", 0))
    except (TypeError, ValueError):
        expires = 0.0
    if not time.time() < expires <= time.time() + _LONGEST:
        raise OAuthError("invalid_grant", "invalid assertion")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
