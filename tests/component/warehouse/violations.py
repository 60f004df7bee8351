"""One way, or several, to break every check of the warehouse, without breaking another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from made_snapshots import APP, CPQ, MARKETING, SALES, STORAGE, made_snapshot

Tables = dict[str, pa.Table]
NOBODY = "005999999999999AAA"
DEACTIVATED = "005000000000000AAA"


def tables() -> Tables:
    """A snapshot with nothing wrong, as its tables."""
    return dict(made_snapshot(40).tables)


def edited(made: Tables, name: str, change: dict[str, Any], **where: Any) -> Tables:
    """The tables with some columns of the first row that matches replaced."""
    rows = made[name].to_pylist()
    row = next(r for r in rows if all(r[column] == value for column, value in where.items()))
    row.update({column: value(row) if callable(value) else value for column, value in change.items()})
    return made | {name: pa.Table.from_pylist(rows, made[name].schema)}


def grown(made: Tables, name: str, change: dict[str, Any], **where: Any) -> Tables:
    """The tables with a changed copy of the first row that matches added."""
    rows = made[name].to_pylist()
    row = next(r for r in rows if all(r[column] == value for column, value in where.items()))
    return made | {name: pa.Table.from_pylist([*rows, row | change], made[name].schema)}


def without(made: Tables, name: str, **where: Any) -> Tables:
    """The tables without the first row that matches."""
    rows = made[name].to_pylist()
    rows.remove(next(r for r in rows if all(r[column] == value for column, value in where.items())))
    return made | {name: pa.Table.from_pylist(rows, made[name].schema)}


def unexplained(seats: int) -> Callable[[Tables], Tables]:
    """A way to leave that many seats of the user license unexplained."""

    def change(made: Tables) -> Tables:
        of = {"license_id": SALES[1]}
        made = grown(made, "mismatches", {"cause": "unexplained", "seat_count": seats}, **of)
        more = {
            "used_count": lambda r: r["used_count"] + seats,
            "total_count": lambda r: r["total_count"] + seats,
        }
        return edited(made, "licenses", more, **of)

    return change


def _bonus_license(made: Tables) -> Tables:
    """A feature without a counter, to hang a wrong seat on without disturbing any count."""
    odd = {"license_id": "Odd", "license_name": "Odd", "used_count": None, "total_count": None}
    zero = {"available_count": None, "in_scope_count": 0, "count_basis": "not_counted"}
    return grown(made, "licenses", odd | zero, license_id=MARKETING[1])


def _unremembered(made: Tables) -> pa.Table:
    """The seats, those of one user without an activity band."""
    seats = made["seats"]
    band = pc.if_else(pc.equal(seats["user_id"], "005000000000008AAA"), None, seats["activity_band"])
    return seats.set_column(
        seats.column_names.index("activity_band"), seats.schema.field("activity_band"), band
    )


VIOLATIONS: list[tuple[str, str, Callable[[Tables], Tables]]] = [
    (
        "bridge_identity",
        "user license Salesforce",
        lambda t: edited(
            t,
            "licenses",
            {"used_count": lambda r: r["used_count"] + 1, "total_count": lambda r: r["total_count"] + 1},
            license_id=SALES[1],
        ),
    ),
    (
        "bridge_identity",
        "package license acme",
        lambda t: (
            t
            | {"mismatches": t["mismatches"].filter(pc.not_equal(t["mismatches"]["license_id"], APP[1]))}
            | {"seats": t["seats"].filter(pc.not_equal(t["seats"]["license_id"], APP[1]))}
            | {"licenses": edited(t, "licenses", {"in_scope_count": 0}, license_id=APP[1])["licenses"]}
        ),
    ),
    (
        "duplicate_keys",
        "control_totals: feature license MarketingUser",
        lambda t: grown(t, "control_totals", {"active_count": 0}, license_id=MARKETING[1]),
    ),
    (
        "negative_counts",
        "control_totals.active_count: permission_set license CPQ",
        lambda t: edited(t, "control_totals", {"active_count": -1}, license_id=CPQ[1]),
    ),
    ("unexplained_above_tolerance", "user license Salesforce", unexplained(1)),
    ("unexplained_above_tolerance", "user license Salesforce", unexplained(-1)),
    ("duplicate_keys", "users.user_id", lambda t: grown(t, "users", {"name": "Twin"})),
    (
        "duplicate_keys",
        "licenses: permission_set license CPQ Add-on",
        lambda t: grown(t, "licenses", {"status": "Twin"}, license_id=CPQ[1]),
    ),
    (
        "duplicate_seats",
        "seats: feature license Marketing User",
        lambda t: grown(t, "seats", {}, license_id=MARKETING[1], cause="deactivated_holder"),
    ),
    (
        "duplicate_keys",
        "mismatches: third_party_domain of user license Salesforce",
        lambda t: grown(t, "mismatches", {"seat_count": 0}, cause="third_party_domain"),
    ),
    (
        "seats_without_user",
        "user license Salesforce",
        lambda t: without(t, "users", user_id="005000000000008AAA"),
    ),
    (
        "seats_without_license",
        "permission_set license Gone",
        lambda t: grown(
            t,
            "seats",
            {"license_id": "0PL000000000009AAA", "license_name": "Gone"},
            cause="deactivated_holder",
        ),
    ),
    (
        "seats_out_of_scope",
        "third_party_domain in feature license Odd",
        lambda t: grown(
            _bonus_license(t),
            "seats",
            {"license_id": "Odd", "license_name": "Odd", "cause": "third_party_domain"},
            license_id=MARKETING[1],
            cause="in_scope",
        ),
    ),
    (
        "seats_out_of_scope",
        "system_user in feature license Odd",
        lambda t: grown(
            edited(_bonus_license(t), "users", {"scope_reason": "domain"}, user_id="005000000000008AAA"),
            "seats",
            {"license_id": "Odd", "license_name": "Odd", "cause": "system_user"},
            license_id=MARKETING[1],
            user_id="005000000000008AAA",
        ),
    ),
    (
        "seats_of_inactive_users",
        "user license Salesforce",
        lambda t: grown(
            t,
            "seats",
            dict(zip(("license_layer", "license_id", "license_key", "license_name"), SALES, strict=True)),
            user_id=DEACTIVATED,
        ),
    ),
    (
        "seats_of_inactive_users",
        "feature license Odd",
        lambda t: grown(
            _bonus_license(t),
            "seats",
            {"license_id": "Odd", "license_name": "Odd", "cause": "deactivated_holder"},
            license_id=MARKETING[1],
            cause="in_scope",
        ),
    ),
    ("seats_unlike_their_user", "seats.is_frozen", lambda t: edited(t, "seats", {"is_frozen": None})),
    (
        "seats_unlike_their_user",
        "seats.activity_band",
        lambda t: edited(t, "seats", {"activity_band": "61-90"}),
    ),
    (
        "seats_unlike_their_user",
        "seats.account_class",
        lambda t: edited(t, "seats", {"account_class": "guest"}),
    ),
    (
        "mismatches_without_license",
        "package license gone",
        lambda t: grown(
            t,
            "mismatches",
            {"license_id": "050000000000009AAA", "license_name": "gone"},
            license_id=APP[1],
            cause="deactivated_holder",
        ),
    ),
    (
        "mismatches_without_license",
        "usage license File Storage",
        lambda t: grown(
            t,
            "mismatches",
            {"license_layer": "usage", "license_id": STORAGE[1], "license_name": STORAGE[3]},
            cause="third_party_domain",
        ),
    ),
    (
        "users_without_license",
        "users.license_id",
        lambda t: edited(t, "users", {"license_id": "100000000000009AAA"}),
    ),
    ("users_without_license", "users.license_key", lambda t: edited(t, "users", {"license_key": "AUL"})),
    (
        "negative_counts",
        "mismatches.seat_count: no_email of user license Salesforce",
        lambda t: edited(
            grown(t, "mismatches", {"cause": "no_email", "seat_count": -1}, cause="third_party_domain"),
            "mismatches",
            {"seat_count": lambda r: r["seat_count"] + 1},
            cause="third_party_domain",
        ),
    ),
    (
        "negative_counts",
        "licenses.total_count: user license Salesforce",
        lambda t: edited(
            t,
            "licenses",
            {"total_count": -5, "available_count": lambda r: -5 - r["used_count"]},
            license_id=SALES[1],
        ),
    ),
    (
        "in_scope_unlike_bridge",
        "user license Salesforce",
        lambda t: edited(
            edited(
                t,
                "mismatches",
                {"seat_count": lambda r: r["seat_count"] - 1},
                license_id=SALES[1],
                cause="in_scope",
            ),
            "mismatches",
            {"seat_count": lambda r: r["seat_count"] + 1},
            cause="third_party_domain",
        ),
    ),
    (
        "in_scope_unlike_seats",
        "package license acme",
        lambda t: without(t, "seats", license_id=APP[1], cause="in_scope"),
    ),
    (
        "holder_counts",
        "permission_set license CPQ Add-on",
        lambda t: edited(
            t, "licenses", {"active_holder_count": lambda r: r["all_holder_count"] + 1}, license_id=CPQ[1]
        ),
    ),
    (
        "holder_counts",
        "permission_set license CPQ Add-on",
        lambda t: edited(
            t, "licenses", {"active_holder_count": lambda r: r["in_scope_count"] - 1}, license_id=CPQ[1]
        ),
    ),
    (
        "unlimited_with_total",
        "package license acme",
        lambda t: edited(
            t,
            "licenses",
            {"total_count": lambda r: r["used_count"] + 1, "available_count": 1},
            license_id=APP[1],
        ),
    ),
    (
        "available_arithmetic",
        "user license Salesforce",
        lambda t: edited(t, "licenses", {"available_count": 11}, license_id=SALES[1]),
    ),
    (
        "available_arithmetic",
        "package license acme",
        lambda t: edited(t, "licenses", {"available_count": 0}, license_id=APP[1]),
    ),
    (
        "activity_unlike_login",
        "users.activity_band: never",
        lambda t: edited(t, "users", {"last_login_at": lambda r: r["created_at"]}, activity_band="never"),
    ),
    (
        "activity_unlike_login",
        "users.activity_band: not remembered",
        lambda t: (
            edited(t, "users", {"activity_band": None}, user_id="005000000000008AAA")
            | {"seats": _unremembered(t)}
        ),
    ),
    ("id_format", "users.profile_id", lambda t: edited(t, "users", {"profile_id": "00e000000000001"})),
    ("vocabulary", "users.scope_reason", lambda t: edited(t, "users", {"scope_reason": "no_email"})),
    ("vocabulary", "licenses.count_basis", lambda t: edited(t, "licenses", {"count_basis": "guessed"})),
    ("required_values", "users.scope_reason", lambda t: edited(t, "users", {"scope_reason": None})),
    ("required_values", "licenses.count_basis", lambda t: edited(t, "licenses", {"count_basis": None})),
]
