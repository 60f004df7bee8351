"""Which org and day a page is about: what the request asks for, else the newest day of the first org."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlencode

from license_ledger.console.parameters import Parameters, Refused
from license_ledger.console.viewer import Viewer
from license_ledger.questions import NothingYet
from license_ledger.questions.session import Row, Session

STALE_HOURS = 36
"""A daily snapshot that is older than this is late."""
DAYS_LISTED = 400


@dataclass(frozen=True)
class Notice:
    """
    Something to know before believing the numbers.

    Attributes:
        tone: ``info``, ``warning`` or ``problem``.
        text: in one sentence.
    """

    tone: str
    text: str


@dataclass(frozen=True)
class Choice:
    """
    The org and the day of a page.

    Attributes:
        orgs: that the viewer may see.
        org: the one chosen; columns of question ``orgs``.
        days: of the org, newest first; columns of question ``days``.
        snapshot: the one chosen.
    """

    orgs: tuple[Row, ...]
    org: Row
    days: tuple[Row, ...]
    snapshot: Row

    @property
    def org_id(self) -> str:
        """Salesforce id of the org."""
        return str(self.org["org_id"])

    @property
    def day(self) -> date:
        """The UTC day."""
        found: date = self.snapshot["snapshot_date"]
        return found

    @property
    def is_latest(self) -> bool:
        """Whether it is the org's newest day."""
        return bool(self.day == self.days[0]["snapshot_date"])

    @property
    def listed(self) -> tuple[Row, ...]:
        """The days to choose from, with the chosen one in any case."""
        newest = self.days[:DAYS_LISTED]
        return newest if self.snapshot in newest else (*newest, self.snapshot)

    @property
    def before(self) -> date | None:
        """The day before this one that has a snapshot."""
        return next((d["snapshot_date"] for d in self.days if d["snapshot_date"] < self.day), None)

    @property
    def after(self) -> date | None:
        """The day after this one that has a snapshot."""
        return next((d["snapshot_date"] for d in reversed(self.days) if d["snapshot_date"] > self.day), None)

    def link(self, page: str, /, **parameters: object) -> str:
        """The address of a page for the same org and day, with parameters; empty ones are left out."""
        asked = {"org": self.org_id, "day": self.day.isoformat(), **parameters}
        return (
            f"{page}?{urlencode({name: value for name, value in asked.items() if value not in (None, '')})}"
        )

    def notices(self, now: datetime) -> list[Notice]:
        """What to know about this day."""
        found = []
        age = now - datetime.combine(self.days[0]["snapshot_date"], datetime.min.time(), UTC)
        if age > timedelta(days=1, hours=STALE_HOURS):
            found.append(Notice("warning", f"Stale: the newest snapshot of this org is {age.days} days old."))
        if not self.is_latest:
            found.append(Notice("info", f"You are looking at the past: {self.day}."))
        if self.snapshot["provenance"] == "reconstructed":
            text = "Reconstructed from what Salesforce remembers; some rows are likely or unsure. See Trust."
            found.append(Notice("warning", text))
        elif self.snapshot["provenance"] == "replayed":
            found.append(Notice("info", "Replayed from that day's extract with later settings."))
        if self.snapshot["privacy_mode"] == "aggregate":
            found.append(
                Notice("info", "Numbers only: this org is taken without people, their lists are empty.")
            )
        elif self.snapshot["privacy_mode"] == "pseudonymous":
            found.append(
                Notice("info", "People are pseudonyms here; license-ledger reveal tells who they are.")
            )
        if self.snapshot["is_partial"]:
            text = "Partial: an object that lists people or holders could not be read. See Trust."
            found.append(Notice("problem", text))
        if self.snapshot["unexplained_count"]:
            text = f"{self.snapshot['unexplained_count']} seats are not explained. See Mismatch."
            found.append(Notice("problem", text))
        return found


def choose(session: Session, parameters: Parameters, viewer: Viewer) -> Choice:
    """
    Find the org and the day.

    Raises:
        NothingYet: there is no org that the viewer may see.
        Refused: no such org for this viewer, or no snapshot on that day. Whether an org exists that the
            viewer may not see cannot be told from it.
    """
    asked_org, asked_day = parameters.org(), parameters.day("day")
    orgs = tuple(row for row in session.rows("orgs") if viewer.may_see(row["org_id"]))
    org = next((row for row in orgs if asked_org in (None, row["org_id"])), None)
    if org is None:
        if asked_org is None:
            raise NothingYet
        raise Refused(404, "No such org", "There is no org of this id among those that you may see.")
    days = tuple(session.rows("days", org_id=org["org_id"]))
    snapshot = next((row for row in days if asked_day in (None, row["snapshot_date"])), None)
    if snapshot is None:
        raise Refused(404, "No snapshot", _nearest(days, asked_day))
    return Choice(orgs, org, days, snapshot)


def _nearest(days: tuple[Row, ...], asked: date | None) -> str:
    before = next((d["snapshot_date"] for d in days if asked and d["snapshot_date"] < asked), None)
    after = next((d["snapshot_date"] for d in reversed(days) if asked and d["snapshot_date"] > asked), None)
    near = " and ".join(str(day) for day in (before, after) if day)
    return f"The org has no snapshot of {asked}; the nearest are of {near}."
