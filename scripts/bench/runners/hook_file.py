"""The Airflow provider: ``SalesforceHook.make_query`` and ``write_object_to_file``, CSV by default."""

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
    records = hook.make_query(query)["records"]
    hook.write_object_to_file(records, str(Path(order["out"]) / "User.csv"))


if __name__ == "__main__":
    main()
