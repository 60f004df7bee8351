"""The org itself: its world, its people's rights, its sessions, and what is open in it."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.bulk_jobs import Jobs
from demo_org.catalog import Catalog
from demo_org.cursors import Cursors
from demo_org.faults import Faults
from demo_org.grants import Grants
from demo_org.options import DEFAULT_PERMISSIONS, OrgOptions
from demo_org.schema import OBJECTS
from demo_org.soql.executor import Sight
from demo_org.store import Store
from demo_org.world import World

_RESULTS_KEPT = dt.timedelta(days=7)
"""Time for which the results of Bulk jobs are kept."""

_LAG = 1.0
"""Seconds for which the usage in the header stays the same, as a real org's does."""


@dataclass(frozen=True)
class App:
    """
    A connected app.

    Attributes:
        key: consumer key.
        secret: consumer secret; empty for a public app.
        name: what the approval page calls it.
        callbacks: redirect addresses; a trailing ``*`` stands for anything.
        certificate: PEM of the certificate for the JWT flow; empty for none.
    """

    key: str
    secret: str
    name: str
    callbacks: tuple[str, ...] = ()
    certificate: str = ""


@dataclass
class LoggedCall:
    """One line of the request log: never a query string, a header or a body."""

    at: float
    method: str
    path: str
    status: int
    seconds: float


@dataclass
class Usage:
    """Calls that count against the daily allocation."""

    calls: int = 0
    jobs: int = 0
    writes_refused: int = 0
    _shown: int = 0
    _shown_at: float = field(default=0.0)

    def shown(self) -> int:
        """Give the number that the header tells: it lags."""
        now = time.monotonic()
        if now - self._shown_at >= _LAG:
            self._shown, self._shown_at = self.calls, now
        return self._shown


