"""
The console in Airflow: its registration. Its guard is in ``console_guard.py``.

Imported by every component that loads plugins, and therefore light: the console itself is made by the first
request that an API server gets for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/license-ledger"

Message = MutableMapping[str, Any]


class LazyConsole:
    """The console as an ASGI application that is made when it is first asked for."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        self._make = make
        self._app: FastAPI | None = None
        self._making = asyncio.Lock()

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        async with self._making:
            if self._app is None:
                self._app = await asyncio.to_thread(self._make)
        await self._app(scope, receive, send)


def _make() -> FastAPI:
    from license_ledger.airflow.console_guard import guard, offer_names
    from license_ledger.airflow.storage import open_storage
    from license_ledger.airflow.warehouse import with_warehouse
    from license_ledger.console.app import create_app
    from license_ledger.questions import Source, open_source
    from license_ledger.settings import load_settings

    def source() -> Source:
        settings = with_warehouse(load_settings())
        return open_source(settings.warehouse, lambda: open_storage(settings.staging))

    offer_names()
    return create_app(source, guard)


def _icon(ink: str, paper: str) -> str:
    """A ledger with a mark, as an address that holds the image itself."""
    shape = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='{paper}' stroke='{ink}' "
        "stroke-width='2' stroke-linecap='round' stroke-linejoin='round'><path d='M5 3h12a2 2 0 0 1 2 2v16H7"
        "a2 2 0 0 1-2-2z'/><path d='M5 17h14M9 7h6M9 12l2 2 4-4' fill='none'/></svg>"
    )
    return "data:image/svg+xml," + shape.replace("#", "%23").replace("<", "%3C").replace(">", "%3E")


# With a paper of its own it is also seen on the dark ground of a chosen entry.
LIGHT, DARK = _icon("#334155", "#ffffff"), _icon("#cbd5e1", "#1e293b")


class LicenseLedgerConsole(AirflowPlugin):
    """Mounts the console, and shows it in the navigation and on DAG runs."""

    name = "license_ledger_console"
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyConsole(_make), "url_prefix": PREFIX, "name": "License Ledger console"}
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Licenses",
            "href": f"{PREFIX}/position",
            "destination": "nav",
            "url_route": "license-ledger",
            "icon": LIGHT,
            "icon_dark_mode": DARK,
            "nav_top_level": True,
        },
        {
            "name": "Licenses",
            "href": f"{PREFIX}/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "license-ledger-run",
            "icon": LIGHT,
            "icon_dark_mode": DARK,
        },
    ]
