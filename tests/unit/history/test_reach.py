"""How far back a landing tells of the past, and what it refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.history.made_past import Past, Person, at, landed

from license_ledger.errors import DayOutOfReach
from license_ledger.history.as_of import reconstruct
from license_ledger.history.reach import earliest_moment
from license_ledger.run import INSPECTION
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.storage import Storage

NOW = 12.0


def org(created: float = -9000.0) -> Past:
    """An org of one user."""
    return Past([Person(0, "Ann Bell", created=created)])


def refused(anchor_of: Past, hour: float, **without: bool) -> DayOutOfReach:
    """The error of reconstructing an hour."""
    anchor = landed(anchor_of, NOW, **without)
    target = RunFolder(
        Storage.from_url("memory://landing"), anchor.folder.day.org_id, at(hour).date(), "back"
    )
    with pytest.raises(DayOutOfReach) as caught:
        reconstruct(anchor, at(hour), target, snapshot_id="back")
    return caught.value


def test_half_a_year_is_remembered_or_less_where_the_org_is_younger() -> None:
    """The audit trail reaches back 180 days, and before the first user there was nothing."""
    assert earliest_moment(landed(org(), NOW)) == at(NOW) - timedelta(days=180)
    assert earliest_moment(landed(org(-24.0), NOW)) == at(-24.0)


def test_a_moment_before_that_is_refused_with_the_earliest_day() -> None:
    """The first whole day: its beginning is what is reconstructed."""
    error = refused(org(), -181 * 24)

    assert (at(NOW) - timedelta(days=179)).date().isoformat() in str(error)
    assert at(-24.0).date().isoformat() in str(refused(org(-24.0), -48))


def test_a_moment_after_the_landing_is_refused() -> None:
    """A landing does not tell the future."""
    assert "older" in str(refused(org(), NOW + 1))


def test_a_landing_without_the_trail_names_the_permission() -> None:
    """Nothing is reconstructed without it."""
    assert "View Setup and Configuration" in str(refused(org(), 0, SetupAuditTrail=True))


def test_a_landing_without_history_says_so() -> None:
    """The daily extract does not ask for it."""
    anchor = landed(org(), NOW)
    content = anchor.folder.read_json(INSPECTION)
    del content["inspection"]["objects"]["SetupAuditTrail"]
    anchor.folder.write_json(INSPECTION, content)

    with pytest.raises(DayOutOfReach, match="without what Salesforce remembers"):
        earliest_moment(anchor)


@pytest.mark.parametrize(
    "name", ["LoginHistory", "UserLogin", "PermissionSetLicenseAssign", "PackageLicense"]
)
def test_other_gaps_only_cost_what_they_hold(name: str) -> None:
    """What could not be read is not there as of the moment either; the rest is."""
    anchor = landed(org(), NOW, **{name: True})
    target = RunFolder(
        Storage.from_url("memory://landing"), anchor.folder.day.org_id, at(0).date(), f"without-{name}"
    )
    receipt = reconstruct(anchor, at(0), target, snapshot_id="back")

    assert receipt["rows"]["User"] == {"sure": 1, "likely": 0, "unsure": 0}
    assert target.landed(name) is None