class Org:
    """
    A running org.

    Args:
        world: its records.
        app: the connected app that clients use.
        options: switches.
        password: of the integration user.
        state: file for grants and sessions; None keeps them in memory.
    """

    def __init__(
        self, world: World, app: App, options: OrgOptions, password: str, state: Path | None = None
    ) -> None:
        self.world = world
        self.options = options
        self.password = password
        self.apps = {app.key: app, **{other.key: other for other in _BUILT_IN_APPS}}
        self.main_app = app
        self.permissions: set[str] = set(DEFAULT_PERMISSIONS)
        self.hidden: set[str] = set()
        self.faults = Faults()
        self.grants = Grants(
            world.org_id, state, lambda: self.options.session_timeout, lambda: self.options.keep_secrets
        )
        self.cursors = Cursors()
        self.jobs = Jobs()
        self.usage = Usage()
        self.log: deque[LoggedCall] = deque(maxlen=20_000)
        self.counts: Counter[tuple[str, str, int]] = Counter()
        self.started = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.changed = self.started
        self._lock = threading.RLock()
        self._store = Store(world.table, OBJECTS)
        self._catalogs: dict[tuple[frozenset[str], frozenset[str]], Catalog] = {}

    @property
    def user_id(self) -> str:
        """Id of the integration user, as whom every call runs."""
        return str(self.world.integration_user_id)

    @property
    def username(self) -> str:
        """Username of the integration user."""
        return str(self.user_row().get("Username") or "integration.user@demo.example")

    def user_row(self) -> dict[str, Any]:
        """Give the stored columns of the integration user's record; empty if there is none."""
        users = self.store().tables("User")
        found = users.filter(pc.equal(users.column("Id"), self.user_id)).to_pylist()
        return dict(found[0]) if found else {}

    def set_clock(self, moment: dt.datetime) -> None:
        """Move the world to another moment; open cursors and jobs keep the old one."""
        with self._lock:
            self.jobs.forget(moment - _RESULTS_KEPT)
            for result in [*self.cursors.results(), *self.jobs.results()]:
                result.sight.store.hold(result.shape.entities())
            self.world.set_clock(moment)
            self._store = Store(self.world.table, OBJECTS)

    def set_permissions(self, permissions: Iterable[str]) -> None:
        """Give the integration user exactly these permissions."""
        with self._lock:
            self.permissions = set(permissions)
            self.changed = dt.datetime.now(dt.UTC).replace(microsecond=0)

    def hide(self, names: Iterable[str]) -> None:
        """Hide exactly these fields, written ``Object.Field``, by field-level security."""
        with self._lock:
            self.hidden = {name.lower() for name in names}
            self.changed = dt.datetime.now(dt.UTC).replace(microsecond=0)

    def granted(self) -> frozenset[str]:
        """Give the permissions together with the features of the org, which unlock objects and fields
        alike.
        """
        return frozenset(self.permissions) | frozenset(self.world.features)

    def catalog(self, *, for_query: bool = False) -> Catalog:
        """
        Give what the integration user sees of the schema.

        Args:
            for_query: whether the faults that set queries apart from describe take effect.
        """
        hidden = set(self.hidden)
        gone = ""
        if for_query:
            field_fault = self.faults.take("invalid_field_between_describe_and_query")
            if field_fault:
                hidden.add(str(field_fault["field"]).lower())
            object_fault = self.faults.take("object_vanishes")
            gone = str(object_fault["object"]) if object_fault else ""
        key = (self.granted(), frozenset(hidden))
        with self._lock:
            if key not in self._catalogs:
                self._catalogs[key] = Catalog(OBJECTS, *key)
            known = self._catalogs[key]
        return known.without(gone) if gone else known

    def store(self) -> Store:
        """Give the tables of the present moment."""
        with self._lock:
            return self._store

    def sight(self, *, deleted: bool = False) -> Sight:
        """Give the moment and the eyes for one query."""
        store = self.store()
        dummies = self.faults.take("dummy_ids")
        if dummies:
            store = store.with_dummy_ids(str(dummies["object"]))
        catalog = self.catalog(for_query=True)
        return Sight(store, catalog, self.world.now.date(), lambda name: self._visible(name, store), deleted)

    def _visible(self, name: str, store: Store) -> pa.Array | None:
        granted = self.granted()
        seen: pa.Array | None = None
        definition = OBJECTS[name]
        if not definition.all_rows_visible_to(granted):
            seen = self._own_rows(name, store)
        elif name == "User" and "ViewAllUsers" not in granted:
            ids = store.column("User", definition.by_name["id"], slice(0, store.count("User")))
            seen = pc.is_in(ids, value_set=self.world.users_visible_without_view_all())
        return self._thinned(name, store, seen)

    def _own_rows(self, name: str, store: Store) -> pa.Array:
        definition = OBJECTS[name]
        owner = next(
            item
            for item in ("userid", "assigneeid", "usersid", "id")
            if definition.by_name.get(item) is not None
        )
        values = store.column(name, definition.by_name[owner], slice(0, store.count(name)))
        return pc.fill_null(pc.equal(values, self.user_id), False)

    def _thinned(self, name: str, store: Store, seen: pa.Array | None) -> pa.Array | None:
        for fault in ("empty_object", "shrunken_object"):
            options = self.faults.options(fault)
            if options and options["object"].lower() == name.lower() and self.faults.hit(fault):
                kept = int(store.count(name) * float(options.get("fraction", 0.0)))
                lost = store.count(name) - kept
                part = pa.concat_arrays([pa.repeat(pa.scalar(True), kept), pa.repeat(pa.scalar(False), lost)])
                seen = part if seen is None else pc.and_(seen, part)
        return seen

    def note(self, call: LoggedCall) -> None:
        """Write a line into the request log."""
        self.log.append(call)
        self.counts[(call.method, call.path, call.status)] += 1

    def calls(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Give the request log from a moment on."""
        return [asdict(entry) for entry in list(self.log) if entry.at >= since]


def new_app(certificate: str = "") -> App:
    """Make the connected app of a new org, with keys that look like real ones."""
    key = "3MVG9" + secrets.token_hex(40)
    callbacks = ("http://localhost:*", "http://127.0.0.1:*", "https://localhost:*", "https://127.0.0.1:*")
    return App(key, secrets.token_hex(32).upper(), "License Ledger", callbacks, certificate)


_BUILT_IN_APPS = (
    App("PlatformCLI", "", "Salesforce CLI", ("http://localhost:1717/OauthRedirect", "http://localhost:*")),
)
"""Apps that every org knows: the one of Salesforce's own command line."""
