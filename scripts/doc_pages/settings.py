"""docs/settings.md, from settings.py."""

from __future__ import annotations

import json
from typing import Any

from doc_pages import NOTE, prose, table
from license_ledger.settings import PREFIX, LegalEntity, Settings

EXAMPLE = """\
orgs = ["salesforce_default", "salesforce_emea"]
staging = "file:///srv/license-ledger/staging"
warehouse = "duckdb:////srv/license-ledger/warehouse.duckdb"
service_accounts = "exclude"

[[legal_entities]]
name = "Acme GmbH"
domains = ["acme.de", "*.acme.de"]

[[legal_entities]]
name = "Acme Inc."
domains = ["acme.com"]
"""

_KINDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "array": "list",
    "null": "nothing",
}


def settings_page() -> str:
    """Every setting: its variable, what it may be, its default."""
    schema = Settings.model_json_schema()
    rows = [
        (f"`{name}`", f"`{PREFIX}{name.upper()}`", _allowed(entry), _default(entry), entry["description"])
        for name, entry in schema["properties"].items()
    ]
    entity = LegalEntity.model_json_schema()["properties"]
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        *prose(
            "Everything about *one org* (client id and secret, refresh token, login URL, company names, "
            "API version, proxies, own CA) is in its Airflow connection. Everything about the pipeline is "
            "here."
        ),
        *prose(
            f"A setting is an environment variable, or an entry of a TOML file that `{PREFIX}CONFIG` "
            "names; the environment wins. A name that is not in this table is an error, and so is a value "
            "that is not allowed: the task stops before anything is read or written, and names the "
            "setting. Settings are read when a task runs. Only `orgs` is also read when Airflow parses "
            "the DAG file, since every org has a DAG of its own."
        ),
        *table(("Setting", "Variable", "May be", "Default", "Meaning"), rows),
        "",
        *prose(
            "A list in a variable is written with commas or spaces between its items (`orgs`), or as JSON "
            "(`legal_entities`)."
        ),
        "## A legal entity",
        "",
        *prose(
            "May be named among the company names in place of its domains. All of them together are the "
            "domains of the group: they tell contractors from employees, and other companies of the group "
            "from third parties."
        ),
        *table(("Field", "May be", "Meaning"), [_entity_row(name, entry) for name, entry in entity.items()]),
        "",
        "## As a file",
        "",
        "```toml",
        *EXAMPLE.splitlines(),
        "```",
        "",
    ]
    return "\n".join(lines)


def _entity_row(name: str, entry: dict[str, Any]) -> tuple[str, str, str]:
    return f"`{name}`", _allowed(entry), entry["description"]


def _allowed(entry: dict[str, Any]) -> str:
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return " or ".join(f"`{word}`" for word in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(_allowed(choice) for choice in entry["anyOf"])
    kind = _KINDS[entry["type"]]
    if entry["type"] == "array":
        return f"{kind} of {'legal entities' if '$ref' in entry['items'] else 'texts'}, {_length(entry)}"
    low, high = entry.get("minimum"), entry.get("maximum")
    if high is not None:
        return f"{kind}, {low} to {high}"
    return kind if low is None else f"{kind}, {low} or more"


def _length(entry: dict[str, Any]) -> str:
    return "at least one" if entry.get("minItems") else "may be empty"


def _default(entry: dict[str, Any]) -> str:
    value = entry["default"]
    return "" if value in (None, []) else f"`{value if isinstance(value, str) else json.dumps(value)}`"
