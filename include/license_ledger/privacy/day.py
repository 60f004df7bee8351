"""
One day without one person: landed objects, work files and published tables, rewritten under the day's lease.
May import staging, schemas and its package.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from license_ledger.errors import CorruptSnapshot
from license_ledger.privacy.files import Group, groups, opened, rewritten
from license_ledger.privacy.person import Person, mentioned
from license_ledger.privacy.places import PEOPLE_TABLES, Place, places
from license_ledger.privacy.rules import (
    DOMAIN,
    Landing,
    Stand,
    changing_columns,
    forgotten_columns,
    landed_changes,
    published_changes,
)
from license_ledger.privacy.survey import DaySurvey, sighted
from license_ledger.privacy.texts import Wording, mentions, names_of_others, replaced_text
from license_ledger.schemas import table
from license_ledger.staging.amend import amend
from license_ledger.staging.landing import COMPLETE, LANDED, mark_erased
from license_ledger.staging.layout import Day
from license_ledger.staging.lease import Held, lease
from license_ledger.staging.parquet import FileReceipt
from license_ledger.staging.published import canonical_id, located, published
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import prune, purge

_log = structlog.get_logger(__name__)

INSPECTION, ASSEMBLED = "inspection.json", "assembled.json"
"""Files of a run that the walk leaves in its folder."""

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass
class DayDone:
    """
    What was done to a day.

    Attributes:
        files: files written anew, per layer.
        rows: rows of the person in them, per layer.
        manifest: the published manifest before and after, as text; None when nothing was published anew.
    """

    files: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    manifest: tuple[str, str] | None = None

    def count(self, layer: str, rows: int) -> None:
        """Count a file."""
        self.files[layer] = self.files.get(layer, 0) + 1
        self.rows[layer] = self.rows.get(layer, 0) + rows


@dataclass(frozen=True)
class Eraser:
    """
    Takes one person out of days.

    Attributes:
        landing: the landing root.
        staging: the staging root.
        person: with every id and value that is known.
        tombstone: the id that takes the person's place.
        wait_seconds: how long to wait for a writer of a day.
    """

    landing: Storage
    staging: Storage
    person: Person
    tombstone: str
    wait_seconds: float = 600.0

    def erase(self, survey: DaySurvey) -> DayDone:
        """
        Rewrite every file of a day that mentions the person.

        Raises:
            StoreBusy: somebody else is writing the day.
            CorruptSnapshot: a file cannot be read or rewritten.
            StagingUnwritable: naming the path. In every case the call can be repeated.
        """
        done = DayDone()
        made: dict[str, FileReceipt] = {}
        with lease(self.staging, survey.day.lease, wait_seconds=self.wait_seconds) as held:
            for path in survey.remains:
                self.landing.remove(path)
            for run, mine in self._runs(survey).items():
                _Run(self, self.landing.child(run), survey, done, made).landed(mine)
            # What a transform finished before the marks of the landing is there by now.
            for run, mine in self._runs(survey).items():
                _Run(self, self.landing.child(run), survey, done, made).work(mine)
            self._published(survey, held, done, made)
        return done

    def _runs(self, survey: DaySurvey) -> dict[str, list[Place]]:
        """The files of the day's runs as they are now; none where nobody is mentioned."""
        found: dict[str, list[Place]] = {}
        for place in self._again(survey):
            if place.layer != "staging" and (survey.rows or survey.has_texts):
                found.setdefault(place.run, []).append(place)
        return found

    def clear(self, day: Day) -> None:
        """
        Delete what was kept and carried of the day's replaced files, whoever may still be reading them.

        Raises: as :meth:`erase`.
        """
        with lease(self.staging, day.lease, wait_seconds=self.wait_seconds) as held:
            purge(self.staging, day, held, before=_END_OF_TIME)
            prune(self.staging, day, held, before=_END_OF_TIME)

    def _again(self, survey: DaySurvey) -> list[Place]:
        """The day's files as they are now; what was written since the survey is looked at."""
        now = places(self.landing, self.staging, survey.day)
        for place in now:
            if survey.present.get(place.path) == place.token:
                continue
            sighting = sighted(self.landing, self.staging, place, self.person)
            survey.present[place.path] = place.token
            survey.rows.pop(place.path, None)
            if sighting is not None and sighting.rows:
                survey.rows[place.path] = sighting.rows
        return now

    def names(self, ids: pa.Array) -> pa.Array:
        """Of ids, the tombstone where they are the person's, else null."""
        return pc.if_else(self.person.among(ids), pa.scalar(self.tombstone), pa.scalar(None, pa.string()))

    def stand(self) -> Stand:
        """How the person's landed rows are replaced."""
        return Stand(self.names, self.person.domains.__contains__, is_named=True)

    def table_changes(self, name: str) -> Callable[[Group], dict[str, pa.Array]]:
        """What changes in a file of a published table."""
        declared, domains = table(name), frozenset(self.person.domains)

        def changes(group: Group) -> dict[str, pa.Array]:
            if mentioned(group, self.person) is None:
                return {}
            group.load([*forgotten_columns(declared), DOMAIN])
            return published_changes(declared, group, self.names, domains)

        return changes

    def _published(self, survey: DaySurvey, held: Held, done: DayDone, made: dict[str, FileReceipt]) -> None:
        day, staging = survey.day, self.staging
        current = published(staging, day)
        if current is None:
            return
        old: dict[str, str] = {}
        for name in PEOPLE_TABLES:
            entry = current.manifest["files"].get(name)
            if entry is None:
                continue
            path = located(staging, day, name, entry["file_id"])
            if path is None:
                raise CorruptSnapshot(f"table {name} of {day}", "is not to be found", "publish the day again")
            is_torn = canonical_id(staging, day, name) != entry["file_id"]
            if path in survey.rows or is_torn:
                old[name] = path
        if not old:
            return
        ids = {name: current.manifest["files"][name]["file_id"] for name in old}
        if self.landing.fs == staging.fs and all(each in made for each in ids.values()):
            files, source, temporary = {name: made[each] for name, each in ids.items()}, self.landing, []
        else:
            files, source = {name: self._beside(day, name, path) for name, path in old.items()}, staging
            temporary = [each["path"] for each in files.values()]
        before, after = amend(staging, day, held, files, source)
        for path in temporary:
            staging.remove(path)
        done.manifest = str(before.row["manifest"]), str(after.row["manifest"])
        for path in old.values():
            done.count("staging", survey.rows.get(path, 0))

    def _beside(self, day: Day, name: str, path: str) -> FileReceipt:
        to = f"{day.generations}/{name}-{uuid.uuid4().hex}.kept"
        return rewritten(self.staging, path, self.table_changes(name), to=to, durable=False)


