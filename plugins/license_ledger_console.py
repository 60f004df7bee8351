"""The console in the Airflow UI: a page of the navigation, and a tab on every DAG run."""

from license_ledger.airflow.console import LicenseLedgerConsole

__all__ = ["LicenseLedgerConsole"]
