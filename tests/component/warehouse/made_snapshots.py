"""
Published snapshots made up in memory: consistent in themselves, of any size, without a row of Python.

Users are numbered. Of every twenty, number 0 is deactivated, 1 frozen, 2 never logged in, 3 idle for months,
4 idle for long, 5 a contractor, 6 external; the others are employees at work. All hold the user license while
active, and the permission set license and the feature; every other one holds the package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import SCHEMA_VERSION, table
from license_ledger.warehouse.contract import LoadableSnapshot, LoadReceipt
from license_ledger.warehouse.duckdb import load_all

ORG = "00D000000000001EAA"
OTHER_ORG = "00D000000000002EAA"
DAY = date(2026, 3, 2)
SALES = ("user", "100000000000001AAA", "SFDC", "Salesforce")
CPQ = ("permission_set", "0PL000000000001AAA", "CPQ", "CPQ Add-on")
APP = ("package", "050000000000001AAA", "acme", "acme")
MARKETING = ("feature", "MarketingUser", "MarketingUser", "Marketing User")
STORAGE = ("usage", "0UT000000000001AAA", "force.Storage", "File Storage")
EXPIRES_ON = date(2026, 4, 15)
"""Last day of the permission set license."""
OUTSIDERS = 3
"""Active holders of the user license whom the filter leaves out."""

_KIND = {0: "deactivated", 1: "frozen", 2: "never", 3: "idle", 4: "gone", 5: "contractor", 6: "external"}
_BANDS = {"never": "never", "idle": "91-180", "gone": "181+"}
_CLASSES = {"contractor": "contractor", "external": "external"}


@dataclass
class MadeSnapshot:
    """Stands in for ``license_ledger.reader.Snapshot``."""

    org_id: str
    snapshot_date: date
    snapshot_id: str
    row: Mapping[str, Any]
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table in pieces, as a reader would stream them."""
        yield from self.tables[name].to_batches(max_chunksize=50_000)


def made_snapshot(
    users: int = 40,
    *,
    org_id: str = ORG,
    day: date = DAY,
    snapshot_id: str = "s1",
    **row: Any,
) -> MadeSnapshot:
    """A snapshot with that many users; keyword arguments replace columns of its row in `snapshots`."""
    captured_at = datetime.combine(day, time(6), UTC)
    people = made_users(users, captured_at)
    tables = {"users": people, "seats": made_seats(people)}
    tables["licenses"], tables["mismatches"] = made_licenses(tables["seats"], captured_at)
    tables["control_totals"] = made_control_totals(tables["licenses"], day)
    values = {
        "snapshot_id": snapshot_id,
        "provenance": "observed",
        "captured_at": captured_at,
        "org_name": "Acme",
        "is_sandbox": False,
        "company_names": ["acme.com"],
        "scope_hash": "scope-1",
        "api_version": "64.0",
        "rows": json.dumps({name: made.num_rows for name, made in tables.items()}),
        "capabilities": "[]",
        "out_of_scope": json.dumps({"third_party_domain": OUTSIDERS}),
        "api_calls": 12,
        "unexplained_count": 0,
        "ledger_version": "0.1.0",
        "schema_version": SCHEMA_VERSION,
        "built_at": captured_at,
        "derived_from": json.dumps({"snapshot_date": day.isoformat(), "run": "r1"}),
        "settings": "{}",
        "is_partial": False,
        "privacy_mode": "named",
        "certainty": None,
        "manifest": "{}",
    }
    return MadeSnapshot(org_id, day, snapshot_id, values | row, tables)


def load(path: str | Path, snapshot: LoadableSnapshot, **options: Any) -> LoadReceipt:
    """Put one snapshot into a warehouse file."""
    [receipt] = load_all(path, [snapshot], **options)
    return receipt


def made_users(count: int, captured_at: datetime) -> pa.Table:
    """Table `users`, one row per number."""
    number = np.arange(count)
    kind = _spread(number, _KIND, "at_work")
    digits = pc.utf8_lpad(pa.array(number).cast(pa.string()), 12, "0")
    band = _lookup(kind, _BANDS, "0-30")
    days = {"91-180": 120, "181+": 400, "0-30": 3}
    logged_in = [None if b == "never" else captured_at - timedelta(days=days[b]) for b in days | {"never": 0}]
    last_login = pa.array(logged_in, pa.timestamp("us", "UTC")).take(
        pc.index_in(band, value_set=pa.array([*days, "never"]))
    )
    account = _lookup(kind, _CLASSES, "employee")
    domain = _lookup(kind, {"contractor": "partner.example", "external": "customer.example"}, "acme.com")
    email = pc.binary_join_element_wise(pc.binary_join_element_wise("user", digits, ""), domain, "@")
    columns = {
        "user_id": pc.binary_join_element_wise("005", digits, "AAA", ""),
        "username": pc.binary_join_element_wise(email, "login", "."),
        "email": email,
        "email_domain": domain,
        "name": pc.binary_join_element_wise("Person", digits, " "),
        "company_name": pa.repeat("Acme", count),
        "department": pa.array(number % 50).cast(pa.string()),
        "title": pa.array(number % 200).cast(pa.string()),
        "country": pa.repeat("DE", count),
        "user_type": _lookup(kind, {"external": "PowerPartner"}, "Standard"),
        "account_class": account,
        "scope_reason": pa.repeat("everyone", count),
        "is_active": pc.not_equal(kind, "deactivated"),
        "is_frozen": pc.equal(kind, "frozen"),
        "profile_id": pa.repeat("00e000000000001AAA", count),
        "profile_name": pa.repeat("Standard User", count),
        "license_id": pa.repeat(SALES[1], count),
        "license_key": pa.repeat(SALES[2], count),
        "license_name": pa.repeat(SALES[3], count),
        "last_login_at": last_login,
        "activity_band": band,
        "created_at": pa.repeat(
            pa.scalar(captured_at - timedelta(days=500), pa.timestamp("us", "UTC")), count
        ),
        "last_modified_at": pa.repeat(
            pa.scalar(captured_at - timedelta(days=50), pa.timestamp("us", "UTC")), count
        ),
        "certainty": pa.repeat("sure", count),
    }
    return shaped("users", columns, count)


