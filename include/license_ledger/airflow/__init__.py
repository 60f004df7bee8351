"""The only package that imports Airflow: connection type, hook, token store, operators, retry policy."""
