"""Worlds the tests of the demo org's data half share; nothing here changes their clocks."""

from __future__ import annotations

from datetime import date

import pytest

from demo_org.world import World, WorldOptions

TODAY = date(2026, 5, 28)


@pytest.fixture(scope="session")
def small_world() -> World:
    """Forty hand-named accounts."""
    return World(today=TODAY)


@pytest.fixture(scope="session")
def large_world() -> World:
    """Five thousand accounts, so that everything that is rare occurs."""
    return World(seed=7, users=5_000, today=TODAY, options=WorldOptions(metric_days=2))


@pytest.fixture(scope="session")
def sandbox_world() -> World:
    """A sandbox copy of the five thousand."""
    return World(seed=7, users=5_000, today=TODAY, options=WorldOptions(sandbox=True, metric_days=2))
