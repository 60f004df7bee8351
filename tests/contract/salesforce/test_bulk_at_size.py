"""Two hundred thousand users by bulk: every value, within bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.demo_org_fixtures import TODAY, RunningOrg

from demo_org.soql.executor import RecordSet, execute
from demo_org.soql.parser import parse
from demo_org.world import World, WorldOptions

USERS = 200_000


def sent(org: RunningOrg, names: list[str]) -> pa.Table:
    """What the org holds, out of its own store and past every wire."""
    result = execute(parse(f"SELECT {', '.join(names)} FROM User"), org.server.org.sight(deleted=False))
    assert isinstance(result, RecordSet)
    columns = [column.read(result.sight.store, result.rows) for column in result.columns]
    return pa.table(dict(zip(names, columns, strict=True)))


@pytest.mark.slow
def test_every_value_of_many_users_arrives_in_bounded_memory(
    start_demo_org: Callable[..., RunningOrg], tmp_path: Path
) -> None:
    """200,000 users with hard texts: the Parquet equals the org's store, and the task grows by little."""
    options = WorldOptions(nul_bytes=True, torture_share=0.05)
    org = start_demo_org(World(users=USERS, today=TODAY, options=options))
    connection, target = tmp_path / "connection.json", tmp_path / "users.parquet"
    connection.write_text(json.dumps(org.connection()["extra"]), encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "tests.contract.salesforce.bulk_extract", str(connection), str(target)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ended.stdout)

    assert told["api"] == "bulk"
    assert told["rows"] == USERS
    assert told["added_mib"] < 250
    landed = pq.read_table(target)
    held = sent(org, landed.column_names)
    for name in landed.column_names:
        expected = held[name].cast(landed[name].type)
        assert landed[name].combine_chunks().equals(expected.combine_chunks()), name
