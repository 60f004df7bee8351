"""The right answer: identity of the bridge, conservation, and each rule of scope."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from tests.unit.demo_org.conftest import TODAY

from demo_org.truth import Truth
from demo_org.truth.addresses import domains
from demo_org.truth.filters import CompanyFilter
from demo_org.world import World, WorldOptions

ENTITIES = {"Acme Corporation": ["acme.com", "acme.de"], "Acme Industries": ["acme-industries.com"]}
FILTERS: tuple[dict[str, Any], ...] = (
    {"company_names": ["*"]},
    {"company_names": ["acme.com"]},
    {"company_names": ["acme.com", "*.acme.com", "@acme.de"], "legal_entities": ENTITIES},
    {"company_names": ["acme industries"], "legal_entities": ENTITIES, "external_users": "exclude"},
    {"company_names": ["*", "acme.com"], "external_users": "exclude", "service_accounts": "exclude"},
)
KEY = ["license_layer", "license_id"]


def check_identity(tables: dict[str, pd.DataFrame], allowed: frozenset[str] = frozenset()) -> None:
    """The causes of each license add up to Salesforce's own number, without a rest that is not allowed."""
    bridge, licenses = tables["mismatches"], tables["licenses"].set_index(KEY)
    told = licenses.loc[licenses["used_count"].notna() & (licenses.index.get_level_values(0) != "usage")]
    booked = bridge.groupby(KEY)["seat_count"].sum().reindex(told.index).fillna(0)
    assert (booked == told["used_count"].astype("int64")).all()
    forbidden = {"unexplained", "counter_timing", "not_visible"} - allowed
    assert not set(bridge["cause"]) & forbidden
    assert "usage" not in set(bridge["license_layer"])


def check_seats(tables: dict[str, pd.DataFrame]) -> None:
    """Seats in scope are seats of published users, and as many as the bridge says."""
    seats, users, bridge = tables["seats"], tables["users"], tables["mismatches"]
    assert set(seats["user_id"]) <= set(users["user_id"])
    assert not seats.duplicated(["user_id", *KEY]).any()
    counted = seats[seats["cause"] == "in_scope"].groupby(KEY).size()
    told = bridge[bridge["cause"] == "in_scope"].set_index(KEY)["seat_count"]
    assert counted.sort_index().equals(told.sort_index().astype("int64").rename(None))
    inactive = seats[~seats["is_active"]]
    assert (inactive["license_layer"] != "user").all()
    assert set(inactive["cause"]) <= {"deactivated_holder"}


@pytest.mark.parametrize("seed", range(1, 51))
def test_causes_add_up_for_every_seed(seed: int) -> None:
    """For fifty orgs of growing size, under a filter each, all causes of all licenses add up with no rest."""
    world = World(seed=seed, users=40 + 12 * (seed - 1), today=TODAY, options=WorldOptions(metric_days=2))
    tables = Truth(world).expected(**FILTERS[seed % len(FILTERS)])
    check_identity(tables)
    check_seats(tables)


@pytest.mark.parametrize("filters", FILTERS, ids=lambda f: "+".join(f["company_names"]))
@pytest.mark.parametrize("sandbox", [False, True])
def test_causes_add_up_in_a_larger_org(filters: dict[str, Any], sandbox: bool) -> None:
    """With thousands of users, in production and sandbox, all causes add up; a sandbox changes nothing."""
    options = WorldOptions(sandbox=sandbox, metric_days=2)
    tables = Truth(World(seed=7, users=5_000, today=TODAY, options=options)).expected(**filters)
    check_identity(tables)
    check_seats(tables)


@pytest.mark.parametrize("filters", FILTERS, ids=lambda f: "+".join(f["company_names"]))
def test_a_sandbox_has_the_same_bridge(
    filters: dict[str, Any], large_world: World, sandbox_world: World
) -> None:
    """What sandbox copies do to addresses changes nobody's domain, scope or cause."""
    production, copy = (Truth(world).expected(**filters) for world in (large_world, sandbox_world))
    assert production["mismatches"].equals(copy["mismatches"])
    columns = ["user_id", "email_domain", "scope_reason", "account_class"]
    assert production["users"][columns].equals(copy["users"][columns])


