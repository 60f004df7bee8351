"""The ledger: a session, an inspection, and the User unit of the extract, with every check on."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from pathlib import Path

from tests.walk import MemoryJob, Walk

from license_ledger import extraction


def main() -> None:
    """Run the steps."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    logging.basicConfig(level=logging.WARNING)
    extra = {
        "consumer_key": order["client_id"],
        "consumer_secret": order["client_secret"],
        "refresh_token": order["refresh_token"],
        "login_url": order["url"],
        "ca_bundle": order["ca_bundle"],
        "company_names": "*",
    }
    walk = Walk({"extra": extra}, Path(order["out"]), datetime.fromisoformat(order["now"]))
    walk.values["bulk_threshold"] = 1
    context = walk.context()
    extraction.refresh_token(context)
    units = extraction.inspect_org(context)["units"]
    unit = next(unit for unit in units if unit["objects"] == ["User"])
    extraction.extract(context, unit, MemoryJob())


if __name__ == "__main__":
    main()
