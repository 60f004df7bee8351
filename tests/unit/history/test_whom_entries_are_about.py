"""Whom an entry is about: by id, name, second, label; and what stays open when it is about nobody known."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from tests.unit.history.made_past import LABELS, Past, Person, at, landed, license_id, record_id

from license_ledger.history.as_of import Reconstruction, reconstruct
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.storage import Storage

NOW, MOMENT = 100.0, 10.0
ANN, BO = record_id("005", 0), record_id("005", 1)
_NUMBERS = count()


def back(
    people: list[Person], trail: list[tuple[float, str, str]]
) -> tuple[dict[str, dict[str, Any]], dict[str, str], RunFolder, Reconstruction]:
    """Users of the moment by id, certainty of licenses by id, the folder, the receipt."""
    storage = Storage.from_url(f"memory://whom-{next(_NUMBERS)}")
    anchor = landed(Past(people, trail), NOW, storage)
    target = RunFolder(storage, anchor.folder.day.org_id, at(MOMENT).date(), "back")
    receipt = reconstruct(anchor, at(MOMENT), target, snapshot_id="back")
    users = {row["Id"]: row for row in target.table("User").to_pylist()}
    doubts = {row["license_id"]: row["certainty"] for row in target.table("LedgerDoubt").to_pylist()}
    return users, doubts, target, receipt


def ann(**changes: Any) -> Person:
    """The first user, long there, last changed at hour 50."""
    return Person(0, changes.pop("name", "Ann Bell"), created=-2000.0, **{"modified": 50.0, **changes})


def bo(**changes: Any) -> Person:
    """The second user."""
    return Person(1, changes.pop("name", "Bo Li"), created=-2000.0, **{"modified": 50.0, **changes})


def certainty(users: dict[str, dict[str, Any]]) -> dict[str, str]:
    """How sure each user is."""
    return {user: row["LedgerCertainty"] for user, row in users.items()}


def test_an_id_counts_more_than_a_name() -> None:
    """The name in the sentence is that of the other one; the id tells."""
    text = f"Deactivated user Bo Li (UserID: [{ANN[:15]}])"
    users, _, _, receipt = back([ann(active=False), bo(active=False)], [(50.0, "deactivateduser", text)])

    assert (users[ANN]["IsActive"], users[BO]["IsActive"]) == (True, False)
    assert receipt["trail"]["resolved"] == 1


def test_a_username_names_a_user_as_well() -> None:
    """Portal users go by it."""
    text = "User user0@acme.com disabled as a Customer Portal user"
    users, _, _, _ = back([ann(active=False)], [(50.0, "CSPUserDisabled", text)])

    assert users[ANN]["IsActive"]
    assert users[ANN]["LedgerCertainty"] == "likely"


def test_a_namesake_changed_in_the_second_of_the_entry_is_meant() -> None:
    """Both are inactive, and one record was last changed just then."""
    people = [ann(active=False), bo(name="Ann Bell", active=False, modified=60.0)]
    users, _, _, receipt = back(people, [(50.0, "deactivateduser", "Deactivated user Ann Bell")])

    assert (users[ANN]["IsActive"], users[BO]["IsActive"]) == (True, False)
    assert receipt["trail"]["ambiguous"] == 0


def test_namesakes_who_cannot_be_told_apart_are_unsure_and_counted() -> None:
    """Both records were changed later."""
    people = [ann(active=False, modified=70.0), bo(name="Ann Bell", active=False, modified=60.0)]
    users, _, _, receipt = back(people, [(50.0, "deactivateduser", "Deactivated user Ann Bell")])

    assert certainty(users) == {ANN: "unsure", BO: "unsure"}
    assert receipt["trail"]["ambiguous"] == 1


def test_a_namesake_who_did_not_exist_or_was_not_changed_is_not_meant() -> None:
    """One was created later, one last changed before."""
    people = [
        ann(active=False, modified=70.0),
        bo(name="Ann Bell", active=False, modified=40.0),
        Person(2, "Ann Bell", created=55.0, active=False, modified=70.0),
    ]
    users, _, _, receipt = back(people, [(50.0, "deactivateduser", "Deactivated user Ann Bell")])

    assert users[ANN]["IsActive"]
    assert users.keys() == {ANN, BO}
    assert receipt["trail"]["resolved"] == 1


def test_an_entry_about_nobody_known_is_about_who_was_changed_just_then() -> None:
    """The sentence says nothing, the second does."""
    users, _, _, receipt = back(
        [ann(active=False), bo(active=False, modified=60.0)], [(50.0, "deactivateduser", "※")]
    )

    assert (users[ANN]["IsActive"], users[BO]["IsActive"]) == (True, False)
    assert receipt["trail"]["other_language"] == receipt["trail"]["resolved"] == 1


def test_an_entry_about_a_renamed_user_makes_all_unsure_whom_it_may_concern() -> None:
    """Whoever was changed since and is inactive; not who is active, nor who was not changed since."""
    people = [
        ann(active=False, modified=70.0),
        bo(active=True, modified=70.0),
        Person(2, "Cy Moss", created=-2000.0, active=False, modified=5.0),
    ]
    users, _, _, receipt = back(people, [(50.0, "deactivateduser", "Deactivated user Ann Koch")])

    assert certainty(users) == {ANN: "unsure", BO: "likely", record_id("005", 2): "sure"}
    assert receipt["trail"]["unresolved"] == 1


def test_a_freeze_in_an_unknown_wording_may_concern_anybody() -> None:
    """Freezing does not change the user's record, so who is frozen today may not have been then."""
    people = [ann(frozen=True, modified=0.0, login_modified=60.0), bo(modified=0.0)]
    users, _, target, _ = back(people, [(50.0, "frozeuser", "※")])

    assert certainty(users) == {ANN: "unsure", BO: "sure"}
    assert not users[ANN]["LedgerFrozenKnown"]
    assert target.table("UserLogin").num_rows == 0


