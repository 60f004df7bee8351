"""
Bad input: the error names the item and says what to do, and what was published stays whole and readable.

Each case begins with a good day in staging and ends with the very same bytes there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger import errors, reader
from tests.demo_org_fixtures import TODAY, RunningOrg, StartOrg
from tests.walk import Walk, noon

USERS = 150
BULK = {"bulk_threshold": 10}
Spoil = Callable[[Walk, RunningOrg], dict[str, Any] | None]


def _setting(**extra: Any) -> Spoil:
    def spoil(walk: Walk, org: RunningOrg) -> None:
        walk.connection["extra"].update(extra)

    return spoil


def _names(*names: str) -> Spoil:
    return lambda walk, org: {"company_names": list(names)}


def _fault(name: str, **options: Any) -> Spoil:
    def spoil(walk: Walk, org: RunningOrg) -> None:
        org.control.fault(name, **options)

    return spoil


def _fault_at_refresh(name: str, **options: Any) -> Spoil:
    def spoil(walk: Walk, org: RunningOrg) -> None:
        org.control.expire_sessions()
        org.control.fault(name, **options)

    return spoil


def _without(*permissions: str) -> Spoil:
    def spoil(walk: Walk, org: RunningOrg) -> None:
        org.control.permissions(withdraw=list(permissions))

    return spoil


def _hidden(field: str) -> Spoil:
    def spoil(walk: Walk, org: RunningOrg) -> None:
        org.control.hide(field)

    return spoil


def _revoked(walk: Walk, org: RunningOrg) -> None:
    org.control.revoke(walk.connection["extra"]["refresh_token"])
    org.control.expire_sessions()


def _tomorrow(walk: Walk, org: RunningOrg) -> dict[str, Any]:
    return {"day": walk.now.date() + timedelta(days=1)}


def _unwritable(walk: Walk, org: RunningOrg) -> None:
    obstacle = walk.root / "a-file"
    obstacle.write_text("not a directory")
    walk.values["staging"] = (obstacle / "staging").as_uri()
    walk.values["landing"] = (walk.root / "landing").as_uri()


PERMANENT = {"count": 10_000}
RESULTS = {"path": "/results", **PERMANENT}
CASES: dict[str, tuple[Spoil, type[errors.LedgerError], str]] = {
    "client id missing": (_setting(consumer_key=None), errors.ConfigError, "consumer_key"),
    "client id blank": (_setting(consumer_key="  "), errors.ConfigError, "consumer_key"),
    "refresh token blank": (_setting(refresh_token=""), errors.ConfigError, "refresh_token"),
    "login url http": (_setting(login_url="http://login.salesforce.com"), errors.ConfigError, "login_url"),
    "login url foreign": (
        _setting(login_url="https://login.salesforce.com.attacker.example"),
        errors.ConfigError,
        "login_url",
    ),
    "ca bundle missing": (_setting(ca_bundle="/nowhere/ca.pem"), errors.ConfigError, "ca_bundle"),
    "company names blank": (_setting(company_names=" \n "), errors.ConfigError, "company_names"),
    "a company name blank": (_names("acme.com", " "), errors.ConfigError, "company name 2 of 2: is blank"),
    "company name neither": (_names("Acme Inc"), errors.ConfigError, "'Acme Inc'"),
    "foreign instance url": (
        _fault_at_refresh("foreign_instance_url"),
        errors.UnsafeHost,
        "attacker.example",
    ),
    "revoked grant": (_revoked, errors.AuthRevoked, "authorize"),
    "expired grant": (_fault_at_refresh("invalid_grant_expired"), errors.AuthRevoked, "authorize"),
    "inactive user": (_fault_at_refresh("invalid_grant_inactive_user"), errors.AuthRevoked, "inactive user"),
    "no api access": (_without("ApiEnabled"), errors.AccessDenied, "API"),
    "required object": (_fault("object_vanishes", object="Profile"), errors.SchemaDrift, "Profile"),
    "required field": (_hidden("User.Email"), errors.SchemaDrift, "User.Email"),
    "html for json": (
        _fault("html_maintenance", **PERMANENT),
        errors.SalesforceUnavailable,
        "web page",
    ),
    "truncated csv": (_fault("truncate_body", **RESULTS), errors.LedgerError, "User"),
    "silently truncated csv": (_fault("truncate_silently", **RESULTS), errors.CorruptAnswer, "User"),
    "malformed csv": (_fault("malformed_csv", **RESULTS), errors.CorruptAnswer, "User"),
    "row too wide": (_fault("extra_cell", **RESULTS), errors.CorruptAnswer, "User"),
    "row counts that do not match": (
        _fault("record_count_wrong", **PERMANENT),
        errors.CorruptAnswer,
        "User",
    ),
    "job total that does not match": (_fault("job_total_wrong", **PERMANENT), errors.CorruptAnswer, "User"),
    "empty extract": (_fault("empty_object", object="User"), errors.LedgerError, "User"),
    "shrunken extract": (
        _fault("shrunken_object", object="User", fraction=0.2),
        errors.ImplausibleSnapshot,
        "extract of User",
    ),
    "daily limit": (_fault("daily_limit"), errors.QuotaExhausted, "Limit exceeded"),
    "unwritable staging": (_unwritable, errors.StagingUnwritable, "a-file"),
    "a future day": (_tomorrow, errors.SnapshotRefused, "lies ahead"),
}


def _bytes_of(staging: Path) -> dict[str, str]:
    """Every published file and its hash; not what is landed, leased or kept aside."""
    return {
        str(path.relative_to(staging)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in staging.rglob("*.parquet")
        if not path.relative_to(staging).parts[0].startswith("_")
    }


def _run(walk: Walk, arguments: dict[str, Any]) -> None:
    context = walk.context(**arguments)
    walk.extract(context)
    walk.settle(context)


@pytest.mark.parametrize(("spoil", "error", "words"), CASES.values(), ids=CASES.keys())
def test_bad_input_gets_a_clear_error_and_changes_nothing(
    spoil: Spoil, error: type[errors.LedgerError], words: str, start_demo_org: StartOrg, tmp_path: Path
) -> None:
    """The run ends with the one right error before anything is published; the day before is as it was."""
    org = start_demo_org(World(users=USERS, today=TODAY))
    walk = Walk(org.connection(), tmp_path, noon(TODAY), values=dict(BULK))
    before = walk.run()
    published = _bytes_of(tmp_path / "staging")

    arguments = spoil(walk, org) or {}
    with pytest.raises(error) as caught:
        _run(walk, arguments)

    told = str(caught.value)
    assert words in told
    assert caught.value.remedy, "says nothing about what to do"
    for secret in ("consumer_secret", "refresh_token"):
        value = org.connection()["extra"][secret]
        assert value not in told
    assert "@" not in told
    assert _bytes_of(tmp_path / "staging") == published
    after = reader.open_snapshot(before.staging, before.org_id, before.snapshot_date)
    after.verify()
    assert after.snapshot_id == before.snapshot_id


def test_seats_without_explanation_stop_the_run(start_demo_org: StartOrg, tmp_path: Path) -> None:
    """A counter that nothing explains fails the run, with the license and the number in the message."""
    world = World(users=USERS, today=TODAY, options=WorldOptions(counter_drift={"Salesforce": 3}))
    walk = Walk(start_demo_org(world).connection(), tmp_path, noon(TODAY))

    with pytest.raises(errors.Unexplained, match="Salesforce"):
        walk.run()

    assert _bytes_of(tmp_path / "staging") == {}


@pytest.mark.parametrize("values", [{"mismatch_action": "warn"}, {"mismatch_tolerance": 3}])
def test_seats_without_explanation_may_be_tolerated(
    values: dict[str, Any], start_demo_org: StartOrg, tmp_path: Path
) -> None:
    """With `warn`, or within the tolerance, the day is published, and the rest stands in it openly."""
    world = World(users=USERS, today=TODAY, options=WorldOptions(counter_drift={"Salesforce": 3}))
    walk = Walk(start_demo_org(world).connection(), tmp_path, noon(TODAY), values=values)

    snapshot = walk.run()

    rest = [row for row in snapshot.table("mismatches").to_pylist() if row["cause"] == "unexplained"]
    assert [(row["license_name"], row["seat_count"]) for row in rest] == [("Salesforce", 3)]
    assert snapshot.row["unexplained_count"] == 3


def test_what_is_not_visible_is_a_capability_not_a_zero(start_demo_org: StartOrg, tmp_path: Path) -> None:
    """Without Manage Users and package assignments the run goes on and says what is missing."""
    org = start_demo_org(World(users=USERS, today=TODAY))
    org.control.permissions(withdraw=["ManageUsers"])
    org.control.fault("object_vanishes", object="UserPackageLicense")
    walk = Walk(org.connection(), tmp_path, noon(TODAY))

    snapshot = walk.run()

    assert set(snapshot.table("users")["is_frozen"].to_pylist()) == {None}
    packages = [row for row in snapshot.table("licenses").to_pylist() if row["license_layer"] == "package"]
    assert packages
    assert all(row["all_holder_count"] is None for row in packages)
    assert {"UserLogin", "UserPackageLicense"} <= {
        gap["object"] for gap in walk.capabilities(snapshot) if gap["field"] is None
    }
