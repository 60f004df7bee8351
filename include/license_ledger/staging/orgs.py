"""
Which org a connection led to last, so that a day can be made anew without asking Salesforce. May import its
own package.
"""

from __future__ import annotations

from license_ledger.staging.landing import safe_key
from license_ledger.staging.storage import Storage

FOLDER = "_connections"


def remember_org(landing: Storage, connection_id: str, fingerprint: str, org_id: str) -> None:
    """
    Keep the org of a connection in the landing area.

    Args:
        landing: the landing root.
        connection_id: names the connection.
        fingerprint: of what decides which org it leads to; no secret.
        org_id: 18 characters.
    """
    note = {"org_id": org_id, "fingerprint": fingerprint}
    if _note(landing, connection_id) != note:
        landing.write_json(_path(connection_id), note)


def known_org(landing: Storage, connection_id: str, fingerprint: str) -> str:
    """The org that the connection led to when it was last used as it is now; empty when it never was."""
    note = _note(landing, connection_id)
    return str(note["org_id"]) if note.get("fingerprint") == fingerprint and note.get("org_id") else ""


def last_known_org(landing: Storage, connection_id: str) -> str:
    """The org that the connection led to when it was last used, changed since or not; empty for never."""
    return str(_note(landing, connection_id).get("org_id") or "")


def _note(landing: Storage, connection_id: str) -> dict[str, object]:
    try:
        found = landing.read_json(_path(connection_id))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(connection_id: str) -> str:
    return f"{FOLDER}/{safe_key(connection_id)}.json"
