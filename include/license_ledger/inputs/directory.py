"""
The directory, and who of a snapshot's users is not in it. May import schemas, errors, staging, transform.

A directory is an export of an identity provider or of human resources, with the attribute names of SCIM 2.0
(RFC 7643). Only what is needed to find a user is read of it, and none of it is kept: a user is found by the
federation id, the e-mail address, the login name or the employee number, whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
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
_ABSENT, _INACTIVE, _ACTIVE, _NOTHING = 0, 1, 2, 3
"""What is said of a user; the last: there is no name to look for."""

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Register:
    """
    One kind of name in the directory.

    Attributes:
        names: each once.
        is_active: whether an active entry has the name; one that several entries share is active when any is.
    """

    names: pa.Array
    is_active: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, names: Iterable[pa.Array], active: Iterable[pa.Array]) -> Register:
        """Collect names with the state of their entries; null names are left out."""
        pairs = pa.table(
            {"name": pa.chunked_array(names, pa.string()), "active": pa.chunked_array(active, pa.bool_())}
        )
        each = pairs.filter(pc.is_valid(pairs["name"])).group_by("name").aggregate([("active", "max")])
        return cls(
            each["name"].combine_chunks(),
            each["active_max"].to_numpy(zero_copy_only=False).astype(bool),
        )

    def look_up(self, names: pa.Array) -> Codes:
        """What the directory says of each name: 0 absent, 1 not active, 2 active."""
        where = pc.index_in(names, value_set=self.names).fill_null(-1).to_numpy()
        states = np.append(np.where(self.is_active, _ACTIVE, _INACTIVE), _ABSENT).astype(np.int8)
        found: Codes = states[where]
        return found


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
    registers: dict[str, Register] = field(repr=False)

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
        user_names = normalize(rows["username"].combine_chunks())
        external = normalize(rows["externalid"].combine_chunks())
        addresses, owners = _split(rows["emails"].combine_chunks())
        numbers = _number(rows["employeenumber"].combine_chunks())
        return cls(
            read_at,
            rows.num_rows,
            {
                "federation_id": Register.of([external, user_names], [active, active]),
                "email": Register.of([addresses, user_names], [active.take(owners), active]),
                "username": Register.of([user_names], [active]),
                "employee_number": Register.of([numbers], [active]),
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
        for batch in users:
            people = batch.filter(pc.is_in(batch["account_class"], value_set=pa.array(COMPARED)))
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
            names = _names(people, name)
            has = pc.is_valid(names).to_numpy(zero_copy_only=False)
            said = self.registers[name].look_up(names)
            open_ = by < 0
            states[open_ & has & (states == _NOTHING)] = _ABSENT
            hit = open_ & (said != _ABSENT)
            states[hit], by[hit] = said[hit], at
        wanted = np.flatnonzero(states != _ACTIVE)
        words = pa.array(["missing", "inactive", None, "no_identifier"])
        columns = [
            people["user_id"].take(pa.array(wanted)),
            words.take(pa.array(states[wanted])),
            pa.array(MATCHED_BY).take(pa.array(by[wanted], mask=by[wanted] < 0)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=DIRECTORY_FINDINGS.arrow_schema), states


def _names(people: pa.RecordBatch, matched_by: str) -> pa.Array:
    """What users are looked up by, in the form the registers have."""
    if matched_by == "employee_number":
        return _number(people["employee_number"])
    return normalize(people[matched_by])


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
