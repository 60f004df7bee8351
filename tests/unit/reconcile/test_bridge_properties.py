"""What holds for the bridge of any org."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.reconcile.made_licenses import AT, YESTERDAY, a_license, bridged, causes_of, holders
from tests.unit.transform.made_org import (
    FLAGS,
    LICENSE_IDS,
    PROFILE_IDS,
    TIMESTAMP,
    entity,
    lookups,
    record_id,
    user_id,
    user_license_table,
    users,
)

from license_ledger.reconcile.bridge import Bridge, bridge
from license_ledger.reconcile.evidence import Evidence
from license_ledger.schemas import CAUSES, IN_SCOPE_REASONS, LAYERS
from license_ledger.transform.conform import people
from license_ledger.transform.counts import counts, merge_counts
from license_ledger.transform.holdings import assigned_holdings, feature_holdings, user_holdings
from license_ledger.transform.licenses import licenses
from license_ledger.transform.person_index import PersonIndex
from license_ledger.transform.scope import ScopeRules
from license_ledger.transform.seats import seats

NAMES = ("acme.com", "*.acme.com", "Zeta", "gmail.com", "*")
ENTITIES = (entity("Zeta", "zeta.org", "*.zeta.net"), entity("Eta", "eta.org"))
EMAILS = (
    None,
    " ",
    "ann",
    "a@b@acme.com",
    "@acme.com",
    "autoproc@00d3h000003yzckeau",
    "ann@acme.com",
    "ann@acme.com.invalid",
    "ann=acme.com@example.com",
    "x@mail.acme.com",
    "x@notacme.com",
    "x@zeta.org",
    "x@sub.zeta.net",
    "x@eta.org",
    "x@gmail.com",
    "x@bücher.de",
)
USERS = st.lists(
    st.fixed_dictionaries(
        {
            "Email": st.sampled_from(EMAILS),
            "IsActive": st.booleans(),
            "ProfileId": st.sampled_from([None, record_id("00e", 99), *PROFILE_IDS.values()]),
            "UserType": st.sampled_from([None, "Standard", "Guest", "PowerPartner", "CspLitePortal", "Odd"]),
            "CreatedDate": st.sampled_from([YESTERDAY - timedelta(days=9), AT - timedelta(hours=1)]),
            "LastModifiedDate": st.sampled_from(
                [None, YESTERDAY - timedelta(days=9), AT - timedelta(hours=1)]
            ),
            **{flag: st.booleans() for flag in FLAGS},
        }
    ),
    max_size=14,
)
RULES = st.builds(
    lambda names, external, service: ScopeRules.parse(names, ENTITIES, external, service),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    st.sampled_from(["include", "exclude"]),
    st.sampled_from(["include", "exclude"]),
)
USED = st.one_of(st.none(), st.integers(0, 9))


@st.composite
def _orgs(draw: st.DrawFn) -> tuple[pa.Table, Bridge, pa.Table]:
    """A whole small org with arbitrary counters: its people, its bridge, its seats."""
    rows = draw(USERS)
    assigned = draw(st.lists(st.tuples(st.integers(0, 16), st.integers(0, 2)), max_size=20))
    size = len(LICENSE_IDS)
    table = licenses(
        AT,
        user_licenses=user_license_table(
            UsedLicenses=pa.array(draw(st.lists(USED, min_size=size, max_size=size)), pa.int64()),
            UsedLicensesLastUpdated=pa.array(
                draw(st.lists(st.sampled_from([None, AT, YESTERDAY]), min_size=size, max_size=size)),
                TIMESTAMP,
            ),
        ),
        permission_set_licenses=pa.table(
            {
                "Id": [record_id("0PL", number) for number in range(3)],
                "UsedLicenses": pa.array(draw(st.lists(USED, min_size=3, max_size=3)), pa.int64()),
            }
        ),
        feature_flags=FLAGS,
        feature_metrics=pa.table(
            {
                "Id": ["1"],
                "FeatureType": ["SupportUser"],
                "MetricsDate": [date(2026, 2, 28)],
                "AssignedUserCount": [draw(st.integers(0, 9))],
            }
        ),
    )
    landed = users(*rows)
    conformed = people(landed, lookups(), draw(RULES), AT)
    of_users = pa.concat_tables([user_holdings(conformed), feature_holdings(conformed, landed, FLAGS)])
    assignments = pa.table(
        {
            "AssigneeId": pa.array([user_id(number) for number, _ in assigned], pa.string()),
            "PermissionSetLicenseId": pa.array([record_id("0PL", each) for _, each in assigned], pa.string()),
        }
    )
    of_assignments = assigned_holdings("permission_set", assignments, PersonIndex([conformed]))
    merged = merge_counts(
        [
            counts(of_users, table, conformed),
            counts(of_assignments.holdings, table),
            of_assignments.unseen,
        ]
    )
    every = pa.concat_tables([of_users, of_assignments.holdings])
    return conformed, bridge(table, merged, Evidence(AT)), seats(every, table)


@given(_orgs())
def test_causes_add_up_to_the_counter(org: tuple[pa.Table, Bridge, pa.Table]) -> None:
    """For every license with a counter, whatever it says, the seats of all causes add up to it exactly."""
    _, result, _ = org
    sums: Counter[tuple[str, str]] = Counter()
    seen = set()
    for row in result.mismatches.to_pylist():
        sums[row["license_layer"], row["license_id"]] += row["seat_count"]
        seen.add((row["license_layer"], row["license_id"], row["cause"]))

    assert len(seen) == result.mismatches.num_rows
    for row in result.licenses.to_pylist():
        key = (row["license_layer"], row["license_id"])
        if row["used_count"] is not None:
            assert row["used_count"] == sums[key]
            assert any(key == each[:2] for each in seen)


@given(_orgs())
def test_the_bridge_agrees_with_the_published_seats(org: tuple[pa.Table, Bridge, pa.Table]) -> None:
    """The seats in scope of the bridge are, license by license, the published seats booked in scope."""
    _, result, published = org
    found = Counter(
        (row["license_layer"], row["license_id"])
        for row in published.to_pylist()
        if row["cause"] == "in_scope"
    )

    for row in result.licenses.to_pylist():
        assert found[row["license_layer"], row["license_id"]] == row["in_scope_count"]


@given(_orgs())
def test_everybody_has_one_reason_and_one_cause(org: tuple[pa.Table, Bridge, pa.Table]) -> None:
    """Published users are those with a reason to be in scope; all others are booked under their reason."""
    conformed, _, published = org
    for row in conformed.to_pylist():
        assert row["in_scope"] == (row["scope_reason"] in IN_SCOPE_REASONS)
        if row["in_scope"]:
            assert row["holder_cause"] in {"in_scope", "system_user"}
        else:
            assert row["holder_cause"] == row["scope_reason"]
    visible = {row["user_id"] for row in conformed.to_pylist() if row["in_scope"]}
    assert {row["user_id"] for row in published.to_pylist()} <= visible


@given(USERS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), st.sampled_from(NAMES), st.booleans())
def test_another_company_name_never_removes_anybody(
    rows: list[dict[str, Any]], names: list[str], added: str, excludes: bool
) -> None:
    """Adding a company name, a star included, keeps everybody in scope who was."""
    policy = "exclude" if excludes else "include"
    before, after = (
        people(users(*rows), lookups(), ScopeRules.parse(each, ENTITIES, policy, policy), AT)[
            "in_scope"
        ].to_pylist()
        for each in (names, [*names, added])
    )

    assert [number for number, was in enumerate(before) if was and not after[number]] == []


_GROUPS = st.lists(
    st.builds(
        lambda n, cause, is_active, created, changed: holders(
            n,
            cause if is_active else "deactivated_holder",
            is_active=is_active,
            is_system=cause == "system_user",
            created=min(created, n),
            changed=min(changed, n - min(created, n)),
        ),
        st.integers(1, 20),
        st.sampled_from(["in_scope", "no_email", "third_party_domain", "system_user"]),
        st.booleans(),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    max_size=5,
)
_BRIDGED = st.sampled_from(LAYERS[:4])
_STAMPS = st.sampled_from([AT, YESTERDAY])


def _in_layer(layer: str, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**group, "license_layer": layer} for group in groups]


@given(_BRIDGED, _GROUPS, st.integers(0, 90), _STAMPS)
def test_without_evidence_the_whole_rest_is_unexplained(
    layer: str, groups: list[dict[str, Any]], used: int, taken: Any
) -> None:
    """When nobody was created or changed and nothing is hidden, nothing but holders is booked."""
    still = [{**group, "created_since": 0, "changed_since": 0} for group in _in_layer(layer, groups)]

    result = causes_of(bridged([a_license(layer=layer, used=used, used_as_of=taken)], still))

    assert not {"counter_timing", "not_visible"} & set(result)
    counted = sum(seats for cause, seats in result.items() if cause != "unexplained")
    assert used - counted == result.get("unexplained", 0)


@given(
    _BRIDGED, _GROUPS, st.integers(0, 90), _STAMPS, st.integers(0, 9), st.integers(0, 90), st.integers(0, 30)
)
def test_bookings_never_exceed_their_evidence(
    layer: str,
    groups: list[dict[str, Any]],
    used: int,
    taken: Any,
    unseen: int,
    metric: int,
    changed_people: int,
) -> None:
    """Timing is within created and changed users, not visible within assignments or control total."""
    counts_ = _in_layer(layer, groups)
    if unseen:
        counts_.append(holders(unseen, "not_visible", layer=layer))
    if changed_people:
        counts_.append(holders(changed_people, "counter_timing", layer=layer, changed=changed_people))

    found = bridged(
        [a_license(layer=layer, used=used, used_as_of=taken)],
        counts_,
        [(layer, "L", metric, date(2026, 3, 1))],
    )

    result = causes_of(found)
    timing, hidden = result.get("counter_timing", 0), result.get("not_visible", 0)
    come = sum(group["created_since"] + group["changed_since"] for group in groups)
    gone = sum(group["changed_since"] for group in groups) + changed_people
    assert -come <= timing <= gone
    assert 0 <= hidden <= max(unseen, metric)
    assert not timing or taken == YESTERDAY
    rest = used - sum(result[cause] for cause in result if cause in CAUSES[3:-1] or cause == "in_scope")
    assert abs(result.get("unexplained", 0)) <= abs(rest)
    assert used == sum(result.values())


@given(st.lists(st.tuples(_GROUPS, st.integers(0, 40), _STAMPS), min_size=2, max_size=4))
def test_moves_never_exceed_the_changed_holders_of_the_layer(
    given_: list[tuple[list[dict[str, Any]], int, Any]],
) -> None:
    """Over all user licenses, timing that adds seats is within the holders that were changed."""
    rows = [a_license(str(n), used=used, used_as_of=taken) for n, (_, used, taken) in enumerate(given_)]
    counts_ = [{**group, "license_id": str(n)} for n, (groups, _, _) in enumerate(given_) for group in groups]

    result = bridged(rows, counts_)

    added = [max(0, causes_of(result, row["license_id"]).get("counter_timing", 0)) for row in rows]
    own = [
        sum(group["changed_since"] for group in groups if not group["is_active"]) for groups, _, _ in given_
    ]
    changed = sum(group["changed_since"] for group in counts_)
    moved = sum(max(0, seats_ - limit) for seats_, limit in zip(added, own, strict=True))
    assert moved <= changed
    for row, (_, used, _) in zip(rows, given_, strict=True):
        assert used == sum(causes_of(result, row["license_id"]).values())
