"""The expected tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from demo_org.truth import holders
from demo_org.truth.filters import CompanyFilter
from demo_org.truth.people import PUBLISHED, everybody, judged
from demo_org.world import World

KEY = ["license_layer", "license_id"]
LICENSE_COLUMNS = [
    *("license_layer", "license_id", "license_key", "license_name", "status", "is_unlimited", "total_count"),
    *("used_count", "available_count", "used_as_of", "expires_on", "count_basis", "active_holder_count"),
    *("all_holder_count", "in_scope_count"),
]
SEAT_COLUMNS = [
    *("user_id", "license_layer", "license_id", "license_key", "license_name", "assigned_at", "is_active"),
    *("is_frozen", "activity_band", "account_class", "cause"),
]
ORDER = [
    *("in_scope", "counter_timing", "not_visible", "deactivated_holder", "system_user", "external_user"),
    *(
        "service_account",
        "no_email",
        "unusable_email",
        "other_company",
        "third_party_domain",
        "public_mailbox",
    ),
    "unexplained",
]


class Truth:
    """
    The right answer about a world, as its clock stands.

    Args:
        world: The org. Every answer is about the moment its clock shows when it is asked for.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def expected(
        self,
        *,
        company_names: Sequence[str] = ("*",),
        legal_entities: Mapping[str, Sequence[str]] | None = None,
        external_users: str = "include",
        service_accounts: str = "include",
        sees_all_users: bool = True,
        captured_at: datetime | None = None,
    ) -> dict[str, pd.DataFrame]:
        """
        Work out what has to be published.

        Args:
            company_names: The company filter.
            legal_entities: Declared entities and their domains.
            external_users: `include` or `exclude`.
            service_accounts: `include` or `exclude`.
            sees_all_users: The integration user has View All Users; without it some users are not shown to
                him and their seats are `not_visible`.
            captured_at: When the extract begins, for the activity bands; by default the org's clock.

        Returns:
            `users`, `seats`, `licenses` and `mismatches`, with the columns of the published tables, sorted
            by key. `mismatches` has no rows of no seats, and no `detail`.

        Raises:
            ValueError: For company names which mean nothing.
        """
        rules = CompanyFilter(company_names, legal_entities or {})
        people = everybody(self._world, captured_at or self._world.now)
        people = judged(people, rules, external_users == "include", service_accounts == "include")
        if not sees_all_users:
            seen = self._world.users_visible_without_view_all().to_pylist()
            held = holders.holdings(self._world, people)
            visible = people[people["user_id"].isin(seen)]
        else:
            held, visible = holders.holdings(self._world, people), people
        licenses = holders.licenses(self._world)
        held = _booked(held, people, visible)
        bridge = _bridge(licenses, held)
        return {
            "users": _sorted(visible[visible["in_scope"]], ["user_id"], list(PUBLISHED)),
            "seats": _seats(licenses, held[held["is_seen"] & held["in_scope"] & _is_seat(held)]),
            "licenses": _licenses(licenses, held, bridge),
            "mismatches": bridge,
        }

    def summary(self, **filters: Any) -> dict[str, Any]:
        """
        Return the headline numbers in a shape JSON can carry.

        Args:
            filters: As `expected` takes them.

        Returns:
            Rows per table, users per scope reason and account class, and per license the numbers and causes.
        """
        tables = self.expected(**filters)
        users, bridge = tables["users"], tables["mismatches"]
        causes = {
            key: dict(zip(rows["cause"], rows["seat_count"].tolist(), strict=True))
            for key, rows in bridge.groupby(KEY)
        }
        return {
            "org_id": self._world.org_id,
            "now": self._world.now.isoformat(),
            "rows": {name: len(table) for name, table in tables.items()},
            "scope_reasons": _counts(users["scope_reason"]),
            "account_classes": _counts(users["account_class"]),
            "licenses": [
                {
                    "license_layer": row.license_layer,
                    "license_id": row.license_id,
                    "license_key": row.license_key,
                    "total_count": _number(row.total_count),
                    "used_count": _number(row.used_count),
                    "is_unlimited": bool(row.is_unlimited),
                    "count_basis": row.count_basis,
                    "causes": causes.get((row.license_layer, row.license_id), {}),
                }
                for row in tables["licenses"].itertuples()
            ],
        }


def _booked(held: pd.DataFrame, people: pd.DataFrame, visible: pd.DataFrame) -> pd.DataFrame:
    """Add to every holding who holds it and under which cause it is booked."""
    columns = [
        "user_id",
        "is_active",
        "is_frozen",
        "activity_band",
        "account_class",
        "in_scope",
        "cause",
        "is_system",
    ]
    held = held.merge(people[columns], "left", on="user_id")
    held["is_seen"] = held["user_id"].isin(visible["user_id"])
    held["cause"] = held["cause"].where(held["is_active"], "deactivated_holder")
    held["cause"] = held["cause"].where(held["is_seen"], "not_visible")
    return held


