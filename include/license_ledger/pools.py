"""The name of an org's Airflow pool. Imports nothing: the DAG file and the command line need it."""

from __future__ import annotations


def org_pool(org: str) -> str:
    """
    The pool of an org's own, whether it is used or not.

    Args:
        org: connection id.
    """
    return f"salesforce__{org}"
