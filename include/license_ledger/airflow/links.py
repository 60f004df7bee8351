"""
Links from a task to the page of Salesforce's own setup where its numbers come from.

Airflow computes them in the worker when the task ends, and keeps them as XCom; they hold the org's host name.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink

BULK_JOBS = "/lightning/setup/AsyncApiJobStatus/home"
COMPANY_INFORMATION = "/lightning/setup/CompanyProfileInfo/home"


class BulkJobsLink(BaseOperatorLink):
    """To *Bulk Data Load Jobs*, where a running or failed job is found."""

    name = "Bulk jobs in Salesforce"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Give the address; empty when the org is not known yet."""
        return _setup_page(ti_key, BULK_JOBS)


class CompanyInformationLink(BaseOperatorLink):
    """To *Company Information*, where Salesforce shows its own license counters."""

    name = "License counters in Salesforce"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Give the address; empty when the org is not known yet."""
        return _setup_page(ti_key, COMPANY_INFORMATION)


def _setup_page(ti: Any, page: str) -> str:
    receipt = ti.xcom_pull(task_ids="refresh_token")
    return f"https://{receipt['instance']}{page}" if receipt else ""
