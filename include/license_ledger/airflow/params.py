"""What can be asked of one run: the form of the DAG."""

from __future__ import annotations

from airflow.sdk import Param

PARAMS = {
    "company_names": Param(
        None,
        type=["null", "array"],
        items={"type": "string"},
        title="Company names",
        description_md=(
            "For this run, instead of those of the connection; one per line: a domain (`acme.com`), its "
            "sub-domains (`*.acme.com`), a declared legal entity, or `*` for everybody."
        ),
        section="Scope",
    ),
    "snapshot_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Snapshot date (UTC)",
        description_md="Empty: the partition key, or else the day the run is triggered on.",
        section="Day",
    ),
    "source": Param(
        "auto",
        enum=["auto", "landing"],
        title="Source",
        description_md=(
            "`auto`: today is read from Salesforce, a past day is replayed from its landing or else "
            "reconstructed from what Salesforce remembers. `landing`: any day, today as well, is only ever "
            "replayed from its landing; Salesforce is not asked."
        ),
        section="Day",
    ),
}
"""Params of every run. Null means: as configured."""
