"""Salesforce's counters against the rows they count."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest
from tests.unit.demo_org.conftest import TODAY

from demo_org.world import World, WorldOptions
from demo_org.world.catalogue.grants import PACKAGES, PERMISSION_SET_LICENSES
from demo_org.world.catalogue.user_licenses import LICENSES

UNCOUNTED = {kind.key for kind in LICENSES if kind.counting == "none"}


def active_per_license(world: World) -> pd.Series:
    users = world.table("User", ["IsActive", "ProfileId"]).to_pandas()
    profiles = world.table("Profile").to_pandas().set_index("Id")["UserLicenseId"]
    return users.loc[users["IsActive"], "ProfileId"].map(profiles).value_counts()


@pytest.mark.parametrize("days", [-300, 0, 45, 300])
def test_user_license_counters_are_exact(days: int) -> None:
    """UsedLicenses equals the active users on profiles of the license, but for licenses that count nobody."""
    world = World(seed=2, users=2_000, today=TODAY)
    world.set_clock(datetime.combine(TODAY + timedelta(days=days), time(11), UTC))
    licenses = world.table("UserLicense").to_pandas().set_index("Id")
    counted = licenses[~licenses["LicenseDefinitionKey"].isin(UNCOUNTED)]
    held = active_per_license(world).reindex(counted.index).fillna(0)
    assert (counted["UsedLicenses"] == held).all()
    uncounted = licenses[licenses["LicenseDefinitionKey"].isin(UNCOUNTED)]
    assert (uncounted["UsedLicenses"] == 0).all()
    assert (licenses["UsedLicensesLastUpdated"] == pd.Timestamp(world.now)).all()


@pytest.mark.parametrize(
    ("license_", "assigned", "key", "user", "target", "grants"),
    [
        (
            "PermissionSetLicense",
            "PermissionSetLicenseAssign",
            "PermissionSetLicenseKey",
            "AssigneeId",
            "PermissionSetLicenseId",
            PERMISSION_SET_LICENSES,
        ),
        ("PackageLicense", "UserPackageLicense", "NamespacePrefix", "UserId", "PackageLicenseId", PACKAGES),
    ],
)
def test_assignment_counters_are_exact(
    large_world: World, license_: str, assigned: str, key: str, user: str, target: str, grants: tuple
) -> None:
    """UsedLicenses equals the assignments, or those of active users where the license counts only them."""
    basis = {grant.key: grant.basis for grant in grants}
    rows = large_world.table(assigned).to_pandas()
    active = large_world.table("User").to_pandas().set_index("Id")["IsActive"]
    rows["active"] = rows[user].map(active)
    assert rows["active"].notna().all()
    for _, kind in large_world.table(license_).to_pandas().iterrows():
        mine = rows[rows[target] == kind["Id"]]
        expected = len(mine) if basis[kind[key]] == "all" else int(mine["active"].sum())
        assert kind["UsedLicenses"] == expected, kind[key]


def newest(world: World, name: str) -> pd.DataFrame:
    rows = world.table(name).to_pandas(date_as_object=True)
    return rows[rows["MetricsDate"] == world.today]


def test_metrics_of_today_agree_with_the_org(large_world: World) -> None:
    """The newest metric rows equal the counters, the check boxes, and the users seen in thirty days."""
    profiles = newest(large_world, "ActiveProfileMetric")
    users = large_world.table("User").to_pandas()
    active = users[users["IsActive"]]
    assigned = active["ProfileId"].value_counts()
    since = pd.Timestamp(large_world.now) - pd.Timedelta(days=30)
    recent = active.loc[active["LastLoginDate"] >= since, "ProfileId"].value_counts()
    per_profile = profiles.set_index("ProfileId")
    assert (per_profile["AssignedUserCount"] == assigned.reindex(per_profile.index).fillna(0)).all()
    assert (per_profile["ActiveUserCount"] == recent.reindex(per_profile.index).fillna(0)).all()
    psls = newest(large_world, "ActivePermSetLicenseMetric").set_index("PermissionSetLicenseId")
    licenses = large_world.table("PermissionSetLicense").to_pandas().set_index("Id")
    assert psls["AssignedUserCount"].equals(
        licenses["UsedLicenses"].rename("AssignedUserCount").loc[psls.index]
    )
    for _, row in newest(large_world, "ActiveFeatureLicenseMetric").iterrows():
        assert row["AssignedUserCount"] == users[f"UserPermissions{row['FeatureType']}"].sum()
        assert row["TotalLicenseCount"] >= row["AssignedUserCount"]


def test_metrics_of_earlier_days_are_what_the_org_was() -> None:
    """A metric row of a past day equals the counters of that day's last second."""
    world = World(seed=21, users=900, today=TODAY)
    rows = world.table("ActiveProfileMetric").to_pandas(date_as_object=True)
    days = sorted(set(rows["MetricsDate"]))
    assert days == [TODAY - timedelta(days=n) for n in range(119, -1, -1)]
    for day in (days[0], days[60], days[-2]):
        world.set_clock(datetime.combine(day, time(23, 59, 59), UTC))
        then = world.table("User").to_pandas()
        assigned = then.loc[then["IsActive"], "ProfileId"].value_counts()
        told = rows[rows["MetricsDate"] == day].set_index("ProfileId")["AssignedUserCount"]
        assert (told == assigned.reindex(told.index).fillna(0)).all()


