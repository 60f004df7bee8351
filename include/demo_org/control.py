"""A client for the control API."""

from __future__ import annotations

import datetime as dt
import json
import urllib.error
import urllib.request
from typing import Any


class ControlError(Exception):
    """The org did not understand what it was asked to do."""


class Control:
    """
    Steers a running demo org.

    Args:
        base_url: plain http address of the org, on loopback.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def ask(self, route: str, /, **body: Any) -> Any:
        """
        Call the control API.

        Args:
            route: path below ``/_demo/``.
            **body: parameters.

        Returns:
            The answer.

        Raises:
            ControlError: the call was refused.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is the loopback one of a demo org
            f"{self.base_url}/_demo/{route}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlError(f"{route}: {error.code} {error.read().decode('utf-8', 'replace')}") from None

    def world(self) -> dict[str, Any]:
        """Tell what org this is and what time it has."""
        return dict(self.ask("world"))

    def set_clock(self, moment: dt.datetime) -> dict[str, Any]:
        """Move the org's clock."""
        return dict(self.ask("clock", now=moment.isoformat()))

    def permissions(self, **change: list[str]) -> list[str]:
        """Change what the integration user may do: ``set``, ``grant`` or ``withdraw`` lists of names."""
        return list(self.ask("permissions", **change))

    def hide(self, *fields: str) -> list[str]:
        """Hide exactly these fields, written ``Object.Field``."""
        return list(self.ask("hidden", fields=list(fields)))

    def options(self, **change: Any) -> dict[str, Any]:
        """Turn switches of the org, named as in ``OrgOptions``; gives all of them."""
        return dict(self.ask("options", **change))

    def fault(self, name: str, **options: Any) -> list[dict[str, Any]]:
        """Switch a fault on: ``path``, ``nth``, ``count`` and its own options."""
        return list(self.ask("faults/on", name=name, **options))

    def no_fault(self, name: str | None = None) -> list[dict[str, Any]]:
        """Switch a fault off, or all of them."""
        return list(self.ask("faults/off", **({} if name is None else {"name": name})))

    def faults(self) -> dict[str, dict[str, Any]]:
        """List the faults that are on, with their hits, by name."""
        return {item["name"]: item for item in self.ask("faults")}

    def hits(self, name: str) -> int:
        """Tell how often a fault has struck; 0 if it is off."""
        return int(self.faults().get(name, {}).get("hits", 0))

    def expire_sessions(self) -> int:
        """End all sessions at once; grants live on."""
        return int(self.ask("sessions/expire")["ended"])

    def new_refresh_token(self, client_id: str | None = None, scope: str | None = None) -> str:
        """Approve the app once more, as a person would, and give the refresh token."""
        wanted = {"client_id": client_id, "scope": scope}
        answer = self.ask("grants/new", **{key: value for key, value in wanted.items() if value is not None})
        return str(answer["refresh_token"])

    def grant(self, refresh_token: str) -> dict[str, Any]:
        """
        Tell the state of the grant behind a refresh token, a spent one too.

        Returns:
            ``alive``, ``revoked`` (why), ``refreshes``, ``rotations``, ``answer_delivered`` (whether the
            answer of the last refresh was written whole to an open connection; null before the first
            refresh and while it is under way), ``answer_used`` (whether its access token was used since),
            and more.
        """
        return dict(self.ask("grants/state", refresh_token=refresh_token))

    def grants(self) -> list[dict[str, Any]]:
        """List the state of every grant."""
        return list(self.ask("grants"))

    def secrets(self) -> list[str]:
        """
        List what must not be found anywhere: tokens issued while ``keep_secrets`` was on, and passwords.

        Returns:
            In the order of their issue; the app's secret and the integration user's password last.
        """
        return list(self.ask("secrets"))

    def revoke(self, refresh_token: str, reason: str = "the administrator revoked it") -> dict[str, Any]:
        """End the grant behind a refresh token."""
        return dict(self.ask("grants/revoke", refresh_token=refresh_token, reason=reason))

    def decide_device(self, user_code: str, *, approve: bool = True) -> bool:
        """Approve or deny a device code."""
        return bool(self.ask("devices/decide", user_code=user_code, approve=approve)["decided"])

    def requests(self, since: float = 0.0) -> list[dict[str, Any]]:
        """List what was called: ``at``, ``method``, ``path``, ``status`` (0: cut), ``seconds``. No
        secrets.
        """
        return list(self.ask("requests", since=since))

    def counts(self) -> list[dict[str, Any]]:
        """Count calls by method, path and status."""
        return list(self.ask("requests/counts"))

    def clear_requests(self) -> None:
        """Forget what was called."""
        self.ask("requests/clear")

    def usage(self) -> dict[str, int]:
        """Tell API calls and Bulk jobs so far, and attempts to write."""
        return dict(self.ask("usage"))

    def truth(self, **settings: Any) -> dict[str, list[dict[str, Any]]]:
        """Ask for the right answers: tables by name, for company names, legal entities and the like."""
        return dict(self.ask("truth", **settings))
