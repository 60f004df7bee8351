"""Record ids and the random numbers everything is drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_org.world import World, ids
from demo_org.world.draws import Draws


def test_checksum_of_a_known_id() -> None:
    """The checksum is the one Salesforce computes."""
    assert ids.checksum("001D000000IqhSL") == "IAZ"
    assert ids.is_valid("001D000000IqhSLIAZ")
    assert not ids.is_valid("001D000000IqhSLIAA")
    assert not ids.is_valid("001D000000IqhSL")


@given(st.lists(st.integers(0, 62**9 - 1), min_size=1, max_size=50, unique=True))
def test_ids_are_valid_unique_and_sort_like_their_counters(counters: list[int]) -> None:
    """Any counters give valid, distinct ids in the same order as the counters."""
    made = ids.encode("005", "kR", np.array(sorted(counters), dtype=np.int64)).to_pylist()
    assert all(ids.is_valid(id_) for id_ in made)
    assert made == sorted(made)
    assert len(set(made)) == len(counters)


def test_every_id_in_the_org_has_a_valid_checksum(large_world: World) -> None:
    """Every record id and every reference in every table of licenses and people passes the checksum."""
    for name in (
        "User",
        "Profile",
        "UserLicense",
        "PermissionSetLicenseAssign",
        "UserPackageLicense",
        "Contact",
    ):
        table = large_world.table(name)
        for column in table.column_names:
            if column == "Id" or column.endswith("Id"):
                values = set(table[column].to_pylist()) - {None}
                assert all(ids.is_valid(value) for value in values), (name, column)
    assert ids.is_valid(large_world.org_id)


def test_no_ids_for_no_counters() -> None:
    """Nothing asked for gives an empty column, not an error."""
    assert ids.encode("005", "kR", np.empty(0, dtype=np.int64)).to_pylist() == []


def test_draws_do_not_depend_on_what_is_asked_together() -> None:
    """A row's number is the same alone, in a slice, and in another order."""
    draws = Draws(3)
    rows = np.arange(1_000)
    together = draws.unit("x", rows)
    assert np.array_equal(together[500:600], draws.unit("x", rows[500:600]))
    assert np.array_equal(together[::-1], draws.unit("x", rows[::-1]))


@pytest.mark.parametrize("stream", ["a", "b"])
def test_draws_are_even(stream: str) -> None:
    """Numbers fill [0, 1) evenly, and chances come out as asked."""
    draws, rows = Draws(11), np.arange(200_000)
    histogram = np.histogram(draws.unit(stream, rows), bins=10, range=(0, 1))[0]
    assert histogram.min() > 19_400
    assert abs(draws.chance(stream, rows, 0.3).mean() - 0.3) < 0.005
    picked = np.bincount(draws.pick(stream, rows, np.array([1.0, 3.0])))
    assert abs(picked[1] / picked[0] - 3) < 0.1


def test_seeds_and_streams_are_unrelated() -> None:
    """Another seed or another stream gives other numbers."""
    rows = np.arange(100)
    assert not np.array_equal(Draws(1).bits("a", rows), Draws(2).bits("a", rows))
    assert not np.array_equal(Draws(1).bits("a", rows), Draws(1).bits("b", rows))
