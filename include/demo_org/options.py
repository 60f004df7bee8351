"""Everything about a demo org that can be turned, at start and, through the control API, while it runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

DEFAULT_PERMISSIONS = frozenset(
    {"ApiEnabled", "ViewSetup", "ViewAllUsers", "ViewRoles", "AssignPermissionSets", "ManageUsers"}
)
"""What the integration user may do unless told otherwise."""

FIRST_VERSION = 31
LAST_VERSION = 67
"""Oldest and newest API version on offer, both with ``.0``."""


@dataclass
class OrgOptions:
    """
    Switches of an org.

    Attributes:
        rotation: refresh tokens are exchanged at every refresh, and a replay kills the grant.
        echo_refresh_token: without rotation, the answer of a refresh repeats the token, as some orgs do.
        secret_required: the connected app wants its secret at a refresh.
        pkce_required: the connected app wants a code challenge at authorization.
        approved: the user has approved the app, or an administrator did: needed by the JWT flow.
        client_credentials: the app has a user for the client credentials flow.
        token_seconds: how long the token endpoint works on a refresh; a second one meanwhile is refused.
        session_timeout: seconds without use after which a session ends.
        grants_per_user: approvals per user and app; one more revokes the oldest.
        instance_url: what token answers name as API address; None means the address that was called.
        most_cursors: open query cursors per user; one more closes the oldest.
        cursor_idle: seconds without use after which a cursor is gone.
        rest_page_rows: most records in a page of REST; None means what a real org decides by row width.
        bulk_page_rows: most records in a page of Bulk results.
        bulk_seconds: how long a Bulk job takes.
        bulk_jobs_per_day: Bulk query jobs in a day.
        daily_requests: API requests in a day.
        app_limit_header: ``Sforce-Limit-Info`` also tells the usage of the connected app.
        keep_secrets: tokens that are issued from now on are remembered in clear, for the control API to tell.
    """

    rotation: bool = False
    echo_refresh_token: bool = False
    secret_required: bool = True
    pkce_required: bool = False
    approved: bool = True
    client_credentials: bool = True
    token_seconds: float = 0.0
    session_timeout: float = 7200.0
    grants_per_user: int = 5
    instance_url: str | None = None
    most_cursors: int = 10
    cursor_idle: float = 900.0
    rest_page_rows: int | None = None
    bulk_page_rows: int = 100_000
    bulk_seconds: float = 0.2
    bulk_jobs_per_day: int = 10_000
    daily_requests: int = 115_000
    app_limit_header: bool = False
    keep_secrets: bool = False

    def change(self, **values: Any) -> None:
        """
        Turn some switches.

        Args:
            **values: new values by name.

        Raises:
            KeyError: there is no such switch.
        """
        known = {item.name for item in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise KeyError(name)
            setattr(self, name, value)
