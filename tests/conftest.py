"""What all tests share: the demo orgs, and how tests are spread over processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.demo_org_fixtures"]

# How long an example takes is the machine's doing.
settings.register_profile("ledger", deadline=None)
settings.load_profile("ledger")

SPREAD = "test_oracle.py"
"""A file whose tests share nothing, so that they may run in several processes at once."""


class ByFile(LoadScopeScheduling):
    """
    Gives a process whole files, so that what they share is made once.

    The end-to-end tests count as one file: each starts whole Airflows, and two at a time are slower than one.
    The console's tests share one API server.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if path.endswith(SPREAD):
            return nodeid
        return next((one for one in ("tests/e2e", "tests/console") if path.startswith(f"{one}/")), path)


@pytest.fixture(autouse=True)
def stores_of_its_own() -> Iterator[None]:
    """
    Take away what the test opened in an object store.

    s3fs keeps one client for all that ask alike, and an address that comes from the environment is no part of
    what is asked: the next test of the process would go on asking a server that has ended.
    """
    yield
    if s3fs := sys.modules.get("s3fs"):
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Spread tests by file under ``-n``."""
    return ByFile(config, log)
