"""
Check deploy/helm/values.yaml against the schema of the official chart, which is no part of this repository.

    helm pull apache-airflow/airflow --version 1.22.0 --untar
    python scripts/check_helm.py airflow/values.schema.json

The schema lets many unknown keys pass; here a key that it does not know is an error, unless it says that any
key is welcome.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

VALUES = Path(__file__).resolve().parents[1] / "deploy" / "helm" / "values.yaml"
CHART = "1.22.0"

Schema = Mapping[str, Any]


def unknown_keys(values: Any, schema: Schema, root: Schema, at: str = "") -> Iterator[str]:
    """Paths of the keys of values that a schema does not know."""
    schema = _resolved(schema, root)
    if isinstance(values, list):
        for number, each in enumerate(values):
            yield from unknown_keys(each, schema.get("items", {}), root, f"{at}[{number}]")
    if not isinstance(values, dict):
        return
    known, others = (
        schema.get("properties", {}),
        schema.get("additionalProperties", not schema.get("properties")),
    )
    for key, each in values.items():
        path = f"{at}.{key}".lstrip(".")
        if key in known:
            yield from unknown_keys(each, known[key], root, path)
        elif isinstance(others, dict):
            yield from unknown_keys(each, others, root, path)
        elif not others:
            yield path


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = {**{name: each for name, each in schema.items() if name != "$ref"}, **found}
    return schema


def main() -> int:
    """Return 0 when the schema accepts the values and knows every key."""
    schema = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    values = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    found = [f"unknown: {path}" for path in unknown_keys(values, schema, schema)]
    found += [
        f"{'.'.join(map(str, error.path))}: {error.message}"
        for error in jsonschema.Draft7Validator(schema).iter_errors(values)
    ]
    print("\n".join(found) or f"every key of {VALUES.name} is one of the chart's")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
