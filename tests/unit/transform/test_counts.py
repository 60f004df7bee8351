"""Counts of holdings and their merging."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.transform.made_org import (
    AT,
    FLAGS,
    LICENSE_IDS,
    PROFILE_IDS,
    TIMESTAMP,
    lookups,
    user_id,
    user_license_table,
    users,
)

from license_ledger.schemas import CAUSES
from license_ledger.transform.conform import people
from license_ledger.transform.counts import COUNTS_SCHEMA, counts, merge_counts
from license_ledger.transform.holdings import HOLDINGS_SCHEMA, feature_holdings, user_holdings
from license_ledger.transform.licenses import licenses
from license_ledger.transform.scope import ScopeRules
from license_ledger.transform.seats import strangers

TAKEN = AT - timedelta(days=1)
BEFORE, AFTER = TAKEN - timedelta(hours=1), TAKEN + timedelta(hours=1)


def _licenses() -> pa.Table:
    stamps = pa.array([TAKEN] * len(LICENSE_IDS), TIMESTAMP)
    metrics = pa.table(
        {
            "Id": ["1"],
            "FeatureType": ["MarketingUser"],
            "MetricsDate": [TAKEN.date()],
            "AssignedUserCount": [1],
        }
    )
    return licenses(
        AT,
        user_licenses=user_license_table(UsedLicensesLastUpdated=stamps),
        feature_flags=FLAGS,
        feature_metrics=metrics,
    )


def _counted(rows: list[dict[str, Any]]) -> pa.Table:
    landed = users(*rows)
    conformed = people(landed, lookups(), ScopeRules.parse(["acme.com"]), AT)
    holdings = [user_holdings(conformed), feature_holdings(conformed, landed, FLAGS)]
    return counts(pa.concat_tables(holdings), _licenses(), conformed)


def _of(table: pa.Table, layer: str, cause: str) -> list[tuple[Any, ...]]:
    names = ("license_id", "is_active", "is_system", "n", "created_since", "changed_since")
    return [
        tuple(row[name] for name in names)
        for row in table.to_pylist()
        if (row["license_layer"], row["cause"]) == (layer, cause)
    ]


def test_holders_are_counted_by_license_cause_and_kind() -> None:
    """Active and deactivated holders, and those of the platform itself, are told apart."""
    table = _counted(
        [
            {},
            {},
            {"Email": "x@gmail.com"},
            {"IsActive": False},
            {"ProfileId": PROFILE_IDS["guest"], "UserType": "Guest"},
            {"ProfileId": PROFILE_IDS["guest"], "UserType": "Guest", "IsActive": False},
        ]
    )

    assert table.schema == COUNTS_SCHEMA
    assert [(LICENSE_IDS["SFDC"], True, False, 2, 0, 0)] == _of(table, "user", "in_scope")
    assert [(LICENSE_IDS["SFDC"], True, False, 1, 0, 0)] == _of(table, "user", "public_mailbox")
    assert [(LICENSE_IDS["PID_Guest_User"], True, True, 1, 0, 0)] == _of(table, "user", "system_user")
    assert [
        (LICENSE_IDS["SFDC"], False, False, 1, 0, 0),
        (LICENSE_IDS["PID_Guest_User"], False, True, 1, 0, 0),
    ] == sorted(_of(table, "user", "deactivated_holder"))


def test_changes_since_the_counter_was_taken_are_evidence() -> None:
    """Holders created later and holders changed later are counted apart; who did neither is in none."""
    sfdc = LICENSE_IDS["SFDC"]
    table = _counted(
        [
            {"CreatedDate": BEFORE, "LastModifiedDate": BEFORE},
            {"CreatedDate": BEFORE, "LastModifiedDate": AFTER},
            {"CreatedDate": BEFORE, "LastModifiedDate": AFTER},
            {"CreatedDate": AFTER, "LastModifiedDate": AFTER},
            {"CreatedDate": BEFORE, "LastModifiedDate": AFTER, "IsActive": False},
            {"CreatedDate": TAKEN, "LastModifiedDate": TAKEN},
        ]
    )

    assert [(sfdc, True, False, 5, 1, 2)] == _of(table, "user", "in_scope")
    assert [(sfdc, False, False, 1, 0, 1)] == _of(table, "user", "deactivated_holder")


def test_everybody_who_changed_is_evidence_for_check_boxes() -> None:
    """For a feature with a counter, all users changed since are counted, whether they hold it or not."""
    midnight = TAKEN.replace(hour=0)
    later, earlier = midnight + timedelta(hours=1), midnight - timedelta(hours=1)
    table = _counted(
        [
            {"CreatedDate": earlier, "LastModifiedDate": later, FLAGS[0]: True},
            {"CreatedDate": earlier, "LastModifiedDate": later, "ProfileId": None},
            {"CreatedDate": later, "LastModifiedDate": later},
            {"CreatedDate": earlier, "LastModifiedDate": earlier},
        ]
    )

    assert _of(table, "feature", "counter_timing") == [("MarketingUser", True, False, 2, 0, 2)]
    assert _of(table, "feature", "in_scope") == [("MarketingUser", True, False, 1, 0, 1)]


def test_nothing_counts_to_nothing() -> None:
    """No holdings, and no parts, give an empty table of the same shape."""
    assert COUNTS_SCHEMA.empty_table() == counts(HOLDINGS_SCHEMA.empty_table(), _licenses())
    assert COUNTS_SCHEMA.empty_table() == merge_counts([])


def test_strangers_are_reported() -> None:
    """Holdings of licenses that were not read are found in the counts."""
    table = _counted([{}, {"IsActive": False}, {"ProfileId": PROFILE_IDS["platform"]}])
    known = _licenses().filter(pa.compute.not_equal(_licenses()["license_key"], "SFDC"))

    assert {("user", LICENSE_IDS["SFDC"]): 2} == strangers(table, known)
    assert strangers(table, _licenses()) == {}


_ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "Email": st.sampled_from(
                [None, "a", "x@gmail.com", "y@acme.com", "z@acme.com.invalid", "p@zeta.org"]
            ),
            "IsActive": st.booleans(),
            "ProfileId": st.sampled_from([None, *PROFILE_IDS.values()]),
            "UserType": st.sampled_from([None, "Standard", "Guest", "PowerPartner"]),
            "CreatedDate": st.sampled_from([BEFORE, AFTER]),
            "LastModifiedDate": st.sampled_from([None, BEFORE, AFTER]),
            FLAGS[0]: st.booleans(),
        },
    ),
    max_size=12,
)
_COUNTS = st.lists(
    st.fixed_dictionaries(
        {
            "license_layer": st.sampled_from(["user", "package"]),
            "license_id": st.sampled_from(["a", "b"]),
            "cause": st.sampled_from(CAUSES),
            "is_active": st.booleans(),
            "is_system": st.booleans(),
            "n": st.integers(0, 2**40),
            "created_since": st.integers(0, 9),
            "changed_since": st.integers(0, 9),
            "likely": st.integers(0, 9),
            "unsure": st.integers(0, 9),
        }
    ),
    max_size=6,
).map(lambda rows: pa.Table.from_pylist(rows, schema=COUNTS_SCHEMA))


@settings(deadline=None)
@given(_ROWS, st.lists(st.integers(0, 12), max_size=4))
def test_batches_of_users_count_like_all_at_once(rows: list[dict[str, Any]], cuts: list[int]) -> None:
    """Splitting the users in any way gives the same counts."""
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    parts = [
        _counted([{**row, "Id": user_id(start + place)} for place, row in enumerate(rows[start:end])])
        for start, end in itertools.pairwise(edges)
    ]

    assert _counted(rows) == merge_counts(parts)


@settings(deadline=None)
@given(_COUNTS, _COUNTS, _COUNTS)
def test_merging_is_associative_and_commutative(one: pa.Table, two: pa.Table, three: pa.Table) -> None:
    """Counts add up to the same in any order and grouping, and merging a single one only sorts it."""
    together = merge_counts([one, two, three])

    assert together == merge_counts([merge_counts([three, one]), two])
    assert together == merge_counts([one, merge_counts([two, three])])
    assert together == merge_counts([together])
