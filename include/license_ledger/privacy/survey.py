"""
Where a person is: every file of landing and staging that says something, before anything is changed. May
import staging and its package.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import pyarrow.compute as pc

from license_ledger.errors import ConfigError
from license_ledger.privacy.files import groups, opened
from license_ledger.privacy.person import Person, Sighting, look
from license_ledger.privacy.places import PEOPLE_TABLES, Place, days_with_files, places, remains
from license_ledger.privacy.rules import OWNED
from license_ledger.privacy.search import carried_bytes
from license_ledger.staging.layout import Day
from license_ledger.staging.published import published
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import GRACE

_ADDRESSES = {"User": ("Id", "Email", "Username"), "users": ("user_id", "email", "username")}


@dataclass
class DaySurvey:
    """
    What a day says of a person.

    Attributes:
        day: org and day.
        present: every file that can name people, by path, with its token.
        rows: of them those that mention the person by id, with the number of rows.
        has_texts: whether there are objects in whose free texts people are named.
        carries: whether a published file still has bytes of one that it replaced.
        meets: whether the tombstone of an interrupted erasure is beside the person in a file.
        remains: files of landing that somebody left half written, in which anybody may be.
    """

    day: Day
    present: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    has_texts: bool = False
    carries: bool = False
    meets: bool = False
    remains: list[str] = field(default_factory=list)

    @property
    def is_concerned(self) -> bool:
        """Whether something has to be done about the day."""
        return bool(self.rows or self.remains) or self.has_texts or self.carries


def survey(
    landing: Storage, staging: Storage, days: Sequence[Day], person: Person, pool: Executor
) -> list[DaySurvey]:
    """
    Look at every file of some days, and learn by which values the person is known.

    Args:
        landing: the landing root.
        staging: the staging root.
        days: see :func:`days_with_files`.
        person: whose ids are known; learns.
        pool: threads or processes.

    Returns:
        One survey per day, in their order.

    Raises:
        CorruptSnapshot: a file cannot be read, so that nothing can be said about it.
    """
    found = list(pool.map(partial(_day, landing, staging, person), days))
    for _, sightings in found:
        for sighting in sightings:
            person.learn(sighting)
    return [each for each, _ in found]


def _day(landing: Storage, staging: Storage, person: Person, day: Day) -> tuple[DaySurvey, list[Sighting]]:
    result, sightings = DaySurvey(day), []
    for place in places(landing, staging, day):
        sighting = sighted(landing, staging, place, person)
        if sighting is None:
            continue
        result.present[place.path] = place.token
        result.has_texts |= place.layer == "landing" and place.kind not in OWNED and _is_history(place)
        if sighting.rows:
            result.rows[place.path] = sighting.rows
            result.meets |= sighting.meets
            sightings.append(sighting)
    result.carries = _carries(staging, day)
    result.remains = remains(landing, day, datetime.now(UTC) - GRACE)
    return result, sightings


def _is_history(place: Place) -> bool:
    return place.kind == "SetupAuditTrail"


def sighted(landing: Storage, staging: Storage, place: Place, person: Person) -> Sighting | None:
    """What a file says of a person; None when it is gone by now."""
    found = Sighting()
    try:
        with opened(staging if place.layer == "staging" else landing, place.path) as (_, file):
            for group in groups(file, place.path):
                found.add(look(place.kind, group, person))
    except FileNotFoundError:
        return None
    return found


def _carries(staging: Storage, day: Day) -> bool:
    current = published(staging, day)
    if current is None:
        return False
    for name in PEOPLE_TABLES:
        entry = current.manifest["files"].get(name)
        if entry is None or sum(end - start for start, end in entry["live"]) == entry["bytes"]:
            continue
        try:
            if carried_bytes(staging, day.canonical(name), entry["live"]):
                return True
        except FileNotFoundError:
            continue
    return False


def resolve(
    landing: Storage, staging: Storage, org_id: str, *, email: str = "", username: str = "", workers: int = 2
) -> str:
    """
    Find the user id behind an e-mail address or a user name.

    Args:
        landing: the landing root.
        staging: the staging root.
        org_id: of the org.
        email: as it is anywhere in landing or staging, in any case.
        username: likewise.
        workers: threads.

    Returns:
        18 characters.

    Raises:
        ConfigError: nobody, or more than one user, has it. The address is not repeated.
    """
    wanted = (email or username).strip().lower()
    column = 1 if email else 2
    every = [
        place
        for day in days_with_files(landing, staging, org_id)
        for place in places(landing, staging, day)
        if place.kind in _ADDRESSES
    ]

    def ids(place: Place) -> set[str]:
        names = _ADDRESSES[place.kind]
        return _ids_with(
            staging if place.layer == "staging" else landing, place, names[0], names[column], wanted
        )

    with ThreadPoolExecutor(workers) as pool:
        found: set[str] = set().union(*pool.map(ids, every))
    what = "option --email" if email else "option --username"
    if not found:
        raise ConfigError(what, "nobody in landing or staging has it", "give the --user-id instead")
    if len(found) > 1:
        raise ConfigError(what, f"{len(found)} users have or had it", "say which one with --user-id")
    return found.pop()


def _ids_with(storage: Storage, place: Place, id_name: str, name: str, wanted: str) -> set[str]:
    found: set[str] = set()
    try:
        with opened(storage, place.path) as (_, file):
            for group in groups(file, place.path):
                if name in group:
                    same = pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(group.column(name))), wanted)
                    found |= set(group.column(id_name).filter(same).to_pylist())
    except FileNotFoundError:
        return set()
    return found


def paths_of(surveys: Sequence[DaySurvey]) -> tuple[dict[str, str], dict[str, str]]:
    """Every file that mentions the person, and every file that there is; by path, with tokens."""
    mentioned = {path: each.present[path] for each in surveys for path in each.rows}
    present = {path: token for each in surveys for path, token in each.present.items()}
    return mentioned, present
