"""
Users, conformed: typed, joined, classified, and judged by the company filter. May import schemas and its
neighbors.

One batch of landed users in, the same users in the same order out; memory is that of the batch.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import (
    ACCOUNT_CLASSES,
    ACTIVITY_BANDS,
    CERTAINTIES,
    IN_SCOPE_REASONS,
    SCOPE_REASONS,
    USERS,
)
from license_ledger.transform.accounts import Kinds, first_match
from license_ledger.transform.activity import bands
from license_ledger.transform.emails import Addresses
from license_ledger.transform.landed import (
    CERTAINTY,
    EMAIL_KNOWN,
    FROZEN_KNOWN,
    LOGIN_KNOWN,
    Flags,
    field,
    filled,
    flags,
    require,
    spelled,
)
from license_ledger.transform.lookups import Lookups
from license_ledger.transform.scope import HOLDER_CAUSES, ScopeRules

PEOPLE_SCHEMA: pa.Schema = pa.schema(
    [
        *USERS.arrow_schema,
        pa.field("in_scope", pa.bool_(), False),
        pa.field("holder_cause", pa.string(), False),
    ]
)
"""Table ``users`` for every user, with whether it is published and the cause its seats are booked under."""

_COPIED = {
    "username": "Username",
    "email": "Email",
    "name": "Name",
    "company_name": "CompanyName",
    "department": "Department",
    "division": "Division",
    "title": "Title",
    "country": "Country",
    "employee_number": "EmployeeNumber",
    "federation_id": "FederationIdentifier",
    "user_type": "UserType",
    "profile_id": "ProfileId",
    "last_login_at": "LastLoginDate",
    "created_at": "CreatedDate",
    "last_modified_at": "LastModifiedDate",
}
_TEXT = pa.string()
_BLANK = SCOPE_REASONS.index("no_email")
_UNUSABLE = SCOPE_REASONS.index("unusable_email")
_EVERYONE = SCOPE_REASONS.index("everyone")


def people(
    users: pa.Table | pa.RecordBatch, lookups: Lookups, rules: ScopeRules, captured_at: datetime
) -> pa.Table:
    """
    Conform a batch of users.

    Args:
        users: landed User; fields other than Id, IsActive, ProfileId and Email may be missing or all null.
        lookups: profiles, licenses, roles and frozen logins of the org.
        rules: the company filter.
        captured_at: when the extract began; activity is counted from it.

    Returns:
        :data:`PEOPLE_SCHEMA`, one row per user in the order of ``users``, out-of-scope users included.
        ``in_scope`` says whether the user is published; ``scope_reason`` why, or why not; ``holder_cause`` is
        where seats of the user are booked while the user is active (``system_user`` also when everyone is in
        scope).

    Raises:
        SchemaDrift: a field the ledger cannot do without was not landed.
        CorruptAnswer: users without an id or without IsActive.
    """
    require(users, "User", ("ProfileId", "Email"))
    columns = {name: field(users, source, PEOPLE_SCHEMA.field(name).type) for name, source in _COPIED.items()}
    columns["user_id"] = filled(users, "User", "Id", _TEXT)
    columns["is_active"] = filled(users, "User", "IsActive", pa.bool_())
    columns["is_frozen"] = _where_known(users, FROZEN_KNOWN, lookups.is_frozen(columns["user_id"]))
    columns["role_name"] = lookups.role_names(field(users, "UserRoleId", _TEXT))
    kinds = _join_profiles(columns, lookups)
    reasons = _judge_addresses(columns, kinds, rules)
    for name in ("email", "email_domain"):
        columns[name] = _where_known(users, EMAIL_KNOWN, columns[name])
    columns["activity_band"] = _activity(columns, users, lookups, captured_at)
    columns["certainty"] = field(users, CERTAINTY, _TEXT).fill_null(CERTAINTIES[0])
    _decide_scope(columns, kinds, rules, reasons)
    return pa.Table.from_arrays([columns[name] for name in PEOPLE_SCHEMA.names], schema=PEOPLE_SCHEMA)


def published_users(people_rows: pa.Table, untold: Collection[str] = ()) -> pa.Table:
    """
    Table ``users``: the rows of :func:`people` that are in scope, in their order.

    Args:
        people_rows: of all people.
        untold: columns that are null in the result.
    """
    chosen = people_rows.filter(people_rows["in_scope"]).select(USERS.arrow_schema.names)
    for name in untold:
        place = chosen.schema.get_field_index(name)
        empty = pa.nulls(chosen.num_rows, chosen.schema.field(name).type)
        chosen = chosen.set_column(place, chosen.schema.field(name), empty)
    return chosen.cast(USERS.arrow_schema)


def left_out(people_rows: pa.Table) -> dict[str, int]:
    """Number of users who are not published, per scope reason in the vocabulary's order; no zeros."""
    outside = people_rows.filter(pc.invert(people_rows["in_scope"]))
    found = {item["values"]: item["counts"] for item in outside["scope_reason"].value_counts().to_pylist()}
    return {reason: found[reason] for reason in SCOPE_REASONS if reason in found}


