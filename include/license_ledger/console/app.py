"""
The console as a web application, to be mounted below any path of a server that knows who is logged in.

Every route asks the guard first, also the one for addresses that do not exist. There is no route that takes
the name of a file, none that writes, and no description of the interface.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException

from license_ledger.console import export
from license_ledger.console.choice import Choice, choose
from license_ledger.console.pages.history import history, movements_of
from license_ledger.console.pages.lists import Shown
from license_ledger.console.pages.mismatch import holders_of, mismatch
from license_ledger.console.pages.people import accounts_of, people
from license_ledger.console.pages.position import position
from license_ledger.console.pages.reclaim import candidates_of, reclaim
from license_ledger.console.pages.trust import trust
from license_ledger.console.parameters import Parameters, Refused
from license_ledger.console.rendering import page
from license_ledger.console.static import asset
from license_ledger.console.viewer import Viewer
from license_ledger.errors import LedgerError, TransientError
from license_ledger.questions import NothingYet, Session, Source

__all__ = ["create_app"]

log = logging.getLogger(__name__)

PAGES = {
    "position": "Position",
    "mismatch": "Mismatch",
    "reclaim": "Reclaim",
    "people": "People",
    "history": "History",
    "trust": "Trust",
}
EXPORT_SECONDS = 600.0
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'none'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer; the files of pages, which hold no data, may be kept."""

View = Callable[[Session, Choice, Parameters, Viewer], dict[str, Any]]
Listed = Callable[[Session, Choice, Parameters, Viewer], Shown]


def create_app(
    source: Callable[[], Source],
    guard: Callable[..., Viewer],
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FastAPI:
    """
    Make the application.

    Args:
        source: gives the published data; called once, for the first request that gets past the guard.
        guard: a FastAPI dependency that gives the viewer, or raises an HTTP error: 401 for nobody, 403 for
            somebody who may see nothing.
        clock: tells the time, to say how old data is.
    """
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(guard)], redirect_slashes=False
    )
    console = _Console(source, clock, Depends(guard))

    @app.get("/")
    def start() -> Response:
        return RedirectResponse("position")

    views: dict[str, View] = {
        "position": lambda s, c, p, v: position(s, c, p),
        "mismatch": mismatch,
        "reclaim": reclaim,
        "people": people,
        "history": history,
        "trust": lambda s, c, p, v: trust(s, c, v, clock()),
    }
    for name, view in views.items():
        app.get(f"/{name}")(console.page(name, view))
    exports: dict[str, Listed] = {
        "reclaim": candidates_of,
        "people": accounts_of,
        "history": movements_of,
        "mismatch": holders_of,
    }
    for name, listed in exports.items():
        app.get(f"/{name}.csv")(console.export(name, listed))

    @app.get("/run")
    def run(request: Request, viewer: Viewer = console.guarded) -> Response:
        return _page_of_run(Parameters(request.query_params), viewer)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        found = asset(f"static/{name}")
        if found is None:
            raise Refused(404, "No such page", "The console has no page of this name.")
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response(found.content, media_type=found.media_type, headers=kept)

    @app.get("/{anything:path}")
    def nowhere(anything: str) -> Response:
        raise Refused(404, "No such page", "The console has no page of this name.")

    _answer_errors(app)
    return app


def _page_of_run(parameters: Parameters, viewer: Viewer) -> Response:
    """From the run that Airflow shows to the position of its day."""
    dag_id, run_id = parameters.text("dag_id"), parameters.text("run_id")
    found = viewer.run(dag_id, run_id) if dag_id and run_id else None
    if found is None:
        text = "The license ledger shows the days of its own DAGs, salesforce_license_snapshot and the like."
        return _message(404, "Not a run of the license ledger", text)
    if found.day is None or not found.org_id:
        return _message(404, "No snapshot of this run", "The run has not got as far as an org and a day.")
    return RedirectResponse(f"mismatch?{urlencode({'org': found.org_id, 'day': found.day.isoformat()})}")


class _Console:
    """What the routes share: the source, opened when it is first needed, the clock, and who is looking."""

    def __init__(self, source: Callable[[], Source], clock: Callable[[], datetime], guarded: Any) -> None:
        self._open, self._clock, self.guarded = source, clock, guarded
        self._source: Source | None = None

    @property
    def source(self) -> Source:
        """The published data."""
        if self._source is None:
            self._source = self._open()
        return self._source

    def page(self, name: str, view: View) -> Callable[..., Response]:
        """The route of a page."""
        guarded = self.guarded

        def answer(request: Request, viewer: Viewer = guarded) -> Response:
            parameters = Parameters(request.query_params)
            with self.source.session() as session:
                choice = choose(session, parameters, viewer)
                shown = view(session, choice, parameters, viewer)
            values = {
                "choice": choice,
                "viewer": viewer,
                "notices": choice.notices(self._clock()),
                "pages": PAGES,
                "here": name,
                **shown,
            }
            return HTMLResponse(page(f"{name}.html", **values))

        return answer

    def export(self, name: str, listed: Listed) -> Callable[..., Response]:
        """The route of a list as CSV."""
        guarded = self.guarded

        def answer(request: Request, viewer: Viewer = guarded) -> Response:
            parameters = Parameters(request.query_params)
            with ExitStack() as stack:
                session = stack.enter_context(self.source.session(EXPORT_SECONDS))
                choice = choose(session, parameters, viewer)
                wanted = listed(session, choice, parameters, viewer)
                kept = stack.pop_all()
            about = [
                ("Org ID", choice.org_id),
                ("Snapshot date", choice.day.isoformat()),
                ("Provenance", str(choice.snapshot["provenance"])),
            ]

            def pieces() -> Iterator[str]:
                with kept:
                    yield from export.lines(wanted, session, about)

            name_ = f"license-ledger-{name}-{choice.day.isoformat()}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name_}"'}
            return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)

        return answer


def _answer_errors(app: FastAPI) -> None:
    @app.middleware("http")
    async def with_headers(request: Request, call_next: Callable[..., Any]) -> Response:
        response: Response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _message(error.status, error.title, error.text)

    @app.exception_handler(NothingYet)
    async def nothing_yet(request: Request, error: NothingYet) -> Response:
        text = (
            "No snapshot has been published for an org that you may see. Run the DAG "
            "salesforce_license_snapshot once; its first snapshot shows here as soon as it is loaded."
        )
        return _message(200, "Nothing yet", text)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        title, text = _HTTP.get(
            error.status_code, (HTTPStatus(error.status_code).phrase, "Nothing to see here.")
        )
        return _message(error.status_code, title, text, dict(error.headers or {}))

    @app.exception_handler(LedgerError)
    async def ledger_error(request: Request, error: LedgerError) -> Response:
        log.error("the console cannot read the data: %s", error)
        name = type(error).__name__
        again = (
            "Try again in a moment." if isinstance(error, TransientError) else "The runbook says what to do."
        )
        return _message(503, "The data cannot be read now", f"{name}. {again} The API server's log has more.")

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.exception("the console failed")
        return _message(500, "The console failed", "This is a defect. The API server's log has more.")


_HTTP = {
    401: (
        "You are not logged in",
        "Your session has expired, or there never was one. Log in to Airflow, then load this page again.",
    ),
    403: (
        "You may not see this",
        "Your login lacks the permission to read the runs of the DAG that takes these snapshots.",
    ),
    405: ("The console only reads", "Nothing can be changed here."),
}


def _message(status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
    shown = page("message.html", status=status, title=title, text=text, pages=PAGES)
    return HTMLResponse(shown, status_code=status, headers={**(headers or {}), **HEADERS})
