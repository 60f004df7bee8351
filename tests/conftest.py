"""What all tests share: the demo orgs, and how tests are spread over processes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["tests.demo_org_fixtures"]

TESTS = Path(__file__).parent
SPREAD = {"test_oracle.py"}
"""Files whose tests share nothing, so that they may run in several processes at once."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Keep what shares fixtures in one process under ``-n … --dist loadgroup``.

    A file is a group, but for ``e2e``, which is one: its tests start whole Airflows, one after the other.
    """
    for item in items:
        if item.path.name in SPREAD or item.get_closest_marker("xdist_group"):
            continue
        place = item.path.relative_to(TESTS)
        group = place.parts[0] if place.parts[0] == "e2e" else str(place)
        item.add_marker(pytest.mark.xdist_group(group))
