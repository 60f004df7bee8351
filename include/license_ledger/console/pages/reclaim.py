"""Seats in scope that look wasted, and whether they can be taken back at once."""

from __future__ import annotations

from typing import Any

from license_ledger.console import wording
from license_ledger.console.choice import Choice
from license_ledger.console.pages.licenses import name_of, no_such_license
from license_ledger.console.pages.lists import Shown, shown
from license_ledger.console.parameters import Parameters, Refused
from license_ledger.console.viewer import Viewer
from license_ledger.questions import Listing, Row, Session
from license_ledger.schemas import ACCOUNT_CLASSES, LAYERS

CANDIDATES = Listing(
    "reclaim",
    (
        "candidate_state",
        "waste_class",
        "name",
        "email",
        "license_name",
        "license_layer",
        "activity_band",
        "idle_days",
        "department",
        "email_domain",
        "account_class",
        "assigned_at",
        "attention_reason",
        "username",
        "last_login_at",
        "title",
        "country",
        "company_name",
        "employee_number",
        "profile_name",
        "license_key",
        "license_id",
        "created_at",
        "user_id",
    ),
    ("user_id", "license_layer", "license_id"),
    "idle_days",
    descending=True,
)
ON_PAGE = CANDIDATES.columns[:13]
"""The columns that the page shows; an export has them all."""


def reclaim(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> dict[str, Any]:
    """What the page shows. Raises Refused for parameters that mean nothing."""
    totals = session.rows("reclaim_totals", org_id=choice.org_id, day=choice.day)
    filters = _filters(choice, parameters, viewer, totals)
    listed = shown(CANDIDATES, session, filters, parameters, viewer)
    narrowed = any(filters[name] for name in ("account_class", "domain", "department", "words"))
    return {
        "listed": listed,
        "on_page": ON_PAGE,
        "count": CANDIDATES.count(session, filters) if narrowed else _sum(totals, filters),
        "classes": [(name, _sum(totals, {"waste_class": name})) for name in wording.WASTE],
        "ready": _sum(totals, {"candidate_state": "Ready"}),
        "attention": _sum(totals, {"candidate_state": "Attention required"}),
        "layers": [(name, _sum(totals, {"license_layer": name})) for name in LAYERS if name != "usage"],
        "licenses": _licenses(totals),
        "account_classes": ACCOUNT_CLASSES,
        "asked": _asked(filters, parameters),
    }


def candidates_of(session: Session, choice: Choice, parameters: Parameters, viewer: Viewer) -> Shown:
    """The list that is asked for, for export. Raises Refused."""
    totals = session.rows("reclaim_totals", org_id=choice.org_id, day=choice.day)
    filters = _filters(choice, parameters, viewer, totals)
    return shown(CANDIDATES, session, filters, parameters, viewer, asks=False)


def _filters(choice: Choice, parameters: Parameters, viewer: Viewer, totals: list[Row]) -> dict[str, Any]:
    license_ = parameters.license()
    layer = parameters.one_of("layer", LAYERS)
    if license_ is not None:
        known = {(row["license_layer"], row["license_id"]) for row in totals}
        if license_ not in known and license_[0] not in LAYERS:
            raise no_such_license()
        layer = license_[0]
    words = parameters.text("q")
    if words is not None and not viewer.sees_names:
        raise Refused(
            400,
            "Names cannot be searched",
            "Your login may not see who people are, so it cannot search by name either.",
        )
    return {
        "org_id": choice.org_id,
        "day": choice.day,
        "license_layer": layer,
        "license_id": license_[1] if license_ else None,
        "waste_class": parameters.one_of("waste", wording.WASTE),
        "candidate_state": parameters.one_of("state", wording.STATES),
        "account_class": parameters.one_of("account", ACCOUNT_CLASSES),
        "domain": _lower(parameters.text("domain")),
        "department": parameters.text("department"),
        "words": _lower(words),
    }


def _asked(filters: dict[str, Any], parameters: Parameters) -> dict[str, str]:
    """The filters as the parameters of an address."""
    return {
        "license": parameters.text("license") or "",
        "layer": filters["license_layer"] or "",
        "waste": filters["waste_class"] or "",
        "state": filters["candidate_state"] or "",
        "account": filters["account_class"] or "",
        "domain": filters["domain"] or "",
        "department": filters["department"] or "",
        "q": filters["words"] or "",
    }


def _sum(totals: list[Row], filters: dict[str, Any]) -> int:
    names = ("license_layer", "license_id", "waste_class", "candidate_state")
    wanted = {name: filters[name] for name in names if filters.get(name)}
    return sum(row["seat_count"] for row in totals if all(row[name] == x for name, x in wanted.items()))


def _licenses(totals: list[Row]) -> list[tuple[str, str, int]]:
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for row in totals:
        key = row["license_layer"], row["license_id"]
        found[key] = (name_of(row), found.get(key, ("", 0))[1] + row["seat_count"])
    listed = [(f"{layer}:{id_}", name, count) for (layer, id_), (name, count) in found.items()]
    return sorted(listed, key=lambda entry: (-entry[2], entry[1]))


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None