def test_causes_add_up_on_every_day_of_a_fortnight() -> None:
    """Day after day the causes add up, and active seats change by joiners, leavers and movers only."""
    world = World(seed=17, users=1_000, today=TODAY, options=WorldOptions(metric_days=1))
    before: pd.Series | None = None
    for _ in range(14):
        tables = Truth(world).expected(company_names=["acme.com"])
        check_identity(tables)
        seats = tables["seats"]
        mine = seats[seats["license_layer"] == "user"].set_index("user_id")["license_id"]
        if before is not None:
            users = world.table("User").to_pandas().set_index("Id")
            changed = users["LastModifiedDate"] > pd.Timestamp(world.now) - pd.Timedelta(days=1)
            both = before.index.intersection(mine.index)
            moved = both[(before[both] != mine[both]).to_numpy()]
            different = before.index.symmetric_difference(mine.index).union(moved)
            assert changed.reindex(different).all()
        before = mine
        world.set_clock(world.now + timedelta(days=1))


def test_every_cause_occurs_among_forty_users(small_world: World) -> None:
    """With a filter, excluded policies, an old counter and a drift, every cause of the bridge has a row."""
    options = WorldOptions(stale_counter_days=40, counter_drift={"Salesforce": 2})
    hard = World(today=TODAY, options=options)
    filters = {
        "company_names": ["acme.com"],
        "legal_entities": ENTITIES,
        "external_users": "exclude",
        "service_accounts": "exclude",
    }
    seen = set(Truth(hard).expected(**filters)["mismatches"]["cause"])
    seen |= set(Truth(small_world).expected(**filters, sees_all_users=False)["mismatches"]["cause"])
    assert seen == {
        *("in_scope", "counter_timing", "not_visible", "deactivated_holder", "system_user", "external_user"),
        *("service_account", "no_email", "unusable_email", "other_company", "third_party_domain"),
        *("public_mailbox", "unexplained"),
    }


def test_invisible_users_are_booked_and_not_published() -> None:
    """Without View All Users the causes still add up; nobody who is hidden is in users or seats."""
    world = World(seed=4, users=1_000, today=TODAY, options=WorldOptions(metric_days=1))
    tables = Truth(world).expected(company_names=["acme.com"], sees_all_users=False)
    check_identity(tables, frozenset({"not_visible"}))
    seen = set(world.users_visible_without_view_all().to_pylist())
    assert set(tables["users"]["user_id"]) | set(tables["seats"]["user_id"]) <= seen
    hidden = tables["mismatches"][tables["mismatches"]["cause"] == "not_visible"]
    assert set(hidden["license_layer"]) == {"user", "permission_set", "package", "feature"}


def test_an_old_counter_is_timing_and_a_drift_is_unexplained() -> None:
    """The age of a counter explains its difference; what the drift option adds, nothing explains."""
    options = WorldOptions(stale_counter_days=1, counter_drift={"Chatter Free": -2}, metric_days=1)
    world = World(seed=9, users=20_000, today=TODAY, options=options)
    tables = Truth(world).expected()
    check_identity(tables, frozenset({"counter_timing", "unexplained"}))
    bridge = tables["mismatches"]
    rest = bridge[bridge["cause"] == "unexplained"]
    assert (rest["license_name"].to_list(), rest["seat_count"].to_list()) == (["Chatter Free"], [-2])
    assert (bridge["cause"] == "counter_timing").sum() > 2


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("ann@acme.com", "acme.com"),
        ("  Ann@ACME.com ", "acme.com"),
        ("ann@acme.com.invalid", "acme.com"),
        ("ann=acme.com@example.com", "acme.com"),
        ("ann=acme.com@example.com.invalid", "acme.com"),
        ("x.y=z@acme.com", "acme.com"),
        ("eva@b\u00fccher-acme.de", "xn--bcher-acme-9db.de"),
        ("x@scrambled", None),
        ("x@scrambled.invalid", None),
        ("c7f1e09ab2", None),
        ("a@b@acme.com", None),
        ("@acme.com", None),
        ("ann@", None),
        ("ann@acme..com", None),
        ("ann@-acme.com", None),
        ("ann@acme.com.", None),
        ("autoproc@00d000000000000aaa", None),
    ],
)
def test_domain_of_an_address(address: str, domain: str | None) -> None:
    """An address gives its domain in ASCII, or none when it is no usable address."""
    found = domains(pd.Series([address])).iloc[0]
    assert (None if pd.isna(found["domain"]) else found["domain"]) == domain
    assert not found["is_blank"]


@pytest.mark.parametrize("address", [None, "", "   "])
def test_blank_addresses(address: str | None) -> None:
    """Missing, empty and blank addresses are blank, which is another thing than unusable."""
    found = domains(pd.Series([address, "x@y.z"])).iloc[0]
    assert found["is_blank"]
    assert pd.isna(found["domain"])


