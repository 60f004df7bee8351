"""The org's clock: any day can be had, in any order, and events leave their traces."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from tests.unit.demo_org.conftest import TODAY

from demo_org.schema import OBJECTS
from demo_org.world import World, WorldOptions


def at(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def state(world: World) -> dict[str, pa.Table]:
    return {name: world.table(name) for name in OBJECTS}


@pytest.mark.parametrize("seed", [1, 2, 99])
def test_same_seed_same_org(seed: int) -> None:
    """Two worlds of one seed agree in every cell of every table."""
    assert state(World(seed=seed, users=120, today=TODAY)) == state(World(seed=seed, users=120, today=TODAY))


def test_another_seed_is_another_org() -> None:
    """Another seed gives another org id and other generated people, but the same hand-named ones."""
    one, two = (World(seed=seed, users=200, today=TODAY).table("User")["Name"].to_pylist() for seed in (1, 2))
    assert one[:40] == two[:40]
    assert one[40:] != two[40:]
    assert World(seed=1, today=TODAY).org_id != World(seed=2, today=TODAY).org_id


def test_the_clock_goes_forward_and_back() -> None:
    """What was true on a day is true again when the clock returns to it, whatever was asked in between."""
    world = World(seed=5, users=300, today=TODAY)
    before = state(world)
    for days in (40, -100, 3):
        world.set_clock(at(TODAY + timedelta(days=days), 13))
        world.table("User")
        world.table("ActiveProfileMetric")
    assert state(world) != before
    world.set_clock(at(TODAY))
    assert state(world) == before


def test_an_org_started_later_with_the_same_anchor_has_lived_on() -> None:
    """A world built on a later day with the same anchor equals one whose clock was moved there."""
    later = TODAY + timedelta(days=25)
    moved = World(seed=3, users=200, today=TODAY)
    moved.set_clock(at(later))
    fresh = World(seed=3, users=200, today=later, options=WorldOptions(anchor=TODAY))
    assert state(moved) == state(fresh)


def test_the_org_has_exactly_the_asked_size_at_its_anchor() -> None:
    """At the anchor there are as many users as asked for, before it fewer, after it more."""
    world = World(users=1_000, today=TODAY)
    sizes = []
    for days in (-200, 0, 200):
        world.set_clock(at(TODAY + timedelta(days=days)))
        sizes.append(world.row_count("User"))
    assert sizes[0] < 1_000
    assert sizes[1] == 1_000
    assert sizes[2] > 1_000


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (datetime(2026, 5, 28), "time zone"),  # noqa: DTZ001
        (at(TODAY + timedelta(days=20_000)), "can be seen from"),
        (at(TODAY - timedelta(days=5_000)), "can be seen from"),
    ],
)
def test_impossible_moments_are_refused(moment: datetime, reason: str) -> None:
    """A moment without a time zone or outside the org's life is refused, and the clock stays."""
    world = World(today=TODAY)
    with pytest.raises(ValueError, match=reason):
        world.set_clock(moment)
    assert world.now == at(TODAY)


def test_unknown_objects_are_an_error() -> None:
    """A name that is no object raises KeyError instead of giving an empty table."""
    with pytest.raises(KeyError):
        World(today=TODAY).table("Users")


def test_single_columns_equal_the_whole_table(large_world: World) -> None:
    """Asking for some columns gives the same cells as asking for all; what is not stored is left out."""
    whole = large_world.table("User")
    part = large_world.table("User", ["Email", "UserPreferencesHideS1BrowserUI", "IsActive"])
    assert part.column_names == ["Email", "IsActive"]
    assert part.equals(whole.select(part.column_names))


def test_hand_named_accounts_change_in_the_first_days() -> None:
    """Within ten days of the anchor the smallest org sees a leaver, a mover, a freeze and a return."""
    world = World(today=TODAY)
    seen = {}
    for days in (0, 3, 5, 10, 17):
        world.set_clock(at(TODAY + timedelta(days=days), 12))
        users = world.table("User").to_pandas().set_index("Name")
        frozen = world.table("UserLogin").to_pandas()
        ids = set(frozen.loc[frozen["IsFrozen"], "UserId"])
        seen[days] = users.assign(frozen=users["Id"].isin(ids))
    assert seen[0].loc["Marek Novak", "IsActive"]
    assert not seen[3].loc["Marek Novak", "IsActive"]
    assert seen[0].loc["Ravi Kumar", "ProfileId"] != seen[5].loc["Ravi Kumar", "ProfileId"]
    assert (seen[0].loc["Ravi Kumar", "UserType"], seen[5].loc["Ravi Kumar", "UserType"]) == (
        "CsnOnly",
        "Standard",
    )
    assert [bool(seen[d].loc["Clara Jansen", "frozen"]) for d in (0, 5, 10)] == [False, True, False]
    assert [bool(seen[d].loc["Bela Okafor", "IsActive"]) for d in (5, 10, 17)] == [True, False, True]


ENDS = {
    "createduser": "joined",
    "createdcustomersuccessuser": "joined",
    "createdpartneruser": "joined",
    "deactivateduser": "left",
    "CSPUserDisabled": "left",
    "activateduser": "back",
    "frozeuser": "frozen",
    "unfrozeuser": "thawed",
}


