"""Airbyte's source-salesforce: its own entry point, full refresh of User, messages into a file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from source_salesforce.run import run

KINDS = {
    "boolean": {"type": ["boolean", "null"]},
    "datetime": {"type": ["string", "null"], "format": "date-time"},
}


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    out = Path(order["out"])
    properties = {
        name: KINDS.get(kind, {"type": ["string", "null"]}) for name, kind in order["fields"].items()
    }
    stream = {
        "name": "User",
        "json_schema": {"type": "object", "additionalProperties": True, "properties": properties},
        "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_primary_key": [["Id"]],
    }
    catalog = {
        "streams": [{"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]
    }
    config = {
        "client_id": order["client_id"],
        "client_secret": order["client_secret"],
        "refresh_token": order["refresh_token"],
        "auth_type": "Client",
        "is_sandbox": False,
        "start_date": "2000-01-01T00:00:00Z",
    }
    (out / "catalog.json").write_text(json.dumps(catalog), "utf-8")
    (out / "config.json").write_text(json.dumps(config), "utf-8")
    sys.argv[1:] = ["read", "--config", str(out / "config.json"), "--catalog", str(out / "catalog.json")]
    messages = os.open(out / "messages.jsonl", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(messages, 1)
    run()


if __name__ == "__main__":
    main()
