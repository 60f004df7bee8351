"""
Landing that has expired, kept as pseudonyms: the past can be scoped anew, and nobody out of scope be named.
May import staging and its package.

When a day's landing expires, everybody in it who is not in the day's published snapshot becomes a pseudonym:
a keyed hash for an id, the e-mail address with nothing but its domain, the license and what else decides
scope and counts, and nothing more. People in scope stay as they are: history names them anyway. What
Salesforce remembered of the past goes. A replay under a wider filter publishes people under pseudonyms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from license_ledger.errors import CorruptSnapshot, StoreBusy
from license_ledger.privacy.concealment import pseudonym_key
from license_ledger.privacy.files import Group, groups, opened, rewritten
from license_ledger.privacy.identifiers import USER_PREFIX, is_synthetic, pseudonyms
from license_ledger.privacy.places import can_name_people
from license_ledger.privacy.rules import Landing, Stand, changing_columns, is_reference, landed_changes
from license_ledger.salesforce.objects import HISTORY_OBJECTS
from license_ledger.settings import Settings
from license_ledger.staging.landing import WORK, RunFolder, mark_erased
from license_ledger.staging.lease import lease
from license_ledger.staging.published import Published, located, published
from license_ledger.staging.runs import HISTORY, RunSweepReceipt, sweep_runs
from license_ledger.staging.storage import Storage

_log = structlog.get_logger(__name__)

MARK = "_pseudonymous.json"
"""In a run folder: which snapshot decided who is named in it."""

_INSPECTION = "inspection.json"
_MADE = (WORK, "assembled.json", "reconciled.json")
"""What runs made of their landing and keep in their folder."""
_TEXT = pa.string()


def sweep_landing(
    landing: Storage,
    staging: Storage,
    settings: Settings,
    *,
    org_id: str,
    now: datetime,
    keep: str | None = None,
) -> RunSweepReceipt:
    """
    Delete runs that nobody needs, or keep expired ones as pseudonyms, as the settings say.

    Args:
        landing: the landing root.
        staging: the staging root.
        settings: of the pipeline.
        org_id: of the org.
        now: the present, with time zone.
        keep: key of a run that stays whatever its state, as the one that sweeps.

    Returns:
        How many were removed, and kept.

    Raises:
        ConfigError: pseudonyms are asked for, and there is no key.
        CorruptSnapshot: what is kept cannot be rewritten; it stays as it is.
        StagingUnwritable: naming the path.
    """
    stays = None
    if settings.retain_out_of_scope == "pseudonymous":
        expiry = Expiry(staging, pseudonym_key(settings))
        stays = expiry.stays
    return sweep_runs(
        landing, now=now, keep_days=settings.landing_days, org_id=org_id, keep=keep, stays=stays
    )


@dataclass(frozen=True)
class Expiry:
    """
    Rewrites expired runs.

    Attributes:
        staging: the staging root.
        key: the secret.
    """

    staging: Storage
    key: bytes = field(repr=False)

    def stays(self, run: RunFolder) -> bool:
        """
        Whether an expired run stays; it holds pseudonyms by then.

        False where the day is not published: then nothing of it is history. A day that somebody is writing
        stays as it is until the next sweep.
        """
        current = published(self.staging, run.day)
        if current is None:
            return False
        if self._mark(run) == _scope_of(current):
            return True
        try:
            with lease(self.staging, run.day.lease, wait_seconds=0) as held:
                current = published(self.staging, run.day)
                if current is None:
                    return False
                _Rewriting(run, self.key, _people(self.staging, current)).rewrite()
                held.check()
                run.write_json(MARK, {"scope": _scope_of(current)})
        except StoreBusy:
            _log.info("pseudonyms.busy", day=str(run.day))
        else:
            _log.info("pseudonyms.made", day=str(run.day))
        return True

    def _mark(self, run: RunFolder) -> str:
        try:
            return str(run.read_json(MARK)["scope"])
        except FileNotFoundError:
            return ""
        except (ValueError, TypeError, KeyError):
            return ""


@dataclass
class _Rewriting:
    """
    One run on its way to pseudonyms. Killed, it is done again: pseudonyms stay what they are.

    Attributes:
        run: the run folder.
        key: the secret.
        named: ids of the people who keep their names.
    """

    run: RunFolder
    key: bytes = field(repr=False)
    named: pa.Array
    _known: dict[str, str] = field(default_factory=dict, repr=False)

    def rewrite(self) -> None:
        """Drop what goes, rewrite what stays."""
        storage = self.run.storage
        for name in _MADE:
            storage.delete(name)
        self._forget_history()
        stand = Stand(self._names, keeps_domain=lambda domain: True, is_named=False)
        landing = Landing(self._captured_at())
        for name in self.run.objects():
            receipt = self.run.landed(name)
            if receipt is not None and can_name_people(name):
                for part in receipt["parts"]:
                    self._part(name, part, stand, landing)
        mark_erased(storage)

    def _part(self, name: str, part: str, stand: Stand, landing: Landing) -> None:
        def changes(group: Group) -> dict[str, pa.Array]:
            if not self._concerns(group):
                return {}
            group.load(changing_columns(name, group.schema.names))
            return landed_changes(name, group, group.schema, stand, landing)

        with opened(self.run.storage, part) as (_, file):
            if not any(self._concerns(group) for group in groups(file, part)):
                return
        rewritten(self.run.storage, part, changes)

    def _concerns(self, group: Group) -> bool:
        """Whether a row group mentions anybody who loses the name."""
        references = [each.name for each in group.schema if is_reference(each.name) and each.type == _TEXT]
        return any(pc.any(self._outside(group.column(name))).as_py() for name in references)

    def _outside(self, ids: pa.Array) -> pa.Array:
        """Which ids are of users who are not named, and are real."""
        are_users = pc.starts_with(ids, USER_PREFIX)
        if not pc.any(are_users).as_py():
            return pa.repeat(pa.scalar(False), len(ids))
        kept = pc.or_(pc.is_in(ids, value_set=self.named), is_synthetic(ids))
        return pc.and_not(are_users, kept).fill_null(False)

    def _names(self, ids: pa.Array) -> pa.Array:
        outside = pc.if_else(self._outside(ids), ids, pa.scalar(None, _TEXT)).dictionary_encode()
        words = outside.dictionary.to_pylist()
        self._known.update(pseudonyms(self.key, [word for word in words if word not in self._known]))
        return pa.array([self._known[word] for word in words], _TEXT).take(outside.indices)

    def _captured_at(self) -> datetime:
        return datetime.fromisoformat(self.run.read_json(_INSPECTION)["inspection"]["captured_at"])

    def _forget_history(self) -> None:
        """What Salesforce remembered names people in free text; the plan no longer says that it is there."""
        names = [each.name for each in HISTORY_OBJECTS]
        found = self.run.read_json(_INSPECTION)
        objects = found["inspection"]["objects"]
        if any(name in objects for name in names):
            found["inspection"]["objects"] = {
                name: plan for name, plan in objects.items() if name not in names
            }
            self.run.write_json(_INSPECTION, found)
        facts = self.run.facts()
        if facts.pop(HISTORY, None):
            completed_at = datetime.fromisoformat(str(facts.pop("completed_at")))
            self.run.mark_complete(completed_at, **facts)
        for name in names:
            self.run.storage.delete(name)


def _people(staging: Storage, current: Published) -> pa.Array:
    """Ids of everybody in a published snapshot. Raises CorruptSnapshot."""
    path = located(staging, current.day, "users", current.manifest["files"]["users"]["file_id"])
    if path is None:
        raise CorruptSnapshot(f"table users of {current.day}", "is not to be found", "publish the day again")
    parts = [batch.column(0) for batch in staging.parquet_batches(path, ["user_id"])]
    return pa.concat_arrays([pa.array([], _TEXT), *parts])


def _scope_of(current: Published) -> str:
    """Changes with every writing of the day, though not when somebody is erased from it."""
    row = current.row
    return json.dumps([row["snapshot_id"], row["scope_hash"], str(row.get("built_at"))])