def moves_between(before: pd.DataFrame, after: pd.DataFrame) -> Counter[str]:
    """Count what changed between two states, from the tables alone."""
    both = after.join(before.add_suffix("_before"), how="left")
    old = both[both["IsActive_before"].notna()]
    was = old["IsActive_before"].astype(bool)
    thaw = old["IsFrozen_before"].astype(bool)
    return Counter(
        joined=int(both["IsActive_before"].isna().sum()),
        left=int((was & ~old["IsActive"]).sum()),
        back=int((~was & old["IsActive"]).sum()),
        frozen=int((~thaw & old["IsFrozen"]).sum()),
        thawed=int((thaw & ~old["IsFrozen"]).sum()),
        moved=int((old["ProfileId"] != old["ProfileId_before"]).sum()),
    )


def people_at(world: World) -> pd.DataFrame:
    users = world.table("User", ["Id", "IsActive", "ProfileId"]).to_pandas().set_index("Id")
    frozen = world.table("UserLogin", ["UserId", "IsFrozen"]).to_pandas().set_index("UserId")["IsFrozen"]
    return users.assign(IsFrozen=frozen.reindex(users.index).fillna(False).astype(bool))


@pytest.mark.parametrize("seed", [4, 8])
def test_the_audit_trail_tells_every_change_of_a_day(seed: int) -> None:
    """For forty days in a row, two days differ by exactly what the audit trail says happened."""
    world = World(seed=seed, users=3_000, today=TODAY)
    first = TODAY - timedelta(days=20)
    world.set_clock(at(first))
    before, total = people_at(world), Counter[str]()
    for days in range(1, 41):
        midnight = at(first + timedelta(days=days))
        world.set_clock(midnight)
        after = people_at(world)
        trail = world.table("SetupAuditTrail", ["Action", "CreatedDate"]).to_pandas()
        day = trail[
            (trail["CreatedDate"] > midnight - timedelta(days=1)) & (trail["CreatedDate"] <= midnight)
        ]
        told = Counter(ENDS[action] for action in day["Action"] if action in ENDS)
        told["moved"] = int(day["Action"].str.startswith("changedprofileforuser").sum())
        assert moves_between(before, after) == told
        before, total = after, total + told
    assert all(total[kind] > 0 for kind in ("joined", "left", "back", "frozen", "thawed", "moved"))


def test_assignments_come_and_go_as_the_audit_trail_says() -> None:
    """Over thirty days the change in assignments equals assigned minus unassigned in the trail."""
    world = World(seed=6, users=3_000, today=TODAY)
    sizes = [(world.row_count("PermissionSetLicenseAssign"), world.row_count("UserPackageLicense"))]
    world.set_clock(at(TODAY + timedelta(days=30)))
    sizes.append((world.row_count("PermissionSetLicenseAssign"), world.row_count("UserPackageLicense")))
    trail = world.table("SetupAuditTrail").to_pandas()
    count = Counter(trail.loc[trail["CreatedDate"] > pd.Timestamp(at(TODAY)), "Action"])
    assert sizes[1][0] - sizes[0][0] == count["PermSetLicenseAssign"] - count["PermSetLicenseUnassign"]
    assert (
        sizes[1][1] - sizes[0][1] == count["granteduserpackagelicense"] - count["revokeduserpackagelicense"]
    )
    assert count["PermSetLicenseUnassign"] > 0


def test_the_audit_trail_names_users_and_keeps_180_days(large_world: World) -> None:
    """Entries are from the last 180 days, and the sentences name people who exist."""
    trail = large_world.table("SetupAuditTrail").to_pandas()
    names = set(large_world.table("User")["Name"].to_pylist())
    created = trail[trail["Action"] == "createduser"]
    assert set(created["Display"].str.removeprefix("Created new user ")) <= names
    age = pd.Timestamp(large_world.now) - trail["CreatedDate"]
    assert age.max() <= pd.Timedelta(days=180)
    assert age.min() >= pd.Timedelta(0)
    psl = trail[trail["Action"] == "PermSetLicenseAssign"].iloc[0]
    assert psl["Display"].startswith("Permission set license ")
    assert ": assigned to user " in psl["Display"]
    moved = trail[trail["Action"].str.startswith("changedprofile")].iloc[0]
    assert moved["Display"].startswith("Changed profile for user ")


def test_last_modified_moves_with_every_change_of_the_user(large_world: World) -> None:
    """A user whose activity, profile, address or feature flags changed was modified since."""
    world = World(seed=7, users=5_000, today=TODAY)
    ignored = [
        "LastModifiedDate",
        "SystemModstamp",
        "LastLoginDate",
        "LastPasswordChangeDate",
        "NumberOfFailedLogins",
    ]
    before = world.table("User").to_pandas().set_index("Id")
    world.set_clock(at(TODAY + timedelta(days=60)))
    after = world.table("User").to_pandas().set_index("Id").loc[before.index]
    one, two = (frame.drop(columns=ignored).astype(object) for frame in (before, after))
    same = ((one == two) | (one.isna() & two.isna())).all(axis=1)
    changed = after.loc[~same]
    assert len(changed) > 100
    assert (changed["LastModifiedDate"] > pd.Timestamp(at(TODAY))).all()
    untouched = after.loc[after["LastModifiedDate"] <= pd.Timestamp(at(TODAY))]
    assert same.loc[untouched.index].all()
