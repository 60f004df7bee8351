"""How sure licenses and causes are: as the license itself and the least sure of its holders."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.reconcile.made_licenses import a_license, bridged, holders


def judged(license_certainty: str | None, **doubts: int) -> set[str]:
    """The certainties of a license and of the rows of its bridge."""
    group: dict[str, Any] = {**holders(5), "likely": 0, "unsure": 0, **doubts}
    sure = {**holders(3, "deactivated_holder"), "likely": 0, "unsure": 0}
    result = bridged([a_license(used=5, certainty=license_certainty)], [group, sure])
    return {*result.licenses["certainty"].to_pylist(), *result.mismatches["certainty"].to_pylist()}


@pytest.mark.parametrize(
    ("own", "doubts", "expected"),
    [
        ("sure", {}, "sure"),
        ("sure", {"likely": 1}, "likely"),
        ("sure", {"likely": 4, "unsure": 1}, "unsure"),
        ("likely", {}, "likely"),
        ("likely", {"unsure": 1}, "unsure"),
        ("unsure", {"likely": 1}, "unsure"),
        (None, {}, "sure"),
    ],
)
def test_the_least_sure_decides(own: str | None, doubts: dict[str, int], expected: str) -> None:
    """One unsure holder of five makes the license unsure, and every cause of it."""
    assert judged(own, **doubts) == {expected}


def test_other_licenses_are_not_touched() -> None:
    """A doubt stays with its license."""
    unsure = {**holders(1, license_id="A"), "likely": 0, "unsure": 1}
    sure = {**holders(1, license_id="B"), "likely": 0, "unsure": 0}
    result = bridged([a_license("A", used=1), a_license("B", used=1)], [unsure, sure])

    assert dict(
        zip(result.licenses["license_id"].to_pylist(), result.licenses["certainty"].to_pylist(), strict=True)
    ) == {"A": "unsure", "B": "sure"}