def made_seats(users: pa.Table) -> pa.Table:
    """Table `seats` of these users."""
    even = pc.equal(pc.bit_wise_and(pa.array(np.arange(users.num_rows)), 1), 0)
    parts = [
        _held(users.filter(users["is_active"]), SALES),
        _held(users, CPQ),
        _held(users.filter(even), APP),
        _held(users, MARKETING),
    ]
    return pa.concat_tables(parts)


def made_licenses(seats: pa.Table, captured_at: datetime) -> tuple[pa.Table, pa.Table]:
    """Tables `licenses` and `mismatches` for these seats, and :data:`OUTSIDERS` people out of scope."""
    held: dict[tuple[str, str, bool], int] = {}
    counted = seats.group_by(["license_id", "is_active"]).aggregate([("user_id", "count")])
    for row in counted.to_pylist():
        held[row["license_id"], row["is_active"]] = row["user_id_count"]
    licenses, mismatches = [], []
    for license_ in (SALES, CPQ, APP, MARKETING):
        active = held.get((license_[1], True), 0)
        inactive = held.get((license_[1], False), 0)
        outside = OUTSIDERS if license_ is SALES else 0
        used = active + inactive + outside
        causes = {"in_scope": active, "deactivated_holder": inactive, "third_party_domain": outside}
        mismatches += [
            _named(license_) | {"cause": cause, "seat_count": n, "detail": None, "certainty": "sure"}
            for cause, n in causes.items()
            if n
        ]
        licenses.append(
            _named(license_)
            | {
                "status": "Active",
                "is_unlimited": license_ is APP,
                "total_count": None if license_ is APP else used + 10,
                "used_count": used,
                "available_count": None if license_ is APP else 10,
                "used_as_of": captured_at,
                "expires_on": EXPIRES_ON if license_ is CPQ else None,
                "count_basis": "active_only" if license_ is SALES else "all_assignees",
                "active_holder_count": active + outside,
                "all_holder_count": used,
                "in_scope_count": active,
                "certainty": "sure",
            }
        )
    licenses.append(
        _named(STORAGE)
        | {"is_unlimited": False, "total_count": 100, "used_count": 40, "available_count": 60}
        | {"used_as_of": captured_at, "count_basis": "not_counted", "certainty": "sure"}
    )
    return (
        pa.Table.from_pylist(licenses, table("licenses").arrow_schema),
        pa.Table.from_pylist(mismatches, table("mismatches").arrow_schema),
    )


def made_control_totals(licenses: pa.Table, day: date) -> pa.Table:
    """Table `control_totals`: what Salesforce counted on that day and the day before."""
    rows = [
        {name: row[name] for name in ("license_layer", "license_id", "license_key")}
        | {"metrics_on": day - timedelta(days=back), "active_count": row["used_count"] // 2}
        | {"assigned_count": row["used_count"]}
        | {"total_count": None if row["license_layer"] == "user" else row["total_count"]}
        for row in licenses.to_pylist()
        if row["license_layer"] in ("user", "permission_set", "feature")
        for back in (1, 0)
    ]
    return pa.Table.from_pylist(rows, table("control_totals").arrow_schema)


def shaped(name: str, columns: Mapping[str, Any], count: int) -> pa.Table:
    """A published table from some of its columns; the others are null."""
    schema = table(name).arrow_schema
    return pa.table(
        [columns[f.name] if f.name in columns else pa.nulls(count, f.type) for f in schema], schema=schema
    )


def _held(users: pa.Table, license_: tuple[str, str, str, str]) -> pa.Table:
    count = users.num_rows
    constant = {
        name: pa.repeat(value, count) for name, value in (_named(license_) | {"certainty": "sure"}).items()
    }
    shared = ("user_id", "is_active", "is_frozen", "activity_band", "account_class")
    cause = pc.if_else(users["is_active"], "in_scope", "deactivated_holder")
    return shaped("seats", constant | {name: users[name] for name in shared} | {"cause": cause}, count)


def _named(license_: tuple[str, str, str, str]) -> dict[str, Any]:
    names = ("license_layer", "license_id", "license_key", "license_name")
    return dict(zip(names, license_, strict=True))


def _spread(number: np.ndarray[Any, Any], names: Mapping[int, str], default: str) -> pa.Array:
    return pa.array(np.array([names.get(n, default) for n in range(20)])[number % 20])


def _lookup(kind: pa.Array, values: Mapping[str, str], default: str) -> pa.Array:
    found = pc.index_in(kind, value_set=pa.array(list(values)))
    return pc.fill_null(pa.array(list(values.values())).take(found), default)
