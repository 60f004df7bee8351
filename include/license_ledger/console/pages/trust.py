"""How far the numbers of a day can be trusted, and what would make them better."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from license_ledger.console.choice import Choice
from license_ledger.console.viewer import Viewer
from license_ledger.questions import Row, Session

SNAPSHOTS_LISTED = 30


def trust(session: Session, choice: Choice, viewer: Viewer, now: datetime) -> dict[str, Any]:
    """What the page shows."""
    key = {"org_id": choice.org_id, "day": choice.day}
    found = session.rows("trust", **key)[0]
    return {
        "trust": found,
        "age_hours": max((now - found["captured_at"]).total_seconds() / 3600, 0),
        "gaps": [_gap(row) for row in session.rows("gaps", **key)],
        "controls": session.rows("controls", **key),
        "unexplained": session.rows("unexplained", **key),
        "left_out": sorted(
            (json.loads(found["out_of_scope"] or "{}")).items(), key=lambda entry: -int(entry[1])
        ),
        "certainty": json.loads(choice.snapshot["certainty"]) if choice.snapshot["certainty"] else None,
        "snapshots": choice.days[:SNAPSHOTS_LISTED],
        "runs": viewer.runs(choice.org_id),
    }


def _gap(row: Row) -> Row:
    return {**row, "unlocked": _listed(row["unlocks"]), "lost": _listed(row["costs"])}


def _listed(text: str | None) -> list[str]:
    """A JSON list as its items; any other text as one."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return [text] if text else []
    return [str(item) for item in found] if isinstance(found, list) else [str(found)]
