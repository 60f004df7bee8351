"""
The directory, and who of a snapshot's users is not in it. May import schemas, errors, staging, transform.

A directory is an export of an identity provider or of human resources, with the attribute names of SCIM 2.0
(RFC 7643). Only what is needed to find a user is read of it, and none of it is kept: a user is found by the
federation id, the e-mail address, the login name or the employee number, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.inputs.reading import InputFile, read_columns
from license_ledger.inputs.tables import DIRECTORY_CHECKS, DIRECTORY_FINDINGS, MATCHED_BY
from license_ledger.schemas import Column
from license_ledger.transform.emails import normalize

COMPARED = ("employee", "contractor", "unknown")
"""Account classes that are looked for: partners, customers and machines are not expected there."""

_COLUMNS = (
    Column("username", pa.string(), "Login name.", "SCIM userName", personal="identity"),
    Column("externalid", pa.string(), "Identifier.", "SCIM externalId", personal="identity"),
    Column("emails", pa.string(), "Addresses.", "SCIM emails", personal="identity"),
    Column("employeenumber", pa.string(), "Number.", "SCIM employeeNumber", personal="identity"),
    Column("active", pa.bool_(), "Whether the entry is in force.", "SCIM active"),
)
_NAMES = ("username", "externalid", "emails", "employeenumber")
_AT_ONCE = 500_000
_ABSENT, _INACTIVE, _ACTIVE, _NOTHING = 0, 1, 2, 3
"""What is said of a user; the last: there is no name to look for."""

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Register:
    """
    One kind of name in the directory; the same name may be in both parts, and more than once.

    Attributes:
        active: names of active entries.
        inactive: names of the others.
    """

    active: pa.Array
    inactive: pa.Array

    @classmethod
    def of(cls, names: pa.Array, active: pa.Array) -> Register:
        """Collect names with the state of their entries; null names are left out."""
        there = pc.is_valid(names)
        return cls(names.filter(pc.and_(there, active)), names.filter(pc.and_not(there, active)))

    def look_up(self, names: pa.Array) -> Codes:
        """What the directory says of each name: 0 absent, 1 not active, 2 active, which any entry decides."""
        states = np.where(_is_in(names, self.inactive), _INACTIVE, _ABSENT)
        return np.where(_is_in(names, self.active), _ACTIVE, states).astype(np.int8)


@dataclass(frozen=True)
class Directory:
    """
    A directory that was read.

    Attributes:
        read_at: when.
        entry_count: how many entries it has.
        registers: what users are looked up in, by what they are found by, in this order.
    """

    read_at: datetime
    entry_count: int
    registers: Mapping[str, tuple[Register, ...]] = field(repr=False)

    @classmethod
    def read(cls, file: InputFile, read_at: datetime) -> Directory:
        """
        Read a directory.

        Raises:
            InputRefused: naming line and column, and never a value.
        """
        rows = read_columns(file, _COLUMNS, rename=_attribute, ignores_others=True)
        if not rows.num_rows:
            file.refuse("has no entry, and everybody would be missing")
        blank = pa.array(np.logical_and.reduce([pc.is_null(rows[name]).to_numpy() for name in _NAMES]))
        if (wrong := pc.index(blank, pa.scalar(True)).as_py()) >= 0:
            file.refuse("or emails, externalId or employeeNumber must be given", row=wrong, column="userName")
        active = pc.fill_null(rows["active"].combine_chunks(), True)
        addresses, owners = _split(rows["emails"].combine_chunks())
        user_names = Register.of(normalize(rows["username"].combine_chunks()), active)
        external = Register.of(normalize(rows["externalid"].combine_chunks()), active)
        mailed = Register.of(addresses, active.take(owners))
        numbers = Register.of(_number(rows["employeenumber"].combine_chunks()), active)
        return cls(
            read_at,
            rows.num_rows,
            {
                "federation_id": (external, user_names),
                "email": (mailed, user_names),
                "username": (user_names,),
                "employee_number": (numbers,),
            },
        )

    def compare(self, users: Iterable[pa.RecordBatch]) -> tuple[pa.Table, pa.Table]:
        """
        Look for the users of a snapshot.

        Args:
            users: rows of table `users`, piece by piece.

        Returns:
            Rows of table `directory_findings`, one per user who has no active entry, and the one row of
            table `directory_checks`.
        """
        findings, counts = [], np.zeros(4, np.int64)
        for people in _many(users):
            found, states = self._findings(people)
            findings.append(found)
            counts += np.bincount(states, minlength=4)
        row = {
            "read_at": self.read_at,
            "entry_count": self.entry_count,
            "compared_count": int(counts.sum()),
            "present_count": int(counts[_ACTIVE]),
            "inactive_count": int(counts[_INACTIVE]),
            "missing_count": int(counts[_ABSENT]),
            "no_identifier_count": int(counts[_NOTHING]),
        }
        return (
            pa.Table.from_batches(findings, DIRECTORY_FINDINGS.arrow_schema),
            pa.Table.from_pylist([row], DIRECTORY_CHECKS.arrow_schema),
        )

    def _findings(self, people: pa.RecordBatch) -> tuple[pa.RecordBatch, Codes]:
        states = np.full(people.num_rows, _NOTHING, np.int8)
        by = np.full(people.num_rows, -1, np.int64)
        for at, name in enumerate(MATCHED_BY):
            looked_for = np.flatnonzero(by < 0)
            names = _names(people[name].take(pa.array(looked_for)), name)
            has = pc.is_valid(names).to_numpy(zero_copy_only=False)
            looked_for = looked_for[has]
            if not len(looked_for):
                continue
            present = names.filter(pa.array(has))
            said = np.maximum.reduce([each.look_up(present) for each in self.registers[name]])
            states[looked_for[states[looked_for] == _NOTHING]] = _ABSENT
            hit = said != _ABSENT
            states[looked_for[hit]], by[looked_for[hit]] = said[hit], at
        wanted = np.flatnonzero(states != _ACTIVE)
        words = pa.array(["missing", "inactive", None, "no_identifier"])
        columns = [
            people["user_id"].take(pa.array(wanted)),
            words.take(pa.array(states[wanted])),
            pa.array(MATCHED_BY).take(pa.array(by[wanted], mask=by[wanted] < 0)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=DIRECTORY_FINDINGS.arrow_schema), states


def _is_in(names: pa.Array, among: pa.Array) -> npt.NDArray[np.bool_]:
    if not len(among):
        return np.zeros(len(names), np.bool_)
    found: npt.NDArray[np.bool_] = pc.is_in(names, value_set=among).to_numpy(zero_copy_only=False)
    return found


def _many(users: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Who is looked for, many users at a time: every look-up goes through a whole register."""
    kept: list[pa.RecordBatch] = []
    names = ["user_id", *MATCHED_BY]
    for batch in users:
        people = batch.filter(pc.is_in(batch["account_class"], value_set=pa.array(COMPARED)))
        kept.append(people.select(names))
        if sum(each.num_rows for each in kept) >= _AT_ONCE:
            yield pa.concat_batches(kept)
            kept = []
    if kept:
        yield pa.concat_batches(kept)


def _names(values: pa.Array, matched_by: str) -> pa.Array:
    """What users are looked up by, in the form the registers have."""
    return _number(values) if matched_by == "employee_number" else normalize(values)


def _number(texts: pa.Array) -> pa.Array:
    """Employee numbers in the form that is compared: trimmed, lower case, null when blank."""
    text = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _split(emails: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The single addresses of values that may list several, normalized, and the row of each."""
    lists = pc.split_pattern_regex(emails, r"[\s,;]+")
    return normalize(lists.flatten()), pc.list_parent_indices(lists)


def _attribute(name: str) -> str:
    """A column's name as SCIM's attribute: without the schema's URN and sub-attributes, in lower case."""
    plain = name.strip().rpartition(":")[2].lower().replace("_", "")
    return plain.partition(".")[0].partition("[")[0]
