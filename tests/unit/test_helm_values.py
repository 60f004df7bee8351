"""The values for the Helm chart say what the compose file says; the check of their keys finds strangers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from license_ledger.settings import Settings

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from check_helm import CHART, unknown_keys  # noqa: E402
from compose_processes.composed import services  # noqa: E402
from compose_rules import A_SLOT, IDLE_WORKER  # noqa: E402

TEXT = (ROOT / "deploy" / "helm" / "values.yaml").read_text("utf-8")
VALUES: dict[str, Any] = yaml.safe_load(TEXT)
COMPOSED = services(ROOT / "docker-compose.yaml", {})

SCHEMA = {
    "properties": {
        "closed": {"additionalProperties": False, "properties": {"known": {"type": "string"}}},
        "list": {"type": "array", "items": {"$ref": "#/definitions/item"}},
        "free": {"type": "object"},
        "map": {"additionalProperties": {"additionalProperties": False, "properties": {"known": {}}}},
    },
    "definitions": {"item": {"additionalProperties": False, "properties": {"name": {}}}},
}


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        ({"closed": {"known": "x"}, "free": {"any": {"thing": 1}}, "list": [{"name": 1}]}, []),
        ({"closed": {"other": 1}}, ["closed.other"]),
        ({"list": [{"name": 1}, {"size": 1}]}, ["list[1].size"]),
        ({"map": {"a": {"known": 1, "other": 1}}}, ["map.a.other"]),
    ],
)
def test_a_key_that_the_schema_does_not_know_is_found(values: Any, unknown: list[str]) -> None:
    """In objects, lists, maps and through references; where any key is welcome there are no strangers."""
    assert list(unknown_keys(values, SCHEMA, SCHEMA)) == unknown


def test_a_top_level_key_is_no_exception() -> None:
    """A typing error in the first column is one too, although the chart's schema would let it pass."""
    assert list(unknown_keys({"excutor": "x"}, {**SCHEMA, "additionalProperties": False}, SCHEMA)) == [
        "excutor"
    ]


def test_the_chart_and_airflow_are_those_of_the_documents() -> None:
    """The version that the values were checked with is the one that is named; Airflow is the image's."""
    [version] = re.findall(r"^ARG AIRFLOW_VERSION=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert f"apache-airflow/airflow {CHART}" in TEXT
    assert f"--version {CHART}" in (ROOT / "docs" / "deployment.md").read_text("utf-8")
    assert VALUES["airflowVersion"] == version
    assert VALUES["images"]["airflow"]["tag"] == COMPOSED["airflow-worker"].image.rpartition(":")[2]


def test_settings_of_the_ledger_exist_and_hold_no_secret() -> None:
    """Each variable is a setting; whatever is secret is a Secret by name, or a file of one."""
    names = {each["name"] for each in VALUES["env"]}
    known = {f"LICENSE_LEDGER_{name.upper()}" for name in Settings.model_fields} | {"LICENSE_LEDGER_CONFIG"}

    assert names <= known
    assert not re.search(r"password\s*:|://[^/\s:@]*:[^/\s@]+@", TEXT, re.IGNORECASE)
    secrets = [VALUES[name] for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName")]
    assert all([*secrets, *VALUES["data"].values()])
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    assert [name for name in [*secrets, *VALUES["data"].values()] if name not in page] == []


def test_what_keeps_tasks_when_the_broker_dies_is_the_same() -> None:
    """Settings of Celery are those that were tried with the compose file."""
    environment, config = COMPOSED["airflow-worker"].environment, VALUES["config"]
    told = {f"CELERY__{name}".upper(): str(value) for name, value in config["celery"].items()}
    told |= {
        f"CELERY_BROKER_TRANSPORT_OPTIONS__{name}".upper(): str(value).lower()
        for name, value in config["celery_broker_transport_options"].items()
    }

    assert {name: environment[f"AIRFLOW__{name}"] for name in told} == told


def test_a_worker_has_the_memory_of_its_slots() -> None:
    """The limit of a worker is enough for as many tasks as it runs at once, and so is a pod's for one."""
    workers = VALUES["workers"]
    sizes = {name: workers[name]["resources"]["limits"]["memory"] for name in ("celery", "kubernetes")}
    given = {name: int(text.removesuffix("Gi")) << 30 for name, text in sizes.items()}

    assert given["celery"] >= IDLE_WORKER + VALUES["config"]["celery"]["worker_concurrency"] * A_SLOT
    assert given["kubernetes"] >= A_SLOT + (300 << 20)


def test_commands_of_the_guide_make_the_secrets_that_the_values_name(tmp_path: Path) -> None:
    """Each Secret has the key that the chart reads, from a file that `make secrets` makes."""
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    made = dict(re.findall(r"secret generic (\S+) --from-file=([\w-]+)=secrets/\w+", page))
    script = [sys.executable, str(ROOT / "scripts" / "make_secrets.py"), "--settings", str(tmp_path / ".env")]
    subprocess.run([*script, "--folder", str(tmp_path / "secrets")], check=True, capture_output=True)
    files = set(re.findall(r"secrets/([\w.]+)", page)) - {"license"}
    kept = re.findall(r"secret generic license-ledger-files (.+?)\n\n", page, re.DOTALL)

    assert made == {
        VALUES["data"]["metadataSecretName"]: "connection",
        VALUES["data"]["brokerUrlSecretName"]: "connection",
        VALUES["fernetKeySecretName"]: "fernet-key",
        VALUES["apiSecretKeySecretName"]: "api-secret-key",
        VALUES["jwtSecretName"]: "jwt-secret",
    }
    assert files <= {path.name for path in (tmp_path / "secrets").iterdir()}
    assert VALUES["volumes"][0]["secret"]["secretName"] == "license-ledger-files"
    mounted = VALUES["volumeMounts"][0]["mountPath"]
    assert all(name in kept[0] for name in ("connections.json", "ledger.toml", "admin_password"))
    assert f"{mounted}/admin_password" in page
    assert f"{mounted}/connections.json" in VALUES["config"]["secrets"]["backend_kwargs"]
    assert "--values deploy/helm/values.yaml" in page
