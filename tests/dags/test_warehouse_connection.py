"""An Airflow connection as warehouse: its URL, and no password anywhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from license_ledger.airflow.warehouse import url_of, with_warehouse
from license_ledger.errors import ConfigError
from license_ledger.settings import Settings
from license_ledger.warehouse.postgres.address import Address

ROOT = Path(__file__).parents[2]
PASSWORD = "p@ss/w?rd:1"  # pragma: allowlist secret


def _connection(monkeypatch: pytest.MonkeyPatch, **values: object) -> None:
    fields = {"conn_type": "postgres", "host": "db.example", "login": "ledger", "password": PASSWORD} | values
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE_DEFAULT", json.dumps(fields))


def test_a_connection_becomes_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host, port, database, user and password arrive as they are; so do extras that libpq or we know."""
    extra = {"sslmode": "require", "cursor": "dictcursor", "warehouse_schema": "hr", "warehouse_reader": "bi"}
    _connection(monkeypatch, port=6432, schema="crm", extra=extra)

    address = Address.parse(url_of("warehouse_default"))

    wanted = {"host": "db.example", "port": "6432", "dbname": "crm", "user": "ledger", "password": PASSWORD}
    assert {name: address.parameters[name] for name in wanted} == wanted
    assert address.parameters["sslmode"] == "require"
    assert "cursor" not in address.parameters
    assert (address.schema, address.reader) == ("hr", "bi")


def test_settings_with_a_url_or_without_a_warehouse_stay_as_they_are() -> None:
    """Only an id is looked up."""
    for value in ("", "duckdb:///x.duckdb", "postgresql://h/d"):
        settings = Settings(warehouse=value)
        assert with_warehouse(settings) is settings


def test_settings_with_an_id_have_the_url_and_do_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed or dumped, the settings have no password in them."""
    _connection(monkeypatch, schema="crm")
    settings = with_warehouse(Settings(warehouse="warehouse_default"))

    assert Address.parse(settings.warehouse).parameters["password"] == PASSWORD
    assert settings.warehouse.partition("@")[0] not in f"{settings!r}{settings.model_dump_json()}"
    assert "rd%3A1" not in f"{settings!r}{settings.model_dump_json()}"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (None, "cannot be had"),
        ({"conn_type": "snowflake"}, "is of type snowflake"),
        ({"extra": {"iam": True}}, "AWS IAM"),
    ],
)
def test_a_connection_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, object] | None, said: str
) -> None:
    """It is ConfigError, names the connection and has no password in it."""
    if values is not None:
        _connection(monkeypatch, **values)
    with pytest.raises(ConfigError, match="warehouse_default") as caught:
        url_of("warehouse_default")

    assert said in str(caught.value)
    assert caught.value.remedy
    assert PASSWORD not in str(caught.value)


def test_the_example_of_the_guide_is_a_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tasks find their files, which are rendered with the params and the day of the run."""
    guide = (ROOT / "docs" / "warehouses.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(compile(code, "warehouses.md", "exec"), names)

    load, check = names["load"], names["check"]
    assert load.downstream_task_ids == {"check"}
    environment = load.dag.get_template_env()
    run = SimpleNamespace(partition_key="2026-03-02")
    for task in (load, check):
        text = environment.get_template(task.sql).render(params=load.dag.params, dag_run=run)
        assert "{{" not in text
        assert "DATE '2026-03-02'" in text
        assert "00D000000000001EAA" in text
