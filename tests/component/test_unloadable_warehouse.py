"""A warehouse that cannot be loaded is found out before anything is asked or written."""

from __future__ import annotations

from pathlib import Path

import pytest

from license_ledger.errors import ConfigError
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

SERVER = "postgresql://ledger:s3cret/1@db.example/ledger"  # pragma: allowlist secret


@pytest.mark.parametrize("warehouse", [SERVER, "warehouse_default"])
def test_a_warehouse_that_is_not_loaded_ends_the_run_at_its_beginning(
    demo_org: RunningOrg, tmp_path: Path, warehouse: str
) -> None:
    """A URL that leads nowhere, or an id that nobody has looked up: no request, no file, no secret told."""
    walk = Walk(demo_org.connection(), tmp_path / "ledger", noon(TODAY), values={"warehouse": warehouse})
    demo_org.control.clear_requests()

    with pytest.raises(ConfigError, match="setting warehouse: ") as caught:
        walk.run()

    assert "LICENSE_LEDGER_WAREHOUSE" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert demo_org.control.requests() == []
    assert [path for path in (tmp_path / "ledger").rglob("*") if path.is_file()] == []


def test_a_run_without_a_warehouse_publishes_all_the_same(demo_org: RunningOrg, tmp_path: Path) -> None:
    """What the error proposes works: with an empty setting the day is published and nothing loaded."""
    walk = Walk(demo_org.connection(), tmp_path / "ledger", noon(TODAY), values={"warehouse": ""})

    snapshot = walk.run()

    assert snapshot.table("users", ["user_id"]).num_rows > 0
    assert list((tmp_path / "ledger").rglob("*.duckdb")) == []
