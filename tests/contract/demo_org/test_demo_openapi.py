"""Bodies of the demo org validate against the description that a real org gives of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.demo_org_fixtures import ApiSession, RunningOrg

FOLDER = Path(__file__).parents[4] / "shared" / "reference" / "openapi"
FILES = sorted(FOLDER.glob("*.oas.json")) if FOLDER.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no OpenAPI document of an org lies beside this checkout")

_UNDOCUMENTED = {"defaultValue"}
"""Keys that every recorded describe has, though the org's own description leaves them out."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The org's description of itself."""
    return dict(json.loads(FILES[0].read_text("utf-8")))


@pytest.fixture(scope="module")
def api(shared_demo_org: RunningOrg) -> ApiSession:
    """A session of the version that the document describes."""
    return shared_demo_org.login("59.0")


def _nullable(schema: Any) -> Any:
    """Allow null for every value: the document never says so, and real bodies are full of it."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _nullable(value) for key, value in schema.items()}
    if isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    if "enum" in changed:
        changed["enum"] = [*changed["enum"], None]
    return changed


def _check(document: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
    whole = _nullable({**schema, "components": document["components"]})
    errors = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(whole).iter_errors(body)
    ]
    assert not errors, errors[:5]


def _schema(document: dict[str, Any], path: str, method: str, status: int) -> dict[str, Any]:
    answer = document["paths"][path][method]["responses"][str(status)]
    return dict(answer["content"]["application/json"]["schema"])


def _properties(document: dict[str, Any], name: str) -> set[str]:
    return set(document["components"]["schemas"][name]["properties"])


def _objects(document: dict[str, Any]) -> list[str]:
    names = [path.split("/")[2] for path in document["paths"] if path.endswith("/{id}")]
    return list(dict.fromkeys(names))


def test_global_describe(api: ApiSession, document: dict[str, Any]) -> None:
    """The list of objects validates, and its entries have exactly the documented keys."""
    body = api.get("sobjects").json()
    _check(document, _schema(document, "/sobjects", "get", 200), body)

    documented = set(
        document["components"]["schemas"]["DescribeGlobalResult"]["properties"]["sobjects"]["items"][
            "properties"
        ]
    )
    for item in body["sobjects"]:
        assert set(item) <= documented
        assert documented - set(item) <= {"dataTranslationEnabled"}


def test_object_describes(api: ApiSession, document: dict[str, Any]) -> None:
    """Every describe validates, and no key is unknown to the document."""
    described = document["components"]["schemas"]["DescribeSObjectResult"]["properties"]
    field_keys = set(described["fields"]["items"]["properties"])
    for name in (item["name"] for item in api.get("sobjects").json()["sobjects"]):
        body = api.get(f"sobjects/{name}/describe").json()
        _check(document, _schema(document, "/sobjects/{sObject}/describe", "get", 200), body)
        assert set(body) <= set(described), name
        unknown = {key for field in body["fields"] for key in field} - field_keys
        assert unknown <= _UNDOCUMENTED, name


def test_records(api: ApiSession, document: dict[str, Any]) -> None:
    """A record of each documented object validates, from a query and by its id."""
    visible = {item["name"] for item in api.get("sobjects").json()["sobjects"]}
    checked = []
    for name in set(_objects(document)) & visible:
        described = {field["name"]: field for field in api.get(f"sobjects/{name}/describe").json()["fields"]}
        known = [field for field in described if field in _properties(document, f"{name}SObject")]
        records = api.query(f"SELECT {','.join(known)} FROM {name} LIMIT 5")["records"]
        for record in records:
            _check(document, {"$ref": f"#/components/schemas/{name}SObject"}, record)
        if records:
            one = api.get(f"sobjects/{name}/{records[0]['Id']}").json()
            _check(document, _schema(document, f"/sobjects/{name}/{{id}}", "get", 200), one)
            checked.append(name)

    assert {"User", "UserLicense", "PermissionSetLicense", "PackageLicense", "Profile"} <= set(checked)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("sobjects/Nothing/describe", 404),
        ("sobjects/User/describe", 401),
    ],
)
def test_errors(shared_demo_org: RunningOrg, document: dict[str, Any], path: str, status: int) -> None:
    """Error bodies are the documented lists."""
    api = shared_demo_org.login() if status != 401 else shared_demo_org.login_with("no session")
    answer = api.get(path)

    assert answer.status_code == status
    _check(document, _schema(document, "/sobjects/{sObject}/describe", "get", status), answer.json())


def test_query_errors(api: ApiSession, document: dict[str, Any]) -> None:
    """The errors of a query have the documented shape."""
    answer = api.get("query", q="SELECT Foo FROM User")

    _check(document, {"type": "array", "items": {"$ref": "#/components/schemas/ErrorInfo"}}, answer.json())
