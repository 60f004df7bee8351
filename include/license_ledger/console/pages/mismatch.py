"""Why the number of seats in scope is not the number that Salesforce counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from license_ledger.console import wording
from license_ledger.console.charts import spans, steps
from license_ledger.console.choice import Choice
from license_ledger.console.pages.licenses import address_of, name_of, no_such_license
from license_ledger.console.pages.lists import Shown, shown
from license_ledger.console.parameters import Parameters
from license_ledger.console.viewer import Viewer
from license_ledger.questions import Listing, Row, Session
from license_ledger.schemas import LAYERS

LISTED = ("in_scope", "deactivated_holder")
"""Causes whose holders are published row by row; of all others, only their number is kept."""

HOLDERS = Listing(
    "holders",
    (
        "name",
        "username",
        "email",
        "email_domain",
        "department",
        "title",
        "profile_name",
        "account_class",
        "is_active",
        "is_frozen",
        "activity_band",
        "last_login_at",
        "assigned_at",
        "user_id",
    ),
    ("user_id",),
    "activity_band",
    descending=True,
)


@dataclass(frozen=True)
class Bridge:
    """
    The bridge of one license.

    Attributes:
        license: a row with its layer, id, key and name.
        used: Salesforce's number; None when it gives none, or counts no seats.
        in_scope: seats in scope.
        causes: rows of question ``bridges``, in order.
    """

    license: Row
    used: int | None
    in_scope: int
    causes: tuple[Row, ...]

    @property
    def name(self) -> str:
        """What the license is called."""
        return name_of(self.license)

    @property
    def address(self) -> str:
        """The license as the parameter of an address."""
        return address_of(self.license)

    @property
    def mismatch(self) -> int | None:
        """Seats that Salesforce counts and that are not in scope."""
        return None if self.used is None else self.used - self.in_scope

    @property
    def outside(self) -> tuple[Row, ...]:
        """The causes other than being in scope that have seats."""
        return tuple(row for row in self.causes if row["cause"] != "in_scope" and row["seat_count"])

    @property
    def unexplained(self) -> int:
        """Seats that no cause explains, signed."""
        return sum(row["seat_count"] for row in self.causes if row["cause"] == "unexplained")

    @property
    def bar(self) -> list[tuple[str, float, float]]:
        """Its seats by cause, side by side in percent."""
        whole = max(self.used or 0, sum(max(row["seat_count"], 0) for row in self.causes))
        return spans([(row["cause"], row["seat_count"]) for row in self.causes], whole)

    @property
    def words(self) -> str:
        """The bar in words."""
        counted = [f"{row['seat_count']:,} {wording.CAUSE[row['cause']].lower()}" for row in self.causes]
        return ", ".join(counted) or "no seats"

    def chart(self) -> dict[str, Any]:
        """The waterfall for the chart: ends of every bar, in seats."""
        total = self.used if self.used is not None else sum(row["seat_count"] for row in self.causes)
        changes = [(row["cause"], -row["seat_count"]) for row in self.outside]
        bars = [
            {"name": wording.CAUSE[n], "cause": n, "from": a, "to": b} for n, a, b in steps(total, changes)
        ]
        ends = [
            {"name": "Used, by Salesforce", "cause": "used", "from": 0, "to": total},
            *bars,
            {"name": "In scope", "cause": "in_scope", "from": 0, "to": self.in_scope},
        ]
        return {"bars": ends, "unit": "seats"}


def mismatch(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> dict[str, Any]:
    """What the page shows. Raises Refused for a license that is not there."""
    layer = parameters.one_of("layer", LAYERS)
    bridges = _bridges(session, choice)
    chosen = _chosen(bridges, parameters)
    cause = parameters.one_of("cause", wording.CAUSE)
    holders = None
    if chosen is not None and cause in LISTED:
        filters = {
            "org_id": choice.org_id,
            "day": choice.day,
            "license_layer": chosen.license["license_layer"],
            "license_id": chosen.license["license_id"],
            "cause": cause,
        }
        holders = shown(HOLDERS, session, filters, parameters, viewer)
    return {
        "bridges": [b for b in bridges if layer is None or b.license["license_layer"] == layer],
        "all_bridges": bridges,
        "chosen": chosen,
        "booked": {row["cause"] for bridge in bridges for row in bridge.causes if row["seat_count"]},
        "layer": layer,
        "cause": cause,
        "listed": LISTED,
        "holders": holders,
    }


def holders_of(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> Shown:
    """The people behind a cause, for export. Raises Refused."""
    found = mismatch(session, choice, parameters, viewer)["holders"]
    if not isinstance(found, Shown):
        raise no_such_license()
    return found


def _bridges(session: Session, choice: Choice) -> list[Bridge]:
    causes: dict[tuple[str, str], list[Row]] = {}
    for row in session.rows("bridges", org_id=choice.org_id, day=choice.day):
        causes.setdefault((row["license_layer"], row["license_id"]), []).append(row)
    found = []
    for row in session.rows("position", org_id=choice.org_id, day=choice.day):
        if row["license_layer"] == "usage":  # counts things, and nobody holds it
            continue
        rows = tuple(causes.get((row["license_layer"], row["license_id"]), ()))
        in_scope = sum(r["seat_count"] for r in rows if r["cause"] == "in_scope")
        if row["used_count"] or any(r["seat_count"] for r in rows):
            found.append(Bridge(row, row["used_count"], in_scope, rows))
    order = {name: at for at, name in enumerate(LAYERS)}
    found.sort(key=lambda b: (order[b.license["license_layer"]], -abs(b.mismatch or 0), b.name))
    return found


def _chosen(bridges: list[Bridge], parameters: Parameters) -> Bridge | None:
    asked = parameters.license()
    if asked is None:
        return bridges[0] if bridges else None
    for bridge in bridges:
        if (bridge.license["license_layer"], bridge.license["license_id"]) == asked:
            return bridge
    raise no_such_license()
