"""
An example of another team's DAG: a daily file of the licenses that need attention, for whoever buys them.

It runs when the ledger has loaded a day into the warehouse, for that very day: asset events carry the day as
partition key. `PartitionedAssetTimetable` is needed for that; a plain `schedule=[asset]` never fires on an
event with a key. The run's own partition key is the day, also when the ledger backfills: one run per day.

Copy it, change the query, and set the Airflow Variable `license_report_directory`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, PartitionedAssetTimetable, Variable, task

ORG = "salesforce_default"
LICENSES = Asset(name=f"license_ledger.{ORG}.licenses", uri=f"x-license-ledger://{ORG}/licenses")
MISMATCHES = Asset(name=f"license_ledger.{ORG}.mismatches", uri=f"x-license-ledger://{ORG}/mismatches")

QUERY = """
    SELECT license_layer, license_name, total_count, used_count, in_scope_count,
        utilization_percent, expires_on
    FROM license_position
    WHERE org_id = ? AND snapshot_date = ?
        AND (is_nearly_exhausted OR is_over_allocated OR expires_in_days <= 90)
    ORDER BY license_layer, license_name, license_id
"""

with DAG(
    "license_report",
    description="Licenses that need attention, one file per snapshot.",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=LICENSES & MISMATCHES),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["licenses", "example"],
):

    @task(multiple_outputs=False)
    def write_report(dag_run: Any = None, triggering_asset_events: Any = None) -> dict[str, Any]:
        """Write `licenses-<day>.csv`; the same day again replaces the file."""
        from pathlib import Path

        from license_ledger.console.export import harmless
        from license_ledger.settings import load_settings
        from license_ledger.warehouse.duckdb import open_readonly, warehouse_path

        day = dag_run.partition_key
        [event, *_] = triggering_asset_events[LICENSES]
        path = Path(Variable.get("license_report_directory")) / f"licenses-{day}.csv"
        with open_readonly(warehouse_path(load_settings().warehouse)) as warehouse:
            found = warehouse.execute(QUERY, [event.extra["org_id"], day]).df()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Names come from outside: none of them is to be run by a spreadsheet.
        found.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell).to_csv(path, index=False)
        return {"day": day, "licenses": len(found), "file": str(path)}

    write_report()
