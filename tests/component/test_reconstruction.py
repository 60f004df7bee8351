"""
Past days made of one later landing, over HTTP, against what was observed on them.

The measuring command does the same at size and for more days; here are orgs of each kind, small enough for
every run of the suite.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger.schemas import CERTAINTIES
from tests.rolled_back import KEYS, Compared, Past, Tables, compare

LAST = date(2026, 11, 24)
AGES = (30, 180)
KINDS: dict[str, dict[str, Any]] = {
    "clear": {"unique_names": True},
    "renamed": {"unique_names": True, "renames_per_year": 0.5},
    "german, namesakes": {"display_language": "de"},
    "japanese with ids, renamed": {"display_language": "ja", "display_ids": True, "renames_per_year": 0.5},
}


@dataclass(frozen=True)
class Day:
    """A day, compared table by table, with the reconstructed tables and the receipt."""

    compared: dict[str, Compared]
    made: Tables
    receipt: dict[str, Any]


@pytest.fixture(scope="module", params=KINDS)
def days(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[int, Day]]:
    """One kind of org, and its days by age."""
    root: Path = tmp_path_factory.mktemp("past")
    options = WorldOptions(anchor=LAST - timedelta(days=180), metric_days=190, **KINDS[request.param])
    world = World(seed=11, users=220, today=LAST, options=options)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), root / "org") as server:
        names = ["*"] if request.param == "clear" else ["acme.com", "*.acme.com"]
        past = Past(world, server, root, names)
        truth = {age: past.observe(LAST - timedelta(days=age)) for age in AGES}
        anchor = past.anchor(LAST)
    found = {}
    for age in AGES:
        made, receipt = past.reconstruct(LAST - timedelta(days=age), anchor)
        found[age] = Day({name: compare(name, made[name], truth[age][name]) for name in KEYS}, made, receipt)
    return request.param, found


@pytest.mark.slow
def test_no_row_marked_sure_is_wrong(days: tuple[str, dict[int, Day]]) -> None:
    """In no table, at no age, in no language, with whatever names."""
    for age, day in days[1].items():
        assert {name: table.wrong_sure for name, table in day.compared.items()} == dict.fromkeys(KEYS, 0), age


@pytest.mark.slow
def test_users_are_right_nearly_always(days: tuple[str, dict[int, Day]]) -> None:
    """Existing, active and license: all of them where entries are clear, and nearly all where they are
    not.
    """
    kind, by_age = days
    for age, day in by_age.items():
        assert day.compared["users"].key_share >= (0.99 if kind == "clear" else 0.97), age


@pytest.mark.slow
def test_seats_are_missing_only_where_their_license_is_unsure(days: tuple[str, dict[int, Day]]) -> None:
    """A seat that is not there cannot be marked, so its license is."""
    for age, day in days[1].items():
        if day.compared["seats"].missing:
            assert "unsure" in set(day.made["licenses"]["certainty"]), age


@pytest.mark.slow
def test_the_receipt_counts_entries_and_rows(days: tuple[str, dict[int, Day]]) -> None:
    """Every entry is resolved, ambiguous or unresolved; the further back, the more there are."""
    kind, by_age = days
    trails = [day.receipt["trail"] for day in by_age.values()]

    assert all(t["entries"] == t["resolved"] + t["ambiguous"] + t["unresolved"] for t in trails)
    assert [t["entries"] for t in trails] == sorted(t["entries"] for t in trails)
    if kind == "clear":
        # A package that nobody holds any more by a grant of half a year has no name to be known by.
        assert all((t["ambiguous"], t["other_language"]) == (0, 0) and t["unresolved"] <= 2 for t in trails)
    if kind not in ("clear", "renamed"):
        assert all(t["other_language"] == t["entries"] for t in trails)
    for day in by_age.values():
        assert set(day.receipt["rows"]["User"]) == set(CERTAINTIES)


@pytest.mark.slow
def test_what_nobody_remembers_is_null(days: tuple[str, dict[int, Day]]) -> None:
    """Counters of user licenses, seats bought, status; half a year back the last logins of those who came
    since.
    """
    day = days[1][180]
    licenses = day.made["licenses"]

    assert (
        licenses.loc[licenses["license_layer"] == "user", ["used_count", "total_count", "status"]]
        .isna()
        .all(axis=None)
    )
    assert licenses.loc[licenses["license_layer"] == "permission_set", "used_count"].notna().any()
    assert day.made["users"]["activity_band"].isna().any()
    assert day.receipt["logins_unknown"] > 0