def test_metrics_do_not_depend_on_who_is_visible(large_world: World) -> None:
    """Somebody without View All Users sees fewer users than the metrics count."""
    seen = len(large_world.users_visible_without_view_all())
    assert 0.5 < seen / large_world.row_count("User") < 0.7
    assert large_world.integration_user_id in large_world.users_visible_without_view_all().to_pylist()
    profiles = newest(large_world, "ActiveProfileMetric")
    users = large_world.table("User").to_pandas()
    with_profile = users["ProfileId"].isin(large_world.table("Profile")["Id"].to_pylist())
    assert profiles["AssignedUserCount"].sum() == (users["IsActive"] & with_profile).sum()


@pytest.mark.parametrize("days", [1, 3])
def test_stale_counters_are_those_of_days_before(days: int) -> None:
    """With counters some days old, UsedLicenses and its stamp are exactly what they were that long ago."""
    fresh = World(seed=9, users=20_000, today=TODAY)
    stale = World(seed=9, users=20_000, today=TODAY, options=WorldOptions(stale_counter_days=days))
    now = fresh.table("UserLicense").to_pandas()
    fresh.set_clock(fresh.now - timedelta(days=days))
    earlier = fresh.table("UserLicense").to_pandas()
    told = stale.table("UserLicense").to_pandas()
    for column in ("UsedLicenses", "UsedLicensesLastUpdated"):
        assert told[column].equals(earlier[column])
    assert not told["UsedLicenses"].equals(now["UsedLicenses"])


def test_drift_is_added_to_the_named_license_only() -> None:
    """The drift option changes one counter by the asked number and nothing else."""
    plain = World(today=TODAY).table("UserLicense").to_pandas()
    options = WorldOptions(counter_drift={"Salesforce": 3})
    drifted = World(today=TODAY, options=options).table("UserLicense").to_pandas()
    difference = drifted["UsedLicenses"] - plain["UsedLicenses"]
    assert difference[drifted["Name"] == "Salesforce"].to_list() == [3]
    assert (difference[drifted["Name"] != "Salesforce"] == 0).all()


def test_contracts_are_adjusted_renewed_and_expire() -> None:
    """Over a year totals change on first days of months only, one license expires, another is renewed."""
    world = World(seed=3, users=2_000, today=date(2026, 1, 1))
    totals, status, expiry = [], [], []
    for day in pd.date_range("2026-01-01", "2026-12-31", freq="7D"):
        world.set_clock(day.to_pydatetime().replace(tzinfo=UTC))
        rows = world.table("PermissionSetLicense").to_pandas(date_as_object=True).set_index("DeveloperName")
        users = world.table("UserLicense").to_pandas().set_index("LicenseDefinitionKey")
        totals.append((day.month, int(users.loc["SFDC", "TotalLicenses"])))
        status.append(rows.loc["FieldServiceMobilePsl", "Status"])
        expiry.append(rows.loc["EinsteinAnalyticsPlusPsl", "ExpirationDate"])
        assert rows.loc["EinsteinAnalyticsPlusPsl", "Status"] == "Active"
    assert len(set(totals)) == 12
    assert len({total for _, total in totals}) > 3
    assert status[0] == "Active"
    assert status[-1] == "Disabled"
    assert sorted(set(expiry)) == [date(2026, 4, 1), date(2027, 4, 1)]


def test_seats_are_bought_before_they_are_used(large_world: World) -> None:
    """Every active license but the two short ones has at least as many seats as are used."""
    licenses = large_world.table("UserLicense").to_pandas()
    sold = licenses[(licenses["Status"] == "Active") & (licenses["TotalLicenses"] > 0)]
    over = sold.loc[sold["UsedLicenses"] > sold["TotalLicenses"], "LicenseDefinitionKey"]
    assert over.to_list() == ["AUL"]
    psls = large_world.table("PermissionSetLicense").to_pandas()
    over = psls.loc[psls["UsedLicenses"] > psls["TotalLicenses"], "PermissionSetLicenseKey"]
    assert over.to_list() == ["OrdersPlatform"]
