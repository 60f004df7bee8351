"""How a license developed, who came and went, what was bought and dropped, and when it runs out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from license_ledger.console import wording
from license_ledger.console.choice import Choice
from license_ledger.console.pages.licenses import address_of, name_of, no_such_license
from license_ledger.console.pages.lists import Shown, shown
from license_ledger.console.parameters import Parameters
from license_ledger.console.viewer import Viewer
from license_ledger.questions import Listing, Row, Session

SPANS = {"30": "30 days", "90": "90 days", "180": "180 days", "365": "a year", "730": "two years"}
MOVEMENTS = Listing(
    "movements",
    (
        "kind",
        "attribute",
        "from_value",
        "to_value",
        "name",
        "username",
        "department",
        "email_domain",
        "license_name",
        "account_class",
        "certainty",
        "user_id",
    ),
    ("user_id", "kind", "attribute"),
    "kind",
)


def history(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> dict[str, Any]:
    """What the page shows. Raises Refused for parameters that mean nothing."""
    span = parameters.one_of("span", SPANS) or "90"
    since = choice.day - timedelta(days=int(span) - 1)
    licenses = [
        row
        for row in session.rows("position", org_id=choice.org_id, day=choice.day)
        if row["used_count"] is not None
    ]
    chosen = _chosen(licenses, parameters)
    totals = session.rows("movement_totals", org_id=choice.org_id, day=choice.day)
    days: list[Row] = []
    forecast: Row | None = None
    if chosen is not None:
        key = {"org_id": choice.org_id, **{n: chosen[n] for n in ("license_layer", "license_id")}}
        days = session.rows("license_days", since=since, day=choice.day, **key)
        forecast = next(iter(session.rows("forecast", **key)), None) if choice.is_latest else None
    return {
        "span": span,
        "spans": SPANS,
        "since": since,
        "licenses": [(address_of(row), row["license_layer"], name_of(row)) for row in licenses],
        "chosen": chosen,
        "chosen_name": name_of(chosen) if chosen else "",
        "chosen_address": address_of(chosen) if chosen else "",
        "days": days,
        "gaps": sum(row["missing_days_before"] or 0 for row in days[1:]),
        "forecast": forecast,
        "chart": _chart(days, forecast),
        "kinds": _kinds(totals),
        "compared_with": totals[0]["previous_snapshot_date"] if totals else None,
        "kind": parameters.one_of("kind", wording.KIND),
        "listed": movements_of(session, choice, parameters, viewer, asks=bool(totals)),
        "changes": session.rows("changes", org_id=choice.org_id, since=since, day=choice.day),
        "renewals": session.rows("renewals", org_id=choice.org_id, day=choice.day),
    }


def movements_of(
    session: Session, choice: Choice, parameters: Parameters, viewer: Viewer, *, asks: bool = False
) -> Shown:
    """The list of movements that is asked for; without rows unless ``asks``. Raises Refused."""
    kind = parameters.one_of("kind", wording.KIND)
    filters = {"org_id": choice.org_id, "day": choice.day, "kind": kind}
    return shown(MOVEMENTS, session, filters, parameters, viewer, asks=asks)


def _chosen(licenses: list[Row], parameters: Parameters) -> Row | None:
    asked = parameters.license()
    if asked is None:
        return max(licenses, key=_interest, default=None)
    for row in licenses:
        if (row["license_layer"], row["license_id"]) == asked:
            return row
    raise no_such_license()


def _interest(row: Row) -> tuple[bool, int]:
    return row["license_layer"] == "user", row["used_count"] or 0


def _kinds(totals: list[Row]) -> list[tuple[str, int]]:
    """People per kind of movement; somebody who changed two things is one mover only in the list below."""
    found: dict[str, int] = {}
    for row in totals:
        found[row["kind"]] = found.get(row["kind"], 0) + row["movement_count"]
    return [(name, found[name]) for name in wording.KIND if name in found]


def _chart(days: list[Row], forecast: Row | None) -> dict[str, Any]:
    """The lines of the chart; days without a snapshot are null, so that a gap is a gap."""
    if not days:
        return {}
    by_day = {row["snapshot_date"]: row for row in days}
    first, last = days[0]["snapshot_date"], days[-1]["snapshot_date"]
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def line(column: str) -> list[int | None]:
        return [by_day[day][column] if day in by_day else None for day in dates]

    chart: dict[str, Any] = {
        "days": [day.isoformat() for day in dates],
        "used": line("used_count"),
        "total": line("total_count"),
        "in_scope": line("in_scope_count"),
        "provenance": [by_day[day]["provenance"] if day in by_day else None for day in dates],
    }
    if forecast and forecast["exhausted_on"] and not forecast["reason"]:
        chart["forecast"] = {
            "from": last.isoformat(),
            "used": forecast["used_count"],
            "total": forecast["total_count"],
            "on": forecast["exhausted_on"].isoformat(),
            "earliest": forecast["earliest_on"].isoformat() if forecast["earliest_on"] else None,
            "latest": forecast["latest_on"].isoformat() if forecast["latest_on"] else None,
        }
    return chart
