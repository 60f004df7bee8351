"""The provider: what Airflow learns about the connection type, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files

import jsonschema
from airflow.providers_manager import ProvidersManager

from license_ledger.airflow.hook import LedgerSalesforceHook
from license_ledger.airflow.provider import CONNECTION_TYPE, FORM_FIELDS, get_provider_info
from license_ledger.salesforce import credentials


def test_airflow_finds_the_provider_by_its_entry_point() -> None:
    """The installed package is a provider, and its declaration is what Airflow's own schema wants."""
    found = [
        point for point in entry_points(group="apache_airflow_provider") if "license_ledger" in point.value
    ]
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text("utf-8"))

    assert [point.load() for point in found] == [get_provider_info]
    jsonschema.validate(get_provider_info(), schema)


def test_the_declaration_does_not_import_airflow() -> None:
    """Airflow asks for it while it is still reading its configuration, so it must import nothing."""
    program = (
        "import sys; from license_ledger.airflow.provider import get_provider_info; get_provider_info();"
        "print({name.partition('.')[0] for name in sys.modules} & {'airflow', 'pyarrow', 'requests'})"
    )

    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "set()"


def test_the_connection_type_leads_to_the_hook() -> None:
    """Airflow lists the type with its title and makes our hook for it."""
    listed = ProvidersManager().hooks[CONNECTION_TYPE]

    assert listed is not None
    assert listed.hook_name == LedgerSalesforceHook.hook_name == "Salesforce (OAuth refresh token)"
    assert listed.hook_class_name == f"{LedgerSalesforceHook.__module__}.{LedgerSalesforceHook.__qualname__}"
    assert listed.connection_id_attribute_name == "salesforce_conn_id"


def test_the_form_has_the_fields_that_are_read() -> None:
    """Every field of the form, and no other, is a setting that is read from a connection."""
    known = set(credentials.Credentials.__dataclass_fields__) - {"api_version"} | {"version"}

    assert set(FORM_FIELDS) == known


def test_secrets_are_password_fields() -> None:
    """What is secret is not shown while it is typed, and kept when the form is saved again."""
    secret = {name for name, field in FORM_FIELDS.items() if field["schema"].get("format") == "password"}
    widgets = ProvidersManager().connection_form_widgets

    assert secret == {"consumer_secret", "refresh_token", "standby_refresh_token"}
    for name in FORM_FIELDS:
        assert widgets[f"extra__{CONNECTION_TYPE}__{name}"].is_sensitive is (name in secret)