def _activity(
    columns: dict[str, pa.Array],
    users: pa.Table | pa.RecordBatch,
    lookups: Lookups,
    captured_at: datetime,
) -> pa.Array:
    """Activity bands; null where the last login of a past day is not remembered."""
    shown = _shows_logins(users, lookups)
    found = spelled(bands(columns["last_login_at"], captured_at, is_shown=shown), ACTIVITY_BANDS)
    return _where_known(users, LOGIN_KNOWN, found)


def _where_known(users: pa.Table | pa.RecordBatch, name: str, values: pa.Array) -> pa.Array:
    """The values, null where a column of a reconstruction says that they are not known."""
    if name not in users.schema.names:
        return values
    known = field(users, name, pa.bool_()).fill_null(True)
    return pc.if_else(known, values, pa.scalar(None, values.type))


def _shows_logins(users: pa.Table | pa.RecordBatch, lookups: Lookups) -> bool:
    return lookups.shows_logins and "LastLoginDate" in users.schema.names


def _join_profiles(columns: dict[str, pa.Array], lookups: Lookups) -> Kinds:
    """Add what the profile tells; a profile that is not there marks a user of the platform itself."""
    positions = lookups.profile_of(columns["profile_id"])
    known = flags(positions.is_valid())
    is_service: Flags = np.zeros(len(positions), np.bool_)
    for name in ("profile_name", "license_id", "license_key", "license_name"):
        if lookups.profiles is None:
            columns[name] = pa.nulls(len(positions), _TEXT)
        else:
            columns[name] = lookups.profiles[name].combine_chunks().take(positions)
    if lookups.profiles is None:
        known = flags(columns["profile_id"].is_valid())
    else:
        is_service = flags(pa.array(lookups.is_service, pa.bool_()).take(positions))
    return Kinds.of(columns["user_type"], known, is_service)


def _judge_addresses(columns: dict[str, pa.Array], kinds: Kinds, rules: ScopeRules) -> npt.NDArray[np.int8]:
    """Add e-mail domain and account class; the scope reason each address gives under a filter of names."""
    addresses = Addresses.of(columns["email"])
    verdicts = [rules.verdict(domain) for domain in addresses.domain.dictionary.to_pylist()]
    # The last entry stands for rows without a domain to judge.
    indices = addresses.domain.indices.fill_null(len(verdicts)).to_numpy()
    reasons: npt.NDArray[np.int8] = np.array(
        [SCOPE_REASONS.index(v.reason) for v in verdicts] + [_UNUSABLE], np.int8
    )[indices]
    reasons[addresses.is_blank] = _BLANK
    columns["email_domain"] = pa.array([v.domain for v in verdicts] + [None], _TEXT).take(pa.array(indices))
    is_foreign = np.array([v.domain is not None and not v.is_company for v in verdicts] + [False])[indices]
    columns["account_class"] = spelled(kinds.classes(is_foreign & rules.knows_company), ACCOUNT_CLASSES)
    return reasons


def _decide_scope(
    columns: dict[str, pa.Array], kinds: Kinds, rules: ScopeRules, reasons: npt.NDArray[np.int8]
) -> None:
    """Add scope reason, scope and cause: platform users and policy first, then the address."""
    nobody: Flags = np.zeros(len(reasons), np.bool_)
    tests = [
        ("system_user", nobody if rules.everyone else kinds.is_system),
        ("external_user", kinds.is_external & ~kinds.is_system if rules.excludes_external else nobody),
        ("service_account", kinds.is_service & ~kinds.is_system if rules.excludes_service else nobody),
    ]
    everyone = np.full(len(reasons), _EVERYONE, np.int8)
    codes = first_match(SCOPE_REASONS, tests, everyone if rules.everyone else reasons)
    in_scope: Flags = codes < len(IN_SCOPE_REASONS)
    causes = np.where(in_scope, np.int8(0), codes - np.int8(len(IN_SCOPE_REASONS) - 1))
    causes = first_match(HOLDER_CAUSES, [("system_user", kinds.is_system)], causes)
    columns["scope_reason"] = spelled(codes, SCOPE_REASONS)
    columns["in_scope"] = pa.array(in_scope)
    columns["holder_cause"] = spelled(causes, HOLDER_CAUSES)
