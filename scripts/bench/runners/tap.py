"""Singer's tap-salesforce: its own entry point, all of User by REST, messages into a file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tap_salesforce import main as tap

KINDS = {"boolean": {"type": ["null", "boolean"]}}
MOMENT = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": ["string", "null"]}]}


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    out = Path(order["out"])
    (out / "config.json").write_text(json.dumps(_config(order)), "utf-8")
    (out / "catalog.json").write_text(json.dumps({"streams": [_stream(order["fields"])]}), "utf-8")
    sys.argv[1:] = ["--config", str(out / "config.json"), "--properties", str(out / "catalog.json")]
    messages = os.open(out / "messages.jsonl", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(messages, 1)
    tap()


def _config(order: dict[str, str]) -> dict[str, object]:
    return {
        "client_id": order["client_id"],
        "client_secret": order["client_secret"],
        "refresh_token": order["refresh_token"],
        "start_date": "2000-01-01T00:00:00Z",
        # The other choice is the first Bulk API, which the org has switched off.
        "api_type": "REST",
    }


def _stream(fields: dict[str, str]) -> dict[str, object]:
    properties = {
        name: MOMENT if kind == "datetime" else KINDS.get(kind, {"type": ["null", "string"]})
        for name, kind in fields.items()
    }
    whole: dict[str, object] = {
        "selected": True,
        "table-key-properties": ["Id"],
        "forced-replication-method": "FULL_TABLE",
    }
    metadata = [{"breadcrumb": [], "metadata": whole}] + [
        {"breadcrumb": ["properties", name], "metadata": {"inclusion": "available", "selected": True}}
        for name in fields
    ]
    return {
        "stream": "User",
        "tap_stream_id": "User",
        "schema": {"type": "object", "additionalProperties": False, "properties": properties},
        "key_properties": ["Id"],
        "metadata": metadata,
    }


if __name__ == "__main__":
    main()
