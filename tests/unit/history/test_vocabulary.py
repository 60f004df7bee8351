"""Names that entries use, and what they stand for."""

from __future__ import annotations

import pyarrow as pa
import pytest

from license_ledger.history.vocabulary import NO_ROLE, Vocabulary

FLAGS = (
    "UserPermissionsInteractionUser",
    "UserPermissionsSupportUser",
    "UserPermissionsWorkDotComUserFeature",
)
VOCABULARY = Vocabulary.build(
    profiles=pa.table({"Id": ["p1", "p2", "p3"], "Name": ["Sales", "Service", "Sales"]}),
    roles=pa.table({"Id": ["r1"], "Name": ["CEO"], "DeveloperName": ["Chief"]}),
    permission_set_licenses=pa.table(
        {
            "Id": ["0PL00000000000A", "0PL00000000000B"],
            "MasterLabel": ["Sales", "CRM"],
            "DeveloperName": ["S", "Sales"],
        }
    ),
    package_licenses=None,
    flags=FLAGS,
)


@pytest.mark.parametrize(
    ("word", "label", "expected"),
    [
        ("support", None, FLAGS[1]),
        ("workdotcomuserfeature", None, FLAGS[2]),
        ("workdotcom", None, FLAGS[2]),
        ("flow", "Flow User", FLAGS[0]),
        ("flow", "flow", FLAGS[0]),
        ("holographic", "Hologram", None),
    ],
)
def test_a_feature_goes_by_its_word_or_its_label(word: str, label: str | None, expected: str | None) -> None:
    """The action has a word, the sentence a label; either may be the one that is known."""
    found = VOCABULARY.features_of(word, label)

    assert found == ([] if expected is None else [VOCABULARY.feature(expected)])


def test_a_name_that_several_bear_stands_for_all_of_them() -> None:
    """Then an entry does not tell which; an unknown name tells nothing."""
    assert VOCABULARY.states_of("profile", "Sales") == [0, 2]
    assert VOCABULARY.states_of("profile", "Service") == [1]
    assert VOCABULARY.states_of("profile", "Gone") == VOCABULARY.states_of("profile", None) == []


@pytest.mark.parametrize("text", ["None", "<none>", "", " none "])
def test_no_role_is_a_state_as_well(text: str) -> None:
    """Roles count from one."""
    assert VOCABULARY.states_of("role", text) == [NO_ROLE]
    assert VOCABULARY.states_of("role", "CEO") == VOCABULARY.states_of("role", "Chief") == [1]


def test_a_license_goes_by_id_then_label_then_developer_name() -> None:
    """The label decides where it is the developer name of another."""
    first = VOCABULARY.first("permission_set")

    assert VOCABULARY.licenses_of("permission_set", "CRM", "0PL00000000000A") == [first]
    assert VOCABULARY.licenses_of("permission_set", "Sales", None) == [first]
    assert VOCABULARY.licenses_of("permission_set", "S", None) == [first]
    assert VOCABULARY.licenses_of("package", "anything", None) == []


def test_attributes_are_numbered_without_gaps() -> None:
    """Fixed ones, features, permission set licenses, packages."""
    assert [VOCABULARY.feature(flag) for flag in FLAGS] == [7, 8, 9]
    assert VOCABULARY.first("permission_set") == 10
    assert VOCABULARY.first("package") == VOCABULARY.width == 12
