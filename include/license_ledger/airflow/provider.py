"""
The provider declaration: connection type ``salesforce_oauth`` and its form. Must not import Airflow.

Airflow calls :func:`get_provider_info` through the entry point ``apache_airflow_provider`` while it is still
reading its own configuration, in every process: this module imports nothing, and answers at once.
"""

from __future__ import annotations

from typing import Any

CONNECTION_TYPE = "salesforce_oauth"
HOOK_CLASS = "license_ledger.airflow.hook.LedgerSalesforceHook"

_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_LINES: dict[str, Any] = {**_TEXT, "format": "multiline"}
_SECRET: dict[str, Any] = {**_TEXT, "format": "password"}


def _field(label: str, description: str, schema: dict[str, Any] = _TEXT) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": schema}


FORM_FIELDS: dict[str, dict[str, Any]] = {
    "consumer_key": _field("Client ID", "Consumer key of the connected app or external client app."),
    "consumer_secret": _field(
        "Client secret", "Consumer secret of the app; blank when the app requires none.", _SECRET
    ),
    "refresh_token": _field(
        "Refresh token",
        "Issued when the app was authorized with the scopes `api refresh_token`. "
        "A rotated one is kept encrypted in an Airflow variable and wins over this one.",
        _SECRET,
    ),
    "standby_refresh_token": _field(
        "Standby refresh token",
        "Optional: a second authorization of the same app, used only when the first is lost.",
        _SECRET,
    ),
    "login_url": _field(
        "Login URL",
        "https://login.salesforce.com for production (default), https://test.salesforce.com for a sandbox, "
        "or https://<My Domain>.my.salesforce.com.",
    ),
    "company_names": _field(
        "Company names",
        "One per line: an e-mail domain (acme.com), its sub-domains (*.acme.com), a declared legal entity, "
        "or * for everybody (default).",
        _LINES,
    ),
    "version": _field("API version", "For example 66.0. Blank: the newest the ledger was tested with."),
    "proxies": _field(
        "Proxy", 'One URL (http://proxy.example.com:3128) or a JSON object {"https": "http://…"}.'
    ),
    "ca_bundle": _field(
        "CA bundle", "Path of a PEM file, when the proxy or a local org has a CA of its own."
    ),
}
"""The settings form, field by field, in the order shown. Each is stored in the connection's ``extra``."""


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow: one connection type, its hook and its form."""
    return {
        "package-name": "license-ledger",
        "name": "License Ledger for Salesforce",
        "description": "Salesforce by OAuth refresh token, for the daily license snapshot.",
        "hooks": [
            {
                "integration-name": "License Ledger for Salesforce",
                "python-modules": ["license_ledger.airflow.hook"],
            }
        ],
        "connection-types": [
            {
                "connection-type": CONNECTION_TYPE,
                "hook-class-name": HOOK_CLASS,
                "hook-name": "Salesforce (OAuth refresh token)",
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "schema", "port", "login", "password", "extra"],
                    "relabeling": {},
                    "placeholders": {
                        "login_url": "https://login.salesforce.com",
                        "company_names": "*",
                    },
                },
                "conn-fields": FORM_FIELDS,
            }
        ],
    }
