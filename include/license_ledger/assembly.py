"""
The streaming middle of the walk: landed objects in, ``users``, ``seats`` and counted holders out. No Airflow.

User-sized objects pass in record batches, once; what stays in memory is ten bytes a person
(:class:`~license_ledger.transform.person_index.PersonIndex`) and counts of a few hundred rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

import pyarrow as pa

from license_ledger.errors import StoreBusy
from license_ledger.run import Landed
from license_ledger.schemas import SEATS, USERS
from license_ledger.staging.landing import erasures
from license_ledger.staging.parquet import FileReceipt, ParquetSink
from license_ledger.transform import conform, counts, features, holdings, licenses, lookups
from license_ledger.transform.landed import DOUBTS
from license_ledger.transform.person_index import PERSON_COLUMNS, PersonIndex
from license_ledger.transform.scope import ScopeRules
from license_ledger.transform.seats import seats

ASSIGNMENTS = {"permission_set": "PermissionSetLicenseAssign", "package": "UserPackageLicense"}
"""Layer to the object whose rows are its assignments."""

HOLDERS = {**ASSIGNMENTS, "user": "Profile"}
"""Layer to the object without which nobody can be seen to hold its licenses."""

LICENSES_FILE, COUNTS_FILE = "licenses-uncounted", "counts"


class Assembled(TypedDict):
    """
    Receipt of an assembly.

    Attributes:
        files: the files of tables ``users`` and ``seats``.
        people: users that were read, in scope or not.
        out_of_scope: users left out, per scope reason.
    """

    files: dict[str, FileReceipt]
    people: int
    out_of_scope: dict[str, int]


@dataclass
class Assembly:
    """
    One pass over the landed objects of a run.

    Attributes:
        folder: the landed objects; receives the work files.
        rules: the company filter.
        captured_at: when the extract began.
        metadata: key-value metadata of a published table's file, by the table's name.
        conceal: what is done to landed rows of an object before anything is made of them.
        untold: columns of ``users`` that become null.
    """

    folder: Landed
    rules: ScopeRules
    captured_at: datetime
    metadata: Callable[[str], Mapping[str, str]]
    conceal: Callable[[str, pa.Table], pa.Table] | None = None
    untold: Collection[str] = ()
    _counts: list[pa.Table] = field(default_factory=list)
    _left_out: dict[str, int] = field(default_factory=dict)

    def run(self) -> Assembled:
        """
        Write work files ``users``, ``seats``, uncounted licenses and counts.

        Raises:
            SchemaDrift: a field the ledger cannot do without was not landed.
            CorruptAnswer: rows without ids.
            StagingUnwritable: naming the path.
            StoreBusy: somebody was erased from the landing while it was being read.
        """
        folder, before = self.folder, erasures(self.folder.folder.storage)
        flags = features.feature_flags(folder.columns("User"))
        uncounted = self._licenses(flags)
        folder.write_work(LICENSES_FILE, uncounted)
        with (
            folder.work_writer("users", USERS.arrow_schema, self.metadata("users")) as users,
            folder.work_writer("seats", SEATS.arrow_schema, self.metadata("seats")) as seated,
        ):
            index = PersonIndex(self._users(flags, uncounted, users, seated))
            self._assignments(index, uncounted, seated)
        folder.write_work(COUNTS_FILE, counts.merge_counts(self._counts))
        if erasures(folder.folder.storage) != before:
            folder.work.drop_work()
            raise StoreBusy(
                f"landing of {folder.folder.day}",
                "was rewritten while it was being read: somebody has been erased from it",
                "try again",
            )
        return Assembled(
            files={"users": users.receipt, "seats": seated.receipt},
            people=len(index),
            out_of_scope=dict(self._left_out),
        )

    def _landed(self, object_name: str) -> Iterator[pa.RecordBatch]:
        """Rows that may be about people."""
        for batch in self.folder.batches(object_name):
            if self.conceal is None:
                yield batch
            else:
                yield from self.conceal(object_name, pa.Table.from_batches([batch])).to_batches()

    def _licenses(self, flags: tuple[str, ...]) -> pa.Table:
        table = self.folder.table_if_landed
        return licenses.licenses(
            self.captured_at,
            user_licenses=table("UserLicense"),
            permission_set_licenses=table("PermissionSetLicense"),
            package_licenses=table("PackageLicense"),
            usage_entitlements=table("TenantUsageEntitlement"),
            feature_flags=flags,
            feature_metrics=table("ActiveFeatureLicenseMetric"),
            doubts=table(DOUBTS),
        )

    def _lookups(self) -> lookups.Lookups:
        table = self.folder.table_if_landed
        frozen = None
        if self.folder.has_landed("UserLogin"):
            parts = [lookups.frozen_users(part) for part in self._landed("UserLogin")]
            frozen = pa.concat_arrays([pa.array([], pa.string()), *parts])
        return lookups.Lookups.build(
            profiles=table("Profile"),
            roles=table("UserRole"),
            user_licenses=table("UserLicense"),
            frozen_user_ids=frozen,
            shows_logins=self.folder.offers("User", "LastLoginDate"),
        )

    def _users(
        self, flags: tuple[str, ...], uncounted: pa.Table, users: ParquetSink, seated: ParquetSink
    ) -> Iterator[pa.Table]:
        """Conform every batch of users, write and count what follows from it; yields what the index needs."""
        small = self._lookups()
        for landed in self._landed("User"):
            people = conform.people(landed, small, self.rules, self.captured_at)
            users.write(conform.published_users(people, self.untold))
            for reason, number in conform.left_out(people).items():
                self._left_out[reason] = self._left_out.get(reason, 0) + number
            held = pa.concat_tables(
                [holdings.user_holdings(people), holdings.feature_holdings(people, landed, flags)]
            )
            self._book(held, uncounted, seated, people)
            yield people.select(PERSON_COLUMNS)

    def _assignments(self, index: PersonIndex, uncounted: pa.Table, seated: ParquetSink) -> None:
        for layer, object_name in ASSIGNMENTS.items():
            if self.folder.has_landed(object_name):
                for landed in self._landed(object_name):
                    assigned = holdings.assigned_holdings(layer, landed, index)
                    self._counts.append(assigned.unseen)
                    self._book(assigned.holdings, uncounted, seated)

    def _book(
        self, held: pa.Table, uncounted: pa.Table, seated: ParquetSink, people: pa.Table | None = None
    ) -> None:
        seated.write(seats(held, uncounted))
        self._counts.append(counts.counts(held, uncounted, people))
        if len(self._counts) > 64:
            self._counts = [counts.merge_counts(self._counts)]
