"""
People concealed before anything is written: what a `privacy_mode` other than `named` does to rows on their
way into landing, and on their way out of one that names people. Arrow in, Arrow out; may import its package,
settings and landing.

`pseudonymous`: a user is a keyed hash, the same on all days. `aggregate`: a keyed hash of this one extract,
which is deleted once everything has been counted. Either way nothing that says who somebody is gets as far as
a file.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.errors import ConfigError
from license_ledger.privacy.identifiers import (
    USER_PREFIX,
    is_synthetic,
    pseudonym_column,
    record_pseudonyms,
)
from license_ledger.privacy.places import PEOPLE_TABLES, can_name_people
from license_ledger.privacy.rules import OWNED, Landing, Stand, landed_changes
from license_ledger.run import Landed
from license_ledger.salesforce.objects import HISTORY_OBJECTS
from license_ledger.schemas import PRIVACY_MODES, USERS
from license_ledger.settings import PrivacyMode, Settings
from license_ledger.staging.landing import COMPLETE, RunFolder

POSITIONS = frozenset({"CompanyName", "Department", "Division", "Country"})
"""What is said of a person's position all the same: costs are divided by it."""

UNTOLD = tuple(
    column.name for column in USERS.columns if column.personal == "identity" or column.name == "last_login_at"
)
"""Published columns that are null where people are concealed; instead of the last login there is its band."""

_TELLING = frozenset(each.name for each in HISTORY_OBJECTS)
_ID = "Id"
_TEXT = pa.string()


@dataclass(frozen=True)
class Concealment:
    """
    How people of one extract are concealed.

    Attributes:
        key: the secret.
        captured_at: when the extract began.
    """

    key: bytes = field(repr=False)
    captured_at: datetime

    @classmethod
    def of(cls, settings: Settings, *, captured_at: datetime, snapshot_id: str) -> Concealment | None:
        """
        What the settings ask for.

        Args:
            settings: of the pipeline.
            captured_at: when the extract began.
            snapshot_id: of the extract; in the mode `aggregate` its hashes are no other extract's.

        Returns:
            None where people are named.

        Raises:
            ConfigError: there is no key.
        """
        if settings.privacy_mode == "named":
            return None
        key = pseudonym_key(settings)
        if settings.privacy_mode == "aggregate":
            key = hmac.digest(key, f"one extract: {snapshot_id}".encode(), hashlib.sha256)
        return cls(key, captured_at)

    @classmethod
    def of_extract(cls, settings: Settings, landed: Landed) -> Concealment | None:
        """What the settings ask for, of the people of an extract; see :meth:`of`."""
        return cls.of(settings, captured_at=landed.captured_at, snapshot_id=landed.snapshot_id)

    def rows(self, object_name: str, rows: pa.Table) -> pa.Table:
        """
        Conceal whoever rows of an object are about.

        Args:
            object_name: Salesforce API name.
            rows: as they are to be landed, or have been. Rows that conceal people already come out unchanged.

        Returns:
            The rows, in their order and schema.

        Raises:
            ConfigError: the object tells of people in free text, which cannot be concealed.
        """
        if object_name in _TELLING:
            raise ConfigError(
                f"object {object_name}",
                "names people in its texts, and the setting privacy_mode wants nobody named",
                "leave the past to the days that were observed",
            )
        if not can_name_people(object_name) or not rows.num_rows:
            return rows
        columns = {name: rows.column(name).combine_chunks() for name in rows.schema.names}
        stand = Stand(self._names, keeps_domain=_any_domain, is_named=False, keeps=POSITIONS)
        changed = landed_changes(
            object_name,
            {name: partial(columns.__getitem__, name) for name in columns},
            rows.schema,
            stand,
            Landing(self.captured_at),
        )
        owned = OWNED.get(object_name)
        if owned is not None and owned.owner in changed and owned.owner != _ID and _ID in columns:
            changed[_ID] = record_pseudonyms(self.key, columns[_ID])
        arrays = [changed.get(name, column) for name, column in columns.items()]
        return pa.Table.from_arrays(arrays, schema=rows.schema)

    def _names(self, ids: pa.Array) -> pa.Array:
        """Pseudonyms of the real users among ids; null for all others."""
        is_real = pc.and_not(pc.starts_with(ids, USER_PREFIX), is_synthetic(ids)).fill_null(False)
        real = pc.if_else(is_real, ids, pa.scalar(None, _TEXT)).dictionary_encode()
        return pseudonym_column(self.key, real.dictionary).take(real.indices)


def concealed(
    settings: Settings, landed: Landed, object_name: str, pieces: Iterable[pa.Table]
) -> Iterable[pa.Table]:
    """A stream of rows of an object as it may be landed, see :meth:`Concealment.rows`."""
    concealment = Concealment.of_extract(settings, landed)
    return pieces if concealment is None else (concealment.rows(object_name, piece) for piece in pieces)


def forget_people(landed: RunFolder, own: RunFolder) -> None:
    """
    Delete what a run has about people, once they are counted. Its receipts, which only count, stay.

    Args:
        landed: the folder of the extract; no day can be made of it any more.
        own: the folder of what was made of it.
    """
    landed.storage.remove(COMPLETE)
    for name in landed.objects():
        receipt = landed.landed(name)
        if receipt is not None and can_name_people(name):
            for part in receipt["parts"]:
                landed.storage.delete(part)
    for name in PEOPLE_TABLES:
        own.storage.remove(own.work(f"{name}.parquet"))


def pseudonym_key(settings: Settings) -> bytes:
    """The secret that pseudonyms are made with. Raises ConfigError when there is none."""
    if settings.pseudonym_key is None:
        raise ConfigError(
            "setting pseudonym_key",
            "is needed to keep people as pseudonyms",
            "set LICENSE_LEDGER_PSEUDONYM_KEY from your secrets store, or have neither "
            "retain_out_of_scope=pseudonymous nor a privacy_mode other than named",
        )
    return settings.pseudonym_key.get_secret_value().encode()


def stricter(one: PrivacyMode, other: PrivacyMode) -> PrivacyMode:
    """Of two modes the one that tells less."""
    return max(one, other, key=PRIVACY_MODES.index)


def _any_domain(domain: str) -> bool:
    return True