@dataclass(frozen=True)
class _Run:
    """The folder of one run on its way to be without the person."""

    eraser: Eraser
    storage: Storage
    survey: DaySurvey
    done: DayDone
    made: dict[str, FileReceipt]

    def landed(self, found: list[Place]) -> None:
        """Rewrite the landed objects, then mark it for a transform under way."""
        landing = self._landing(found)
        wording = Wording(self.eraser.person, self.eraser.tombstone, self._ambiguous(found))
        changed: set[str] = set()
        for place in found:
            if place.layer == "landing" and self._object(place, landing, wording):
                changed.add(place.kind)
        if changed:
            self._settle(changed)
        for path in self._texts():
            content = self.storage.read_bytes(path)
            words = replaced_text(content, wording)
            if words != content:
                self.storage.write_bytes(path, words)

    def work(self, found: list[Place]) -> None:
        """Rewrite what was made of the landing."""
        receipts = {}
        for place in found:
            if place.layer == "work" and place.path in self.survey.rows:
                old = self.storage.parquet_footer(place.path).file_id
                receipt = rewritten(self.storage, place.path, self.eraser.table_changes(place.kind))
                receipts[place.kind] = self.made[old] = receipt
                self.done.count("work", self.survey.rows[place.path])
        self._assembled(found, receipts)

    def _texts(self) -> list[str]:
        if not self.survey.rows:
            return []
        return [path for path in self.storage.list() if path.endswith(".json")]

    def _landing(self, found: list[Place]) -> Landing:
        remembers = any(place.kind == "LoginHistory" for place in found)
        try:
            inspection = self.storage.read_json(INSPECTION)["inspection"]
            return Landing(datetime.fromisoformat(inspection["captured_at"]), remembers)
        except FileNotFoundError:
            midnight = datetime.combine(self.survey.day.snapshot_date, datetime.min.time(), UTC)
            return Landing(midnight, remembers)

    def _object(self, place: Place, landing: Landing, wording: Wording) -> bool:
        """Rewrite a part of an object if it says anything."""
        rows = self.survey.rows.get(place.path, 0)
        stand = self.eraser.stand()

        def changes(group: Group) -> dict[str, pa.Array]:
            by_id: dict[str, pa.Array] = {}
            if rows and mentioned(group, self.eraser.person) is not None:
                group.load(changing_columns(place.kind, group.schema.names))
                by_id = landed_changes(place.kind, group, group.schema, stand, landing)
            return {**by_id, **mentions(place.kind, group, wording)}

        if not rows:
            with opened(self.storage, place.path) as (_, file):
                if not any(mentions(place.kind, group, wording) for group in groups(file, place.path)):
                    return False
        rewritten(self.storage, place.path, changes)
        self.done.count("landing", max(rows, 1))
        return True

    def _ambiguous(self, found: list[Place]) -> frozenset[str]:
        """Names of the person that other landed users have as well; needed where names are in texts."""
        common = {value for value, kind in self.eraser.person.values.items() if kind == "name"}
        if not self.survey.has_texts or not common:
            return frozenset()
        shared: set[str] = set()
        for place in found:
            if place.kind == "User":
                with opened(self.storage, place.path) as (_, file):
                    for group in groups(file, place.path):
                        if "Name" in group:
                            own = self.eraser.person.among(group.column("Id"))
                            shared |= names_of_others(common, group.column("Name"), own)
        return frozenset(shared)

    def _settle(self, changed: set[str]) -> None:
        mark_erased(self.storage)
        if not self.storage.exists(COMPLETE):
            return
        for name in changed:
            path = f"{name}/{LANDED}"
            with suppress(FileNotFoundError):
                receipt = self.storage.read_json(path)
                sizes = [self.storage.medium.stat(self.storage.path(part)) for part in receipt["parts"]]
                receipt["bytes"] = sum(each.size for each in sizes if each is not None)
                self.storage.write_json(path, receipt)

    def _assembled(self, found: list[Place], receipts: dict[str, FileReceipt]) -> None:
        """Let the run's receipts tell of the files that are there, also after an erasure that died here."""
        try:
            assembled: dict[str, Any] = self.storage.read_json(ASSEMBLED)
        except FileNotFoundError:
            return
        files = assembled["files"]
        for place in found:
            if place.layer != "work" or place.kind not in files or place.kind in receipts:
                continue
            if self.storage.parquet_footer(place.path).file_id != files[place.kind]["file_id"]:
                receipts[place.kind] = _receipt(self.storage, place.path)
        if receipts:
            self.storage.write_json(ASSEMBLED, {**assembled, "files": {**files, **receipts}})


def _receipt(storage: Storage, path: str) -> FileReceipt:
    return rewritten(storage, path, lambda group: {})
