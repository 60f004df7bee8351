"""Entries of the set-up audit trail, in the wordings of several releases and languages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.history.audit import ENTRIES_SCHEMA, read_entries
from license_ledger.history.wording import meaning_of
from license_ledger.transform.activity import instant

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)


def trail(*entries: tuple[str, str | None]) -> pa.Table:
    """A landed trail, an hour between entries, the first one the earliest."""
    return pa.table(
        {
            "Action": [action for action, _ in entries],
            "Display": pa.array([display for _, display in entries], pa.string()),
            "CreatedDate": pa.array(
                [AT + timedelta(hours=number) for number in range(len(entries))], pa.timestamp("us", "UTC")
            ),
        }
    )


def read(action: str, display: str) -> dict[str, Any]:
    """The one entry that this makes, without what is null or empty."""
    (row,) = read_entries(trail((action, display))).to_pylist()
    return {
        name: value
        for name, value in row.items()
        if value not in (None, "") and name not in ("at", "display")
    }


ENGLISH: list[tuple[str, str, dict[str, Any]]] = [
    ("activateduser", "Activated user Ann Bell", {"attribute": "active", "turns": 1, "who": "Ann Bell"}),
    (
        "activateduser",
        "Activated user Ann Bell (UserID: [0055g0000001AbC])",
        {"attribute": "active", "turns": 1, "who": "Ann Bell", "user_id15": "0055g0000001AbC"},
    ),
    (
        "deactivateduser",
        "Deactivated user Ann (the other) Bell.",
        {"attribute": "active", "turns": 0, "who": "Ann (the other) Bell"},
    ),
    (
        "CSPUserDisabled",
        "User ann@acme.com disabled as a Customer Portal user",
        {"attribute": "active", "turns": 0, "who": "ann@acme.com"},
    ),
    (
        "PRMUserDisabled",
        "User ann@acme.com disabled as a Partner user",
        {"attribute": "active", "turns": 0, "who": "ann@acme.com"},
    ),
    ("frozeuser", "Froze user Ann Bell", {"attribute": "frozen", "turns": 1, "who": "Ann Bell"}),
    ("frozeuser", "Froze user account for Ann Bell", {"attribute": "frozen", "turns": 1, "who": "Ann Bell"}),
    (
        "unfrozeuser",
        "Unfroze user account for Ann Bell",
        {"attribute": "frozen", "turns": 0, "who": "Ann Bell"},
    ),
    (
        "changedprofileforuserstdtocust",
        "Changed profile for user Ann Bell from Standard User to Field Technician",
        {
            "attribute": "profile",
            "turns": -1,
            "who": "Ann Bell",
            "before": "Standard User",
            "after": "Field Technician",
        },
    ),
    (
        "changedroleforuserfromnone",
        "Changed role for user Ann Bell to CEO",
        {"attribute": "role", "turns": -1, "who": "Ann Bell", "after": "CEO"},
    ),
    (
        "changedsupportuseroffon",
        "For user Ann Bell, changed Service Cloud user from off to on",
        {
            "attribute": "feature",
            "feature": "support",
            "turns": 1,
            "who": "Ann Bell",
            "license": "Service Cloud user",
        },
    ),
    (
        "changedworkdotcomuserfeatureuseronoff",
        "Changed WDC User checkbox for user Ann Bell from on to off",
        {
            "attribute": "feature",
            "feature": "workdotcomuserfeature",
            "turns": 0,
            "who": "Ann Bell",
            "license": "WDC User",
        },
    ),
    (
        "changedemail",
        "Changed email address for user Ann Bell",
        {"attribute": "email", "turns": -1, "who": "Ann Bell"},
    ),
    (
        "changedemail",
        "For user Ann Bell, changed email from ann@acme.com to ann@globex.example",
        {
            "attribute": "email",
            "turns": -1,
            "who": "Ann Bell",
            "before": "ann@acme.com",
            "after": "ann@globex.example",
        },
    ),
    (
        "changedusername",
        "Changed username for user Ann Bell",
        {"attribute": "username", "turns": -1, "who": "Ann Bell"},
    ),
    (
        "PermSetLicenseAssign",
        "Permission set license Sales User: assigned to user Ann Bell (UserID: [0055g0000001AbC])",
        {
            "attribute": "permission_set",
            "turns": 1,
            "who": "Ann Bell",
            "license": "Sales User",
            "user_id15": "0055g0000001AbC",
        },
    ),
    (
        "PermSetLicenseUnassign",
        "Permission set license Sales: Plus removed from user Ann Bell",
        {"attribute": "permission_set", "turns": 0, "who": "Ann Bell", "license": "Sales: Plus"},
    ),
    (
        "granteduserpackagelicense",
        "Granted 1 User Package Licenses for User with ID: 0055g0000001AbC",
        {"attribute": "package", "turns": 1, "user_id15": "0055g0000001AbC"},
    ),
    (
        "granteduserpackagelicense",
        "Granted Altify package license to user Ann Bell",
        {"attribute": "package", "turns": 1, "who": "Ann Bell", "license": "Altify"},
    ),
    (
        "revokeduserpackagelicense",
        "Revoked User Package License assignment",
        {"attribute": "package", "turns": 0},
    ),
]


@pytest.mark.parametrize(("action", "display", "expected"), ENGLISH, ids=[case[1] for case in ENGLISH])
def test_english_sentences_are_understood(action: str, display: str, expected: dict[str, Any]) -> None:
    """The sentence tells who, what, and from what to what."""
    assert read(action, display) == {**expected, "names_user": True, "is_english": True}


def test_an_entry_that_names_a_package_names_no_user() -> None:
    """It is kept, since it tells which package the entry of the same second is about."""
    found = read(
        "addeduserpackagelicense",
        "Added 1 User Package Licenses for Package License with ID: 0505g0000001AbC",
    )

    assert found["license_id15"] == "0505g0000001AbC"
    assert not found["names_user"]


OTHERS = [
    ("deactivateduser", "Benutzer Ann Bell deaktiviert", "active", 0),
    ("frozeuser", "Compte de l'utilisateur Ann Bell gelé", "frozen", 1),
    ("changedprofileforuser", "Ann Bell のプロファイルを変更しました", "profile", -1),
    ("changedsupportuseronoff", "Opción Service Cloud desactivada para Ann Bell", "feature", 0),
    (
        "PermSetLicenseAssign",
        "Licencia de conjunto de permisos Sales asignada a Ann Bell",
        "permission_set",
        1,
    ),
]


@pytest.mark.parametrize(("action", "display", "attribute", "turns"), OTHERS)
def test_the_action_tells_what_happened_in_any_language(
    action: str, display: str, attribute: str, turns: int
) -> None:
    """The code is the same everywhere; whom it is about has to be found in the sentence."""
    found = read(action, display)

    assert (found["attribute"], found["turns"]) == (attribute, turns)
    assert not found["is_english"]
    assert "who" not in found


@pytest.mark.parametrize(
    "action",
    [
        *("createduser", "changedpassword", "suOrgAdminLogin", "PermSetAssign", "PermSetUnassign"),
        *("useremailchangesent", "newProfileUIOffOn", "changedManager", ""),
    ],
)
def test_other_actions_do_not_concern_licenses(action: str) -> None:
    """They make no entry."""
    assert meaning_of(action) is None
    assert read_entries(trail((action, "Something else"))).num_rows == 0


def test_entries_come_newest_first_and_only_from_after_the_moment() -> None:
    """As they have to be undone; one at the very moment has happened already."""
    table = trail(*[("activateduser", f"Activated user {name}") for name in "ABCD"])

    assert read_entries(table)["who"].to_pylist() == ["D", "C", "B", "A"]
    assert read_entries(table, instant(AT + timedelta(hours=1)))["who"].to_pylist() == ["D", "C"]
    assert read_entries(table).schema == ENTRIES_SCHEMA


def test_an_empty_trail_and_an_empty_sentence_are_no_error() -> None:
    """Nothing happened, or nobody says to whom."""
    assert read_entries(trail()).schema == ENTRIES_SCHEMA
    assert read_entries(trail(("frozeuser", None)))["display"].to_pylist() == [""]


def test_a_trail_without_its_fields_is_refused() -> None:
    """A missing column is drift, a missing value is corrupt."""
    with pytest.raises(SchemaDrift, match=r"SetupAuditTrail\.Action"):
        read_entries(trail(("frozeuser", "x")).drop_columns("Action"))
    undated = trail(("frozeuser", "x")).set_column(2, "CreatedDate", pa.nulls(1, pa.timestamp("us", "UTC")))
    with pytest.raises(CorruptAnswer, match=r"SetupAuditTrail\.CreatedDate"):
        read_entries(undated)
