"""
What is left of a person's rows: enough to count, nothing to know the person by. Arrow in, Arrow out; may
import schemas, transform's vocabulary and ids.

The same rules make tombstones of erased people and pseudonyms of people out of scope; they differ in the ids
that take the place of the real ones. Published columns are judged by their class in ``schemas.py``, landed
ones by what the transform needs in order to count as before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import Table
from license_ledger.transform.activity import bands, instant, microseconds
from license_ledger.transform.emails import Addresses, canonical_domain
from license_ledger.transform.landed import CERTAINTY, LOGIN_KNOWN

Names = Callable[[pa.Array], pa.Array]
"""Of user ids, the ids that take their place; null for those that stay."""

COUNTED_BY = frozenset(
    {
        "license_id",
        "license_key",
        "license_name",
        "is_active",
        "is_frozen",
        "account_class",
        "scope_reason",
        "activity_band",
        "finding",
    }
)
"""Published columns that describe a person and stay, because seats and people are counted by them."""

DOMAIN = "email_domain"
"""Published column that stays where other people share its value."""

UNUSABLE = "unusable"
"""Takes the place of an address without a usable domain; it has none either."""

NOWHERE = "erased.example"
"""Takes the place of a domain that nobody else has; a third party's, like the one it replaces."""

_FEW = 8
"""So many rows are cut out and put in one by one, which is quicker than to choose for every row."""
_TEXT = pa.string()
_DAY_US = 86_400_000_000
_RECENT = timedelta(days=35)
"""No counter of Salesforce is older; whether somebody changed after it was taken depends on exact times."""
_FIRST_DAY_OF_BAND = np.array([0, 31, 61, 91, 181], np.int64)


@dataclass(frozen=True)
class Owned:
    """
    An object whose rows belong to one user each.

    Attributes:
        owner: field with the user's id.
        kept: fields that stay as they are.
        kept_prefix: begins the names of further such fields.
        times: fields that stay to the day, or exactly while they are recent.
        days: fields that stay to the day.
    """

    owner: str
    kept: frozenset[str]
    kept_prefix: str = ""
    times: frozenset[str] = frozenset()
    days: frozenset[str] = frozenset()


_CREATED = frozenset({"CreatedDate"})
OWNED: Mapping[str, Owned] = {
    "User": Owned(
        "Id",
        frozenset({"ProfileId", "UserType", "IsActive", LOGIN_KNOWN, CERTAINTY}),
        "UserPermissions",
        times=frozenset({"CreatedDate", "LastModifiedDate"}),
    ),
    "PermissionSetLicenseAssign": Owned(
        "AssigneeId", frozenset({"PermissionSetLicenseId", CERTAINTY}), times=_CREATED
    ),
    "UserPackageLicense": Owned("UserId", frozenset({"PackageLicenseId", CERTAINTY}), times=_CREATED),
    "UserLogin": Owned("UserId", frozenset({"IsFrozen", CERTAINTY}), times=frozenset({"LastModifiedDate"})),
    "LoginHistory": Owned("UserId", frozenset({"Status"}), days=frozenset({"LoginTime"})),
}
"""Objects with a user's own rows. All others can only mention somebody."""


def forgotten_columns(table: Table) -> tuple[str, ...]:
    """The columns of a published table that become null in a person's rows, whatever they say."""
    return tuple(
        column.name
        for column in table.columns
        if column.personal in ("identity", "attribute", "activity")
        and column.name not in COUNTED_BY
        and column.name != DOMAIN
    )


def is_reference(name: str) -> bool:
    """Whether a landed field holds ids."""
    return name.endswith("Id")


@dataclass(frozen=True)
class Landing:
    """
    What the rules need to know of the landing that rows come from.

    Attributes:
        captured_at: when its extract began.
        remembers: whether it holds the history of logins, so that last logins must agree with it to the day.
    """

    captured_at: datetime
    remembers: bool = False