def test_a_profile_that_is_gone_leaves_the_license_open() -> None:
    """Nobody knows on which license a user of a deleted profile was."""
    text = "Changed profile for user Ann Bell from Deleted Profile to Sales User"
    users, doubts, _, _ = back([ann()], [(50.0, "changedprofileforuser", text)])

    assert users[ANN]["LedgerCertainty"] == "unsure"
    assert {doubts[record_id("100", number)] for number in (0, 1)} == {"unsure"}


def test_a_changed_address_is_not_known_and_the_filter_goes_by_the_new_one() -> None:
    """The address stays in the landing for the filter, marked as not what it was."""
    users, _, _, _ = back(
        [ann(email="ann@globex.example")], [(50.0, "changedemail", "Changed email for user Ann Bell")]
    )

    assert users[ANN]["Email"] == "ann@globex.example"
    assert not users[ANN]["LedgerEmailKnown"]
    assert users[ANN]["LedgerCertainty"] == "unsure"


def test_texts_of_a_changed_user_are_forgotten() -> None:
    """And those of another are as they are."""
    users, _, _, _ = back([ann(), bo(modified=5.0)], [])

    assert (users[ANN]["Name"], users[ANN]["Department"], users[ANN]["LastModifiedDate"]) == (
        None,
        None,
        None,
    )
    assert (users[BO]["Name"], users[BO]["Department"]) == ("Bo Li", "Sales")
    assert certainty(users) == {ANN: "likely", BO: "sure"}


SBQQ, BLNG = (license_id("package", label) for label in LABELS["package"])


def held(target: RunFolder) -> set[tuple[str, str]]:
    """Who held which package."""
    return {
        (row["UserId"], row["PackageLicenseId"]) for row in target.table("UserPackageLicense").to_pylist()
    }


def test_the_name_of_a_package_is_learned_from_a_grant_that_still_holds() -> None:
    """Grant and assignment bear the same second; then the removal of another one is understood."""
    trail = [
        (20.0, "granteduserpackagelicense", "Granted Salesforce CPQ package license to user Bo Li"),
        (50.0, "revokeduserpackagelicense", "Revoked Salesforce CPQ package license from user Ann Bell"),
    ]
    _, doubts, target, receipt = back([ann(), bo(held={("package", "SBQQ"): 20.0})], trail)

    assert held(target) == {(ANN, SBQQ)}
    assert receipt["trail"]["unresolved"] == 0
    assert doubts[SBQQ] == "likely"


def test_the_name_of_a_package_that_cannot_be_learned_leaves_all_packages_open() -> None:
    """It may be any of them."""
    text = "Revoked Salesforce CPQ package license from user Ann Bell"
    _, doubts, target, receipt = back([ann()], [(50.0, "revokeduserpackagelicense", text)])

    assert held(target) == set()
    assert (doubts[SBQQ], doubts[BLNG]) == ("unsure", "unsure")
    assert receipt["trail"]["unresolved"] == 1


def test_two_entries_of_one_second_tell_user_and_package() -> None:
    """One names the user by id, the other the package; a removal may name the package only."""
    trail = [
        (20.0, "granteduserpackagelicense", f"Granted 1 User Package Licenses for User with ID: {ANN[:15]}"),
        (
            20.0,
            "addeduserpackagelicense",
            f"Added 1 User Package Licenses for Package License with ID: {SBQQ[:15]}",
        ),
        (50.0, "revokeduserpackagelicense", "Revoked User Package License assignment"),
        (
            50.0,
            "removeduserpackagelicense",
            f"Removed 1 User Package License for Package License with ID: {SBQQ[:15]}",
        ),
    ]
    _, doubts, target, receipt = back([ann()], trail)

    assert held(target) == set()
    assert (doubts[SBQQ], doubts[BLNG]) == ("unsure", "likely")
    assert receipt["trail"]["entries"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "Perfil de Ann Bell: Read Only, antes Sales User",
        "Perfil de Ann Bell cambiado de Sales User a Read Only",
    ],
)
def test_of_two_profiles_in_a_sentence_the_one_of_today_came_after(text: str) -> None:
    """Whichever the language puts first."""
    users, _, _, _ = back([ann(profile="Read Only")], [(50.0, "changedprofileforuser", text)])

    assert users[ANN]["ProfileId"] == record_id("00e", 0)
    assert users[ANN]["LedgerCertainty"] == "likely"
