"""Desks at demo orgs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.contract.salesforce.desk import Desk
from tests.demo_org_fixtures import RunningOrg


@pytest.fixture
def desk(demo_org: RunningOrg) -> Desk:
    """A desk at an org of this test alone, without rotation."""
    return Desk(demo_org)


@pytest.fixture
def rotating(start_demo_org: Callable[..., RunningOrg]) -> Desk:
    """A desk at an org of this test alone that rotates refresh tokens."""
    return Desk(start_demo_org(rotation=True))


@pytest.fixture
def reading_desk(shared_demo_org: RunningOrg) -> Desk:
    """A desk at the org that tests share; nobody turns its switches."""
    return Desk(shared_demo_org)
