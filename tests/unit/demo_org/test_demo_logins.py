"""Logins: the history, the last login and the rest of the org tell one story."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from tests.unit.demo_org.conftest import TODAY

from demo_org.world import World, WorldOptions

HISTORY = pd.Timedelta(days=182)


@pytest.fixture(scope="module", params=[0, 77])
def world(request: pytest.FixtureRequest) -> World:
    made = World(seed=13, users=1_500, today=TODAY, options=WorldOptions(logins_per_user=250))
    made.set_clock(datetime(2026, 5, 28, 15, 30, tzinfo=UTC) + timedelta(days=request.param))
    return made


def frames(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    history = world.table("LoginHistory").to_pandas()
    return world.table("User").to_pandas().set_index("Id"), history[history["Status"] == "Success"]


def test_last_login_is_the_latest_in_the_history(world: World) -> None:
    """LastLoginDate equals the latest successful login of the history, and older ones are not in it."""
    users, logins = frames(world)
    latest = logins.groupby("UserId")["LoginTime"].max()
    since = pd.Timestamp(world.now) - HISTORY
    recent = users.loc[users["LastLoginDate"] >= since, "LastLoginDate"]
    assert len(recent) > 700
    assert recent.equals(latest.reindex(recent.index).rename("LastLoginDate"))
    assert set(latest.index) == set(recent.index)


def test_nobody_logs_in_before_the_account_exists_or_after_now(world: World) -> None:
    """Every login lies between the user's creation and the org's clock."""
    users, logins = frames(world)
    created = users["CreatedDate"].reindex(logins["UserId"]).to_numpy()
    assert (logins["LoginTime"].to_numpy() >= created).all()
    assert (logins["LoginTime"] <= pd.Timestamp(world.now)).all()


def test_deactivated_and_frozen_users_do_not_log_in(world: World) -> None:
    """After the audit trail says that a user was deactivated or frozen there is no login until he is back."""
    users, logins = frames(world)
    trail = world.table("SetupAuditTrail").to_pandas()
    once = users["Name"].drop_duplicates(keep=False)
    by_name = {name: id_ for id_, name in once.items()}
    checked = 0
    for shut, prefix, opened in (
        (("deactivateduser", "CSPUserDisabled"), "Deactivated user ", ("activateduser",)),
        (("frozeuser",), "Froze user ", ("unfrozeuser",)),
    ):
        for _, entry in trail[trail["Action"].isin(shut)].iterrows():
            user = by_name.get(entry["Display"].removeprefix(prefix))
            name = entry["Display"].removeprefix(prefix)
            again = trail[trail["Action"].isin(opened) & trail["Display"].str.endswith(f" {name}")][
                "CreatedDate"
            ]
            until = again[again > entry["CreatedDate"]].min()
            until = pd.Timestamp(world.now) if pd.isna(until) else until
            mine = logins.loc[logins["UserId"] == user, "LoginTime"]
            assert not ((mine >= entry["CreatedDate"]) & (mine < until)).any()
            checked += user is not None
    assert checked > 20


def test_failed_attempts_do_not_move_the_last_login(world: World) -> None:
    """There are failed logins, each before a successful one, and none of them is anybody's last login."""
    users = world.table("User").to_pandas().set_index("Id")
    history = world.table("LoginHistory").to_pandas()
    failed = history[history["Status"] != "Success"]
    assert len(failed) > 50
    last = users["LastLoginDate"].reindex(failed["UserId"]).to_numpy()
    assert (failed["LoginTime"].to_numpy() < last).all()


def test_login_rows_exist_only_for_those_who_logged_in_or_were_frozen(world: World) -> None:
    """UserLogin has a row for everybody who ever logged in, and for the rest only if they were frozen."""
    users = world.table("User").to_pandas()
    rows = world.table("UserLogin").to_pandas()
    known = users["Id"].isin(rows["UserId"])
    assert known[users["LastLoginDate"].notna()].all()
    assert not known[users["LastLoginDate"].isna()].all()
    assert rows["UserId"].is_unique


def test_monthly_logins_are_the_user_days_of_the_month(world: World) -> None:
    """MonthlyLoginsUsed of a login-based license equals its users' days with a login this month."""
    users, logins = frames(world)
    profiles = world.table("Profile").to_pandas().set_index("Id")["UserLicenseId"]
    license_of = users["ProfileId"].map(profiles)
    month = logins[logins["LoginTime"] >= pd.Timestamp(world.now).floor("D").replace(day=1)]
    days = month.assign(day=month["LoginTime"].dt.date).drop_duplicates(["UserId", "day"])
    counted = days["UserId"].map(license_of).value_counts()
    licenses = world.table("UserLicense").to_pandas().set_index("Id")
    based = licenses[licenses["MonthlyLoginsEntitlement"].notna()]
    assert len(based) == 3
    assert (based["MonthlyLoginsUsed"] == counted.reindex(based.index).fillna(0)).all()


def test_history_is_bounded_per_user() -> None:
    """With a bound, each user has at most so many successful logins, the latest ones."""
    options = WorldOptions(logins_per_user=3)
    users, logins = frames(World(seed=13, users=500, today=TODAY, options=options))
    sizes = logins.groupby("UserId").size()
    assert sizes.max() == 3
    latest = logins.groupby("UserId")["LoginTime"].max()
    assert (users["LastLoginDate"].reindex(latest.index) == latest.rename("LastLoginDate")).all()
