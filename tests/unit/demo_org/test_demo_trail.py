"""The audit trail of the demo org: languages, ids, namesakes and renamed users."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from demo_org.world import World
from demo_org.world.catalogue.sentences import SENTENCES
from demo_org.world.options import WorldOptions

TODAY = date(2026, 11, 24)


def made(**options: Any) -> World:
    """An org that has lived for half a year."""
    anchor = TODAY - timedelta(days=180)
    return World(
        seed=5, users=900, today=TODAY, options=WorldOptions(anchor=anchor, metric_days=1, **options)
    )


def trail(world: World) -> pd.DataFrame:
    """Its trail."""
    found: pd.DataFrame = world.table("SetupAuditTrail").to_pandas()
    return found


@pytest.mark.parametrize("language", SENTENCES)
def test_a_language_changes_the_sentences_and_nothing_else(language: str) -> None:
    """The same actions at the same times; every sentence is of that language."""
    english, other = trail(made()), trail(made(display_language=language))

    assert (other["Action"] == english["Action"]).all()
    assert (other["CreatedDate"] == english["CreatedDate"]).all()
    assert (other["Display"] == english["Display"]).all() == (language == "en")
    assert SENTENCES[language].keys() == SENTENCES["en"].keys()


def test_newer_releases_name_users_by_id() -> None:
    """The first 15 characters, in brackets after the name, and that user bears the name."""
    world = made(display_ids=True)
    rows = trail(world)
    rows = rows[rows["Action"] == "deactivateduser"]
    users = world.table("User", ["Id", "Name"]).to_pandas().set_index("Id")["Name"]
    parts = rows["Display"].str.extract(r"^Deactivated user (?P<name>.+) \(UserID: \[(?P<id>\w{15})\]\)$")
    names = users.rename(lambda each: each[:15])

    assert len(parts) > 0
    assert (names[parts["id"]].to_numpy() == parts["name"].to_numpy()).all()


def test_names_are_unique_when_asked_for() -> None:
    """No two generated users share one, and without being asked some do."""
    unique, common = (
        made(unique_names=each).table("User", ["Name"]).to_pandas()["Name"] for each in (True, False)
    )

    assert not unique.iloc[40:].duplicated().any()
    assert common.duplicated().any()


def test_a_renamed_user_has_another_name_and_the_same_login() -> None:
    """Her record shows the change; what happened before goes by the old name."""
    world = made(unique_names=True, renames_per_year=0.5)
    before = world.table("User", ["Id", "Name", "Username", "LastModifiedDate"]).to_pandas()
    earlier = datetime(2026, 6, 1, tzinfo=UTC)
    world.set_clock(earlier)
    was = world.table("User", ["Id", "Name", "Username"]).to_pandas()
    both = before.merge(was, on="Id", suffixes=("", " was"))
    renamed = both[both["Name"] != both["Name was"]]

    assert len(renamed) > 20
    assert (both["Username"] == both["Username was"]).all()
    assert (renamed["LastModifiedDate"] > earlier).all()


def test_a_new_role_is_in_the_trail() -> None:
    """Whoever's role changes with the profile has an entry that says from which to which."""
    rows = trail(made())
    entries = rows[rows["Action"].str.startswith("changedroleforuser")]["Display"]

    assert len(entries) > 0
    assert entries.str.match(r"^Changed role for user .+ from .+ to .+$").all()
