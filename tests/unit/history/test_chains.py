"""Walking back through entries, with several users whom each may be about."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.history.chains import MOST_COMBINATIONS, UNKNOWN, Claims, Walked, walk_back

Entry = tuple[int, list[tuple[int, int, int]]]
"""When, and possibilities: chain, before, after."""


def walked(entries: list[Entry], today: dict[int, int]) -> Walked:
    """Walk entries back that are given oldest first."""
    rows = [
        (len(entries) - number, at, chain, before, after)
        for number, (at, options) in enumerate(entries)
        for chain, before, after in options
    ]
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    claims = Claims(*columns)
    return walk_back(claims, np.array([today[chain] for chain in claims.chain.tolist()], np.int64))


def states(result: Walked) -> dict[int, int | None]:
    """State by chain, None where it is not settled."""
    return {
        chain: state if settled else None
        for chain, state, settled in zip(
            result.chain.tolist(), result.state.tolist(), result.settled.tolist(), strict=True
        )
    }


def test_entries_are_undone_one_after_the_other() -> None:
    """Deactivated, activated, deactivated: active at the moment, until the first of them."""
    result = walked([(1, [(7, 1, 0)]), (2, [(7, 0, 1)]), (3, [(7, 1, 0)])], {7: 0})

    assert states(result) == {7: 1}
    assert result.until.tolist() == [1]
    assert not len(result.ambiguous)
    assert not len(result.contradicted)


def test_no_entries_no_chains() -> None:
    """Nothing to walk back."""
    assert states(walked([], {})) == {}


def test_the_state_of_today_tells_namesakes_apart() -> None:
    """Who is active today and was not activated later cannot be the one who was deactivated."""
    result = walked([(1, [(1, 1, 0), (2, 1, 0)])], {1: 0, 2: 1})

    assert states(result) == {1: 1, 2: 1}
    assert not len(result.ambiguous)


def test_namesakes_in_the_same_state_stay_ambiguous() -> None:
    """One of two was deactivated; nobody can tell which."""
    result = walked([(1, [(1, 1, 0), (2, 1, 0)])], {1: 0, 2: 0})

    assert states(result) == {1: None, 2: None}
    assert result.state.tolist() == [0, 0]
    assert result.possible == {1: frozenset({0, 1}), 2: frozenset({0, 1})}
    assert len(result.ambiguous) == 1


def test_as_many_entries_as_namesakes_settle_all() -> None:
    """Both were deactivated, in whichever order."""
    result = walked([(1, [(1, 1, 0), (2, 1, 0)]), (2, [(1, 1, 0), (2, 1, 0)])], {1: 0, 2: 0})

    assert states(result) == {1: 1, 2: 1}
    assert not len(result.ambiguous)


def test_a_later_entry_about_one_tells_who_an_earlier_one_is_about() -> None:
    """Moved from B to C is who was moved to B before."""
    result = walked([(1, [(1, 10, 11), (2, 10, 11)]), (2, [(1, 11, 12)])], {1: 12, 2: 13})

    assert states(result) == {1: 10, 2: 13}


def test_an_entry_that_fits_nobody_is_said_to_and_changes_nothing() -> None:
    """It must be about somebody else."""
    result = walked([(1, [(1, 1, 0)])], {1: 1})

    assert states(result) == {1: 1}
    assert len(result.contradicted) == 1


def test_a_state_that_is_not_told_is_not_settled() -> None:
    """From an unknown profile: it was another one, nobody knows which."""
    result = walked([(1, [(1, UNKNOWN, 5)])], {1: 5})

    assert states(result) == {1: None}


def test_too_many_combinations_are_given_up() -> None:
    """The work stays bounded; nothing is settled then."""
    namesakes = list(range(14))
    result = walked(
        [(n, [(chain, 1, 0) for chain in namesakes]) for n in range(7)], dict.fromkeys(namesakes, 0)
    )

    assert MOST_COMBINATIONS < 2**14
    assert set(states(result).values()) == {None}
    assert len(result.ambiguous) == 7


@st.composite
def _pasts(draw: st.DrawFn) -> tuple[list[Entry], dict[int, int], dict[int, int]]:
    """True entries with further possibilities, states of today, true states at the moment."""
    size = draw(st.integers(1, 4))
    start = {chain: draw(st.integers(0, 2)) for chain in range(size)}
    now, entries = dict(start), []
    for at in range(draw(st.integers(0, 7))):
        chain, after = draw(st.integers(0, size - 1)), draw(st.integers(0, 2))
        if after == now[chain]:
            continue
        others = draw(st.sets(st.integers(0, size - 1)))
        told = draw(st.booleans())
        before = now[chain] if told else UNKNOWN
        entries.append((at, [(each, before, after) for each in sorted({chain, *others})]))
        now[chain] = after
    return entries, now, start


@given(_pasts())
def test_what_is_settled_is_true(past: tuple[list[Entry], dict[int, int], dict[int, int]]) -> None:
    """Property: as long as whom an entry is about is among the possibilities, nothing settled is wrong."""
    entries, today, truth = past
    result = walked(entries, today)

    assert not len(result.contradicted)
    for chain, state in states(result).items():
        assert state in (None, truth[chain])
        possible = result.possible.get(chain, frozenset({UNKNOWN} if state is None else {state}))
        assert truth[chain] in possible or UNKNOWN in possible
