"""What may be published as true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.errors import ImplausibleSnapshot
from license_ledger.plausibility import DATED, NEVER_EMPTY, SMALL, require_plausible

COUNTS = st.dictionaries(st.sampled_from(["User", "Profile", "UserPackageLicense"]), st.integers(0, 10_000))


@pytest.mark.parametrize("name", NEVER_EMPTY)
def test_an_org_is_never_empty(name: str) -> None:
    """An extract without rows of an object that every org has is refused by that object's name."""
    with pytest.raises(ImplausibleSnapshot, match=f"extract of {name}: no rows"):
        require_plausible({name: 0}, None, 1.0)


@pytest.mark.parametrize(
    ("now", "was", "tolerance", "refused"),
    [
        (69, 100, 0.3, True),
        (70, 100, 0.3, False),
        (100, 100, 0.0, False),
        (99, 100, 0.0, True),
        (120, 100, 0.0, False),
        (0, SMALL - 1, 0.0, False),
        (0, SMALL, 0.3, True),
        (0, 1000, 1.0, False),
    ],
)
def test_a_shrunken_extract_is_refused(now: int, was: int, tolerance: float, refused: bool) -> None:
    """Exactly the share that the setting tolerates may disappear; small objects may do as they like."""
    landed, before = {"UserPackageLicense": now}, {"UserPackageLicense": was}
    if refused:
        with pytest.raises(ImplausibleSnapshot, match=rf"UserPackageLicense: {now:,} rows, {was:,} in"):
            require_plausible(landed, before, tolerance)
    else:
        require_plausible(landed, before, tolerance)


@given(COUNTS, st.floats(0, 1))
def test_growing_is_always_plausible(before: dict[str, int], tolerance: float) -> None:
    """Whatever the tolerance, an extract with more rows of everything is accepted."""
    require_plausible({name: rows + 1 for name, rows in before.items()}, before, tolerance)


def test_an_object_that_became_invisible_is_a_capability_not_a_leaver() -> None:
    """An object that could not be read at all is no shrinkage: the capability report speaks of it."""
    require_plausible({"User": 100}, {"User": 100, "UserPackageLicense": 500}, 0.1)


@pytest.mark.parametrize("name", sorted(DATED))
def test_fewer_days_of_history_are_no_shrinking(name: str) -> None:
    """How many rows of dated objects land depends on the days that were asked for, not on the org."""
    require_plausible({name: 10}, {name: 100_000}, 0.3)