@dataclass(frozen=True)
class Stand:
    """
    How people are replaced.

    Attributes:
        names: ids to their replacements.
        keeps_domain: whether an e-mail domain stays, by domain in normal form.
        is_named: whether the stand-in gets a user name and a name, by which set-up changes can be told.
        keeps: further fields of a person's own rows that stay as they are.
    """

    names: Names
    keeps_domain: Callable[[str], bool]
    is_named: bool
    keeps: frozenset[str] = frozenset()


def landed_changes(
    object_name: str,
    columns: Mapping[str, Callable[[], pa.Array]],
    types: pa.Schema,
    stand: Stand,
    landing: Landing,
) -> dict[str, pa.Array]:
    """
    Replace people in rows of a landed object.

    Args:
        object_name: Salesforce API name.
        columns: how to read each column; only what is needed is read.
        types: schema of the object.
        stand: who is replaced by whom.
        landing: what the rows come from.

    Returns:
        The columns that change, whole; empty when nobody is concerned.
    """
    changed: dict[str, pa.Array] = {}
    for name in types.names:
        if is_reference(name) and types.field(name).type == _TEXT:
            values = columns[name]()
            found = stand.names(values)
            if found.null_count < len(found):
                changed[name] = put(values, found.is_valid(), found.drop_null())
    owned = OWNED.get(object_name)
    if owned is None or owned.owner not in changed:
        return changed
    found = stand.names(columns[owned.owner]())
    is_theirs, stand_ins = found.is_valid(), found.drop_null()
    for name in types.names:
        if name == owned.owner or name in stand.keeps or _stays(owned, name):
            continue
        values = columns[name]()
        left = _left(object_name, owned, name, values.filter(is_theirs), stand, stand_ins, landing)
        made = put(changed.get(name, values), is_theirs, left)
        if not made.equals(values):
            changed[name] = made
    return changed


def put(values: pa.Array, where: pa.Array, others: pa.Array) -> pa.Array:
    """
    Other values in some rows.

    Args:
        values: a column.
        where: in which rows; without nulls.
        others: the values of these rows, in their order.
    """
    if len(others) > _FEW:
        return pc.replace_with_mask(values, where, others)
    pieces, at = [], 0
    for place, row in enumerate(pc.indices_nonzero(where).to_pylist()):
        pieces += [values.slice(at, row - at), others.slice(place, 1)]
        at = row + 1
    return pa.concat_arrays([*pieces, values.slice(at)])


def changing_columns(object_name: str, names: Sequence[str]) -> list[str]:
    """The columns of a landed object that change where a person is replaced."""
    owned = OWNED.get(object_name)
    if owned is None:
        return [name for name in names if is_reference(name)]
    return [name for name in names if is_reference(name) or not _stays(owned, name)]


def _stays(owned: Owned, name: str) -> bool:
    return name in owned.kept or bool(owned.kept_prefix and name.startswith(owned.kept_prefix))


def _left(
    object_name: str,
    owned: Owned,
    name: str,
    values: pa.Array,
    stand: Stand,
    stand_ins: pa.Array,
    landing: Landing,
) -> pa.Array:
    """What a field says of people who are replaced, given what it said."""
    if name in owned.times:
        return to_the_day(values, landing.captured_at, exact_for=_RECENT)
    if name in owned.days:
        return to_the_day(values, landing.captured_at)
    if object_name == "User":
        if name == "Email":
            return stand_in_addresses(values, stand_ins, stand.keeps_domain)
        if name == "LastLoginDate":
            return within_band(values, landing)
        if name == "Name" and stand.is_named:
            return stand_ins
        if name == "Username" and stand.is_named:
            return pc.binary_join_element_wise(stand_ins, pa.scalar(f"@{NOWHERE}"), "")
    return pa.nulls(len(values), values.type)


