"""The Airflow provider: ``SalesforceHook.make_query``, ``object_to_df``, and pandas into Parquet."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from airflow.providers.salesforce.hooks.salesforce import SalesforceHook


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    hook = SalesforceHook("salesforce_bench", session_id=order["token"])
    query = f"SELECT {','.join(order['fields'])} FROM User"  # noqa: S608 - names of the bench
    frame = hook.object_to_df(hook.make_query(query)["records"])
    frame.to_parquet(Path(order["out"]) / "User.parquet")


if __name__ == "__main__":
    main()
