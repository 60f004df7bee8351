"""Which days of history go: by properties, and by example."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.schemas import PROVENANCES
from license_ledger.settings import Settings
from license_ledger.staging.retention import Policy, days_to_drop

FIRST = date(2024, 12, 30)

histories = st.dictionaries(
    st.integers(0, 900).map(lambda days: FIRST + timedelta(days=days)),
    st.sampled_from(PROVENANCES),
    max_size=250,
)
todays = st.integers(0, 1200).map(lambda days: FIRST + timedelta(days=days))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies that the settings allow."""
    daily = draw(st.integers(1, 200))
    weekly = draw(st.sampled_from([0, 1])) * (daily + draw(st.integers(0, 300)))
    monthly = (weekly + draw(st.integers(0, 500))) if weekly and draw(st.booleans()) else 0
    return Policy(daily, weekly, monthly)


def _left(days: dict[date, str], today: date, policy: Policy) -> dict[date, str]:
    gone = days_to_drop(days, today, policy)
    return {day: provenance for day, provenance in days.items() if day not in gone}


@given(histories, policies(), todays)
def test_the_newest_day_stays(days: dict[date, str], policy: Policy, today: date) -> None:
    """Whatever the policy and however old it is."""
    if days:
        assert max(days) in _left(days, today, policy)


@given(histories, policies(), todays)
def test_dropping_twice_drops_nothing_more(days: dict[date, str], policy: Policy, today: date) -> None:
    """What is left is what stays of what is left."""
    left = _left(days, today, policy)

    assert _left(left, today, policy) == left


@given(histories, policies(), todays, todays)
def test_thinning_out_in_steps_ends_as_all_at_once(
    days: dict[date, str], policy: Policy, one: date, other: date
) -> None:
    """A later day keeps no more than an earlier one, and the same whether there was an earlier one or not."""
    sooner, later = sorted((one, other))
    first = _left(days, sooner, policy)

    assert _left(days, later, policy).keys() <= first.keys()
    assert _left(first, later, policy) == _left(days, later, policy)


@given(histories, policies(), todays)
def test_every_week_and_month_within_reach_keeps_a_day(
    days: dict[date, str], policy: Policy, today: date
) -> None:
    """No period loses all its days before its time, and a known one is not given up for a guessed one."""
    left = _left(days, today, policy)
    for day in days:
        age = (today - day).days
        week = [other for other in days if other.isocalendar()[:2] == day.isocalendar()[:2]]
        youngest = (today - max(week)).days
        if age > policy.daily and (not policy.weekly or max(age, youngest) <= policy.weekly):
            kept = [other for other in week if other in left]
            assert kept
            if any(days[other] != "reconstructed" for other in week):
                assert any(left[other] != "reconstructed" for other in kept)


@given(histories, todays)
def test_by_default_every_day_stays(days: dict[date, str], today: date) -> None:
    """Nothing goes unless a setting says so."""
    assert days_to_drop(days, today, Policy.of(Settings())) == set()


@given(histories, policies(), todays)
def test_the_first_day_stays_while_history_has_no_end(
    days: dict[date, str], policy: Policy, today: date
) -> None:
    """Without an end the very first snapshot is kept; with one, nothing but the newest outlives it."""
    left = _left(days, today, policy)
    if days and not policy.monthly:
        assert min(days) in left
    if policy.monthly:
        assert all((today - day).days <= policy.monthly for day in left if day != max(days))


def test_a_year_by_example() -> None:
    """Thirty days, then Sundays and ends of months up to day 90, then ends of months."""
    today = date(2026, 12, 31)
    days = {today - timedelta(days=back): "observed" for back in range(365)}

    left = sorted(_left(days, today, Policy(30, 90, 0)))

    assert left[:10] == [date(2026, 1, 1), *(_end(month) for month in range(1, 10))]
    assert [day for day in left if date(2026, 10, 1) < day < date(2026, 11, 1)] == [
        date(2026, 10, 4),
        date(2026, 10, 11),
        date(2026, 10, 18),
        date(2026, 10, 25),
        date(2026, 10, 31),
    ]
    assert left[-31:] == [today - timedelta(days=back) for back in range(30, -1, -1)]


def test_an_observed_day_is_kept_before_a_reconstructed_one() -> None:
    """Of a week whose last days are reconstructed, the last observed one stays."""
    monday = date(2026, 3, 2)
    days = {monday + timedelta(days=at): "reconstructed" for at in range(7)}
    days[monday + timedelta(days=2)] = "observed"
    days[date(2026, 2, 1)] = days[date(2026, 12, 1)] = "observed"

    left = _left(days, date(2026, 12, 1), Policy(1, 365, 0))

    assert monday + timedelta(days=2) in left
    assert monday + timedelta(days=6) not in left


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"history_weekly_days": 90}, "0 keeps every day for ever"),
        ({"history_daily_days": 30, "history_monthly_days": 400}, "0 keeps every week for ever"),
        ({"history_daily_days": 30, "history_weekly_days": 7}, "must not go down"),
        (
            {"history_daily_days": 30, "history_weekly_days": 90, "history_monthly_days": 60},
            "must not go down",
        ),
    ],
)
def test_ages_that_contradict_each_other_are_refused(values: dict[str, int], message: str) -> None:
    """The error says which age cancels which."""
    with pytest.raises(ValueError, match=message):
        Settings(**values)


def _end(month: int) -> date:
    return date(2026, month + 1, 1) - timedelta(days=1)
