"""
What Airflow does about an error: the one place that maps the error tree to retries and time limits.

Waits of seconds belong to the Salesforce client; here are those of minutes.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from license_ledger.airflow import notifications
from license_ledger.errors import DataError, PermanentError, RateLimited, StoreBusy, TransientError

OWNER = "license-ledger"

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=PermanentError,
            action=RetryAction.FAIL,
            reason="permanent: somebody has to change something first, see docs/runbook.md",
        ),
        RetryRule(
            exception=DataError,
            action=RetryAction.FAIL,
            reason="the data is wrong and stays so, see docs/runbook.md",
        ),
        RetryRule(
            exception=RateLimited,
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=5),
            reason="too many requests at once: a longer pause",
        ),
        RetryRule(
            exception=StoreBusy,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="another writer is at work",
        ),
        RetryRule(exception=TransientError, action=RetryAction.RETRY, reason="may succeed later"),
    ]
)
"""First match wins. What is not in the tree (a bug, a lost Airflow API) falls through to plain retries."""

TASK_DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": RETRY_POLICY,
    "on_failure_callback": notifications.failed,
    "execution_timeout": timedelta(hours=1),
}
"""Defaults of every task. A task that takes longer than its limit is ended and tried again."""

SHORT = timedelta(minutes=15)
"""Limit of the tasks that make a handful of calls."""

LONG = timedelta(hours=6)
"""Limit of the tasks that move every user of the largest orgs."""
