"""
A whole Airflow on this machine for ``make run`` and ``make ui``: plain processes around an embedded Postgres.

Reads nothing of the ledger but its settings' names and, for the closing report, its warehouse.
"""
