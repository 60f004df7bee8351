"""Rows of people on their way to a file, under every privacy mode."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from license_ledger.errors import ConfigError
from license_ledger.privacy.concealment import Concealment, stricter
from license_ledger.privacy.identifiers import pseudonym
from license_ledger.settings import PrivacyMode, load_settings

KEY = "k" * 40  # pragma: allowlist secret
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ANN = "005A00000000001IAA"
USERS = pa.table(
    {
        "Id": [ANN],
        "Username": ["ann@acme.com.prod"],
        "Email": ["ann@ACME.com "],
        "Name": ["Ann Smith"],
        "Department": ["Sales"],
        "Title": ["Head of Sales"],
        "ManagerId": ["005A00000000002IAA"],
        "ContactId": ["003A00000000001IAA"],
        "ProfileId": ["00eA00000000001IAA"],
        "IsActive": [True],
        "UserPermissionsMarketingUser": [False],
        "CreatedDate": pa.array([NOW - timedelta(days=400)], pa.timestamp("us", "UTC")),
    }
)


def concealment(mode: str = "pseudonymous", snapshot_id: str = "one") -> Concealment:
    """What the mode asks for."""
    environ = {"LICENSE_LEDGER_PRIVACY_MODE": mode, "LICENSE_LEDGER_PSEUDONYM_KEY": KEY}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        found = Concealment.of(load_settings(), captured_at=NOW, snapshot_id=snapshot_id)
    assert found is not None
    return found


def test_what_counts_and_what_pays_stays() -> None:
    """Profile, flags, domain and department stay; who it is, goes: the contact and the manager as well."""
    [row] = concealment().rows("User", USERS).to_pylist()

    assert row["Id"] == pseudonym(KEY.encode(), ANN)
    assert row["Email"] == f"{row['Id']}@acme.com"
    assert row["Department"] == "Sales"
    assert row["ProfileId"] == "00eA00000000001IAA"
    assert row["IsActive"] is True
    assert row["UserPermissionsMarketingUser"] is False
    for name in ("Username", "Name", "Title", "ManagerId", "ContactId"):
        assert row[name] is None, name
    assert row["CreatedDate"].time().isoformat() == "23:59:59.999999"


@pytest.mark.parametrize("name", ["UserLogin", "PermissionSetLicenseAssign", "UserPackageLicense"])
def test_rows_that_belong_to_a_user_are_under_the_same_pseudonym(name: str) -> None:
    """The reference leads to the user's row; the record's own id leads there no more."""
    owner = "AssigneeId" if name == "PermissionSetLicenseAssign" else "UserId"
    rows = pa.table({"Id": ["0PaA00000000001IAA"], owner: [ANN]})

    [row] = concealment().rows(name, rows).to_pylist()

    assert row[owner] == pseudonym(KEY.encode(), ANN)
    assert len(row["Id"]) == 18
    assert row["Id"] != "0PaA00000000001IAA"


@pytest.mark.parametrize("mode", ["pseudonymous", "aggregate"])
def test_who_is_concealed_is_not_concealed_again(mode: str) -> None:
    """Rows come out of a landing as they went in, under either mode."""
    once = concealment(mode).rows("User", USERS)

    for again in ("pseudonymous", "aggregate"):
        assert concealment(again, "another").rows("User", once).equals(once)


def test_hashes_of_an_aggregate_extract_are_of_no_other_extract() -> None:
    """Nobody can be followed from one day to the next, not even who has both."""
    ids = {concealment("aggregate", snapshot).rows("User", USERS)["Id"][0].as_py() for snapshot in "ab"}

    assert len(ids) == 2
    assert pseudonym(KEY.encode(), ANN) not in ids


def test_objects_without_people_pass() -> None:
    """Licenses and profiles are nobody's."""
    rows = pa.table({"Id": ["100A00000000001IAA"], "Name": ["Salesforce"], "TotalLicenses": [5]})

    assert concealment().rows("UserLicense", rows) is rows


@pytest.mark.parametrize("name", ["SetupAuditTrail", "LoginHistory"])
def test_what_tells_of_the_past_is_refused(name: str) -> None:
    """Its texts name people in words that nobody can find all of."""
    with pytest.raises(ConfigError, match=name):
        concealment().rows(name, pa.table({"Display": ["Changed profile for user Ann Smith"]}))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"PRIVACY_MODE": "pseudonymous"}, "pseudonym_key"),
        ({"PRIVACY_MODE": "aggregate"}, "pseudonym_key"),
        ({"PRIVACY_MODE": "secret", "PSEUDONYM_KEY": KEY}, "privacy_mode"),
        ({"PRIVACY_MODE": "aggregate", "PSEUDONYM_KEY": KEY, "DIRECTORY": "people.csv"}, "directory"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    values: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mode without its key, an unknown mode, a list of people beside a mode that wants none."""
    for name, value in values.items():
        monkeypatch.setenv(f"LICENSE_LEDGER_{name}", value)

    with pytest.raises(ConfigError, match=named):
        load_settings()


@pytest.mark.parametrize(
    ("one", "other", "result"),
    [
        ("named", "pseudonymous", "pseudonymous"),
        ("aggregate", "pseudonymous", "aggregate"),
        ("named", "named", "named"),
    ],
)
def test_of_two_modes_the_one_that_tells_less_counts(
    one: PrivacyMode, other: PrivacyMode, result: PrivacyMode
) -> None:
    """A landing that conceals people makes no snapshot that names them."""
    assert stricter(one, other) == stricter(other, one) == result