def _is_seat(held: pd.DataFrame) -> pd.Series:
    """Say which holdings are seats: a deactivated user keeps every license but the user license."""
    return (held["license_layer"] != "user") | held["is_active"]


def _counted(licenses: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Keep the holdings which Salesforce's counter counts."""
    counts = held[KEY].merge(licenses[[*KEY, "counts"]], "left", on=KEY)["counts"].to_numpy()
    kept: pd.DataFrame = held.loc[(counts == "all") | ((counts == "active") & held["is_active"].to_numpy())]
    return kept


def _bridge(licenses: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """
    Book every counted holding, and what is left over.

    The rest of a user license whose counter is as old as the options say is a matter of timing, up to the
    drift the options add, which nobody can explain.
    """
    counted = _counted(licenses, held)
    untold = licenses.loc[licenses["used_count"].isna(), "license_id"]
    counted = counted[(counted["cause"] != "not_visible") | ~counted["license_id"].isin(untold)]
    booked = counted.groupby([*KEY, "cause"]).size().rename("seat_count").reset_index()
    totals = booked.groupby(KEY)["seat_count"].sum().rename("booked").reset_index()
    rest = licenses.loc[licenses["used_count"].notna() & (licenses["license_layer"] != "usage")]
    rest = rest.merge(totals, "left", on=KEY)
    rest["seat_count"] = rest["used_count"].astype("int64") - rest["booked"].fillna(0).astype("int64")
    rest["unexplained"] = rest["drift"].fillna(0).astype("int64")
    rest["counter_timing"] = rest["seat_count"] - rest["unexplained"]
    parts = [booked]
    for cause in ("counter_timing", "unexplained"):
        part = rest[KEY].assign(cause=cause, seat_count=rest[cause])
        parts.append(part[part["seat_count"] != 0])
    bridge = pd.concat(parts, ignore_index=True)
    bridge = bridge.merge(licenses[[*KEY, "license_key", "license_name"]], on=KEY)
    bridge["cause"] = pd.Categorical(bridge["cause"], ORDER, ordered=True)
    columns = [*KEY, "license_key", "license_name", "cause", "seat_count"]
    ordered = _sorted(bridge, [*KEY, "cause"], columns)
    return ordered.assign(cause=ordered["cause"].astype(object))


def _seats(licenses: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    rows = held.merge(licenses[[*KEY, "license_key", "license_name"]], on=KEY)
    return _sorted(rows, ["user_id", *KEY], SEAT_COLUMNS)


def _licenses(licenses: pd.DataFrame, held: pd.DataFrame, bridge: pd.DataFrame) -> pd.DataFrame:
    seen = held[held["is_seen"]]
    plain = seen[~seen["is_system"]]
    sizes = {
        "active_holder_count": seen[seen["is_active"]],
        "all_holder_count": seen,
        "active_plain": plain[plain["is_active"]],
        "all_plain": plain,
    }
    rows = licenses.copy()
    for name, part in sizes.items():
        rows = rows.merge(part.groupby(KEY).size().rename(name).reset_index(), "left", on=KEY)
        rows[name] = rows[name].fillna(0).astype("int64")
    scope = bridge[bridge["cause"] == "in_scope"].rename(columns={"seat_count": "in_scope_count"})
    rows = rows.merge(scope[[*KEY, "in_scope_count"]], "left", on=KEY)
    rows["in_scope_count"] = rows["in_scope_count"].fillna(0).astype("int64")
    rows["count_basis"] = [_basis(row) for row in rows.itertuples()]
    # Usage entitlements count things, so nobody holds them: not even no one.
    holders_of_things = ["active_holder_count", "all_holder_count", "in_scope_count"]
    rows[holders_of_things] = rows[holders_of_things].astype("Int64")
    rows.loc[rows["license_layer"] == "usage", holders_of_things] = pd.NA
    # Usage entitlements count things, so nobody holds them: not even no one.
    holders_of_things = ["active_holder_count", "all_holder_count", "in_scope_count"]
    rows[holders_of_things] = rows[holders_of_things].astype("Int64")
    rows.loc[rows["license_layer"] == "usage", holders_of_things] = pd.NA
    return _sorted(rows, KEY, LICENSE_COLUMNS)


def _basis(row: Any) -> str:
    """Compare the counter with the holders: with all that were seen, then without the platform's own."""
    if row.license_layer == "usage" or pd.isna(row.used_count):
        return "not_counted"
    for active, every in (
        (row.active_holder_count, row.all_holder_count),
        (row.active_plain, row.all_plain),
    ):
        if row.used_count in (active, every):
            if active == every:
                return "both"
            return "active_only" if row.used_count == active else "all_assignees"
    return "neither"


def _sorted(rows: pd.DataFrame, by: list[str], columns: list[str]) -> pd.DataFrame:
    return rows.sort_values(by, kind="stable")[columns].reset_index(drop=True)


def _counts(words: pd.Series) -> dict[str, int]:
    return {str(word): int(n) for word, n in words.value_counts().sort_index().items()}


def _number(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)