def to_the_day(times: pa.Array, captured_at: datetime, *, exact_for: timedelta | None = None) -> pa.Array:
    """
    Move times to the end of their day, so that every midnight still lies on the same side of them.

    Args:
        times: UTC timestamps in microseconds; null stays null.
        captured_at: nothing is moved beyond it.
        exact_for: times so shortly before the capture, and later ones, stay as they are.
    """
    values, now = microseconds(times), instant(captured_at)
    ends = np.maximum(np.minimum(values // _DAY_US * _DAY_US + _DAY_US - 1, now), values)
    if exact_for is not None:
        since = now - int(exact_for / timedelta(microseconds=1))
        ends = np.where(values >= since, values, ends)
    return _times(ends, times)


def within_band(last_logins: pa.Array, landing: Landing) -> pa.Array:
    """
    Replace last logins by times that fall into the same activity band and say no more.

    Where the landing remembers logins the time stays to the day, unless that would change the band.
    """
    band = bands(last_logins, landing.captured_at, is_shown=True)
    known = np.minimum(band, len(_FIRST_DAY_OF_BAND) - 1)
    least = instant(landing.captured_at) - _FIRST_DAY_OF_BAND[known] * _DAY_US
    if landing.remembers:
        ends = to_the_day(last_logins, landing.captured_at)
        same = bands(ends, landing.captured_at, is_shown=True) == band
        least = np.where(same, microseconds(ends), least)
    return _times(least, last_logins)


def stand_in_addresses(
    emails: pa.Array, stand_ins: pa.Array, keeps_domain: Callable[[str], bool]
) -> pa.Array:
    """
    Make addresses that mean the same to the company filter and are nobody's.

    Args:
        emails: addresses as landed.
        stand_ins: the ids that take the place of the users'.
        keeps_domain: whether a domain in normal form stays.

    Returns:
        The stand-in at the domain, or at :data:`NOWHERE`; an address without a usable domain is replaced by
        one without; null stays null, and blank becomes so.
    """
    addresses = Addresses.of(emails)
    found = [canonical_domain(domain) for domain in addresses.domain.dictionary.to_pylist()]
    ends = [None if name is None else f"@{name if keeps_domain(name) else NOWHERE}" for name in found]
    end = pa.array(ends, _TEXT).take(addresses.domain.indices)
    made = pc.binary_join_element_wise(stand_ins, end, "")
    blank = pa.array(addresses.is_blank)
    return pc.if_else(blank, pa.scalar(None, _TEXT), pc.coalesce(made, pa.scalar(UNUSABLE)))


def published_changes(
    table: Table, columns: Mapping[str, Callable[[], pa.Array]], names: Names, domains: frozenset[str]
) -> dict[str, pa.Array]:
    """
    Replace people in rows of a published table that has a column ``user_id``.

    Args:
        table: the table.
        columns: how to read each column that the file has; only what is needed is read.
        names: ids to their replacements.
        domains: e-mail domains that stay.

    Returns:
        The columns that change, whole; empty when nobody is concerned.
    """
    user_ids = columns["user_id"]()
    found = names(user_ids)
    if found.null_count == len(found):
        return {}
    is_theirs = found.is_valid()
    changed = {"user_id": put(user_ids, is_theirs, found.drop_null())}
    goes = {name: is_theirs for name in forgotten_columns(table) if name in columns}
    if DOMAIN in columns:
        is_kept = pc.is_in(columns[DOMAIN](), value_set=pa.array(sorted(domains), _TEXT))
        goes[DOMAIN] = pc.and_not(is_theirs, is_kept)
    for name, where in goes.items():
        values = columns[name]()
        made = put(values, where, pa.nulls(pc.sum(where).as_py(), values.type))
        if not made.equals(values):
            changed[name] = made
    return changed


def _times(values: npt.NDArray[np.int64], like: pa.Array) -> pa.Array:
    made = pa.array(values, pa.int64()).cast(like.type)
    return pc.if_else(like.is_valid(), made, pa.scalar(None, like.type))