@pytest.mark.parametrize(
    ("names", "domain", "reason"),
    [
        (["acme.com"], "acme.com", "domain"),
        (["@ACME.com"], "acme.com", "domain"),
        (["acme.com"], "notacme.com", "third_party_domain"),
        (["acme.com"], "eu.acme.com", "other_company"),
        (["*.acme.com"], "eu.acme.com", "subdomain"),
        (["*.acme.com"], "acme.com", "other_company"),
        (["ACME corporation"], "acme.de", "legal_entity"),
        (["acme corporation"], "eu.acme.com", "third_party_domain"),
        (["acme corporation"], "acme-industries.com", "other_company"),
        (["acme corporation"], "lab.acme-industries.com", "other_company"),
        (["acme.com"], "gmail.com", "public_mailbox"),
        (["gmail.com"], "gmail.com", "domain"),
        (["b\u00fccher-acme.de"], "xn--bcher-acme-9db.de", "domain"),
    ],
)
def test_scope_reason_of_a_domain(names: list[str], domain: str, reason: str) -> None:
    """Under a filter of names, every domain has exactly the reason the rules give it."""
    assert CompanyFilter(names, ENTITIES).reason(domain) == reason


@pytest.mark.parametrize("names", [[], [" "], ["acme"], ["Acme Ltd"], ["*."]])
def test_meaningless_company_names_are_refused(names: list[str]) -> None:
    """An empty list, a blank entry, and a name that is neither a domain nor an entity are refused."""
    with pytest.raises(ValueError, match=r"blank|neither"):
        CompanyFilter(names, ENTITIES)


def test_account_classes_of_the_hand_named(small_world: World) -> None:
    """Everybody's class is the one a person would give, contractors once the company's domains are known."""
    tables = Truth(small_world).expected(legal_entities=ENTITIES)
    classes = tables["users"].set_index("name")["account_class"]
    assert classes["Automated Process"] == classes["Automated Clean"] == classes["Security User"] == "system"
    assert classes["Acme Support Site Guest User"] == "guest"
    assert classes["License Ledger"] == classes["Support Agent"] == "integration"
    assert classes["Vera Lund"] == classes["Zeno Graf"] == classes["Wanda Berg"] == "external"
    assert classes["Omar Haas"] == classes["Quinn Marsh"] == classes["Nora Ellis"] == "contractor"
    assert classes["Ann Bell"] == classes["Dario Costa"] == classes["Sana Noor"] == "employee"
    assert classes["Bela Okafor"] == classes["Carla Reyes"] == "unknown"
    assert len(tables["users"]) == 40


def test_nobody_is_a_contractor_where_no_domain_is_declared(small_world: World) -> None:
    """With `*` and no legal entity there is nothing to tell outsiders by."""
    assert "contractor" not in set(Truth(small_world).expected()["users"]["account_class"])


def test_count_basis_is_what_the_counter_equals(small_world: World) -> None:
    """The basis is told per license: active only, all, both, or not counted."""
    licenses = Truth(small_world).expected()["licenses"].set_index("license_key")
    assert licenses.loc["SFDC", "count_basis"] == "active_only"
    assert licenses.loc["SalesforceCPQ_CPQStandardPerm", "count_basis"] == "active_only"
    assert licenses.loc["SalesUserPsl", "count_basis"] == "all_assignees"
    assert licenses.loc["SalesConsoleUser", "count_basis"] == "both"
    assert licenses.loc["SBQQ", "count_basis"] == "all_assignees"
    assert licenses.loc["WorkDotComUserFeature", "count_basis"] == "not_counted"
    assert licenses.loc["DataStorageMB", "count_basis"] == "not_counted"


def test_unlimited_is_never_arithmetic(small_world: World) -> None:
    """A site license has no total and nothing available, but its use is told."""
    row = Truth(small_world).expected()["licenses"].set_index("license_key").loc["ALTF"]
    assert row["is_unlimited"]
    assert pd.isna(row["total_count"])
    assert pd.isna(row["available_count"])
    assert row["used_count"] == 4


def test_summary_can_be_written_as_json(small_world: World) -> None:
    """The headline numbers are plain JSON, and say the same as the tables."""
    summary = json.loads(json.dumps(Truth(small_world).summary(company_names=["acme.com"])))
    tables = Truth(small_world).expected(company_names=["acme.com"])
    assert summary["rows"] == {name: len(table) for name, table in tables.items()}
    by_key = {row["license_key"]: row for row in summary["licenses"]}
    assert sum(by_key["SFDC"]["causes"].values()) == by_key["SFDC"]["used_count"]
    assert summary["scope_reasons"] == {"domain": summary["rows"]["users"]}
