"""A view of the warehouse becomes a CSV file, from DuckDB and from Postgres alike."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_snapshots import DAY, ORG, OTHER_ORG, SALES, made_snapshot
from tests.pg import running

from license_ledger.__main__ import main
from license_ledger.inputs.given import read_inputs
from license_ledger.settings import Settings
from license_ledger.warehouse.places import warehouse_at


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The same two days of two orgs, with a price, in a file and in a server."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "p.csv").write_text(
        "product,currency,unit_price,billing_period,starts_on\n=SALES,EUR,31,month,2026-03-01\n"
    )
    (folder / "c.csv").write_text(
        f"license_layer,license_key,product,confidence\nuser,{SALES[2]},=SALES,sure\n"
    )
    settings = Settings(prices=str(folder / "p.csv"), license_products=str(folder / "c.csv"))
    inputs = read_inputs(settings, datetime(2026, 3, 2, tzinfo=UTC))
    snapshots = [
        made_snapshot(40),
        made_snapshot(40, day=DAY + timedelta(days=1)),
        made_snapshot(20, org_id=OTHER_ORG),
    ]
    with running() as server:
        urls = {"duckdb": f"duckdb:///{folder / 'w.duckdb'}", "postgres": server.url(server.database())}
        for url in urls.values():
            warehouse_at(url).load_all(snapshots, inputs=inputs)
        yield urls


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(
    request: pytest.FixtureRequest, warehouses: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """One of them, in force."""
    monkeypatch.setenv("LICENSE_LEDGER_WAREHOUSE", warehouses[request.param])
    return str(request.param)


def exported(path: Path, *arguments: str) -> list[dict[str, str]]:
    """The rows that the command writes."""
    assert main(["export", *arguments, "--output", str(path)]) == 0
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_costs_are_exported_as_focus_writes_them(warehouse: str, tmp_path: Path) -> None:
    """One charge per day; instants in UTC, amounts with a point, and no formula in a cell."""
    rows = exported(tmp_path / "focus.csv", "focus_costs", "--org", ORG)

    assert [row["ChargePeriodStart"] for row in rows] == ["2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"]
    assert {row["BilledCost"] for row in rows} == {"51.000000"}
    assert {row["ChargeClass"] for row in rows} == {""}
    assert {row["SkuId"] for row in rows} == {"'=SALES"}


def test_days_and_orgs_are_chosen(warehouse: str, tmp_path: Path) -> None:
    """First and last day and the org narrow the rows, each by itself or together; without them all come."""
    day, next_day = DAY.isoformat(), (DAY + timedelta(days=1)).isoformat()
    counts = {
        (): 3,
        ("--org", ORG): 2,
        ("--from", next_day): 1,
        ("--to", day): 2,
        ("--org", OTHER_ORG, "--from", next_day): 0,
    }

    for view in ("focus_costs", "cost_coverage"):
        for arguments, count in counts.items():
            assert len(exported(tmp_path / "x.csv", view, *arguments)) == count, (view, arguments)


def test_without_a_file_rows_go_to_the_output(warehouse: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command can be piped on."""
    assert main(["export", "license_position", "--org", OTHER_ORG]) == 0
    lines = capsys.readouterr().out.splitlines()

    assert lines[0].startswith("org_id,org_name,snapshot_date,")
    assert len([line for line in lines if line.startswith(OTHER_ORG)]) == 5


def test_a_view_without_days_has_none_to_choose(
    warehouse: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of leaving the option out of account, the command says so."""
    assert main(["export", "users_history", "--from", "2026-03-02", "--output", str(tmp_path / "x.csv")]) == 1
    assert "export of users_history: has no day to choose by" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told(warehouse: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the disk is an error of the ledger, with the path."""
    assert main(["export", "license_position", "--output", "/proc/nowhere/x.csv"]) == 1
    assert "ConfigError: writing /proc/nowhere/x.csv" in capsys.readouterr().err
