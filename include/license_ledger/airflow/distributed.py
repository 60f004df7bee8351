"""
What changes when tasks run on several machines: nothing may lie on one of them.

Tasks hand each other paths. With an executor that runs them elsewhere, a path on the local disk is one that
the next task does not find, and a lock there keeps nobody out, least of all from an org's refresh token.
"""

from __future__ import annotations

from license_ledger.errors import ConfigError
from license_ledger.settings import PREFIX, Settings

ELSEWHERE = ("celery", "kubernetes", "edge", "ecs", "batch", "lambda")
"""Words in the names of Airflow's executors whose tasks run on other machines."""


def is_distributed(executors: str) -> bool:
    """
    Whether tasks may run on other machines.

    Args:
        executors: Airflow's ``[core] executor``: names, aliases or paths, with commas between them. One
            that is not known is taken for one that stays at home.
    """
    return any(word in name.lower() for name in executors.split(",") for word in ELSEWHERE)


def require_shared_places(settings: Settings, executors: str) -> None:
    """
    See that landing, staging and warehouse are where every machine finds them.

    Args:
        settings: of the pipeline, the warehouse's connection resolved.
        executors: Airflow's ``[core] executor``.

    Raises:
        ConfigError: naming the setting that leads to a local disk.
    """
    if settings.shared_disk or not is_distributed(executors):
        return
    places = {
        "STAGING": (settings.staging, "file://", "an object store, such as s3://bucket/prefix"),
        "LANDING": (settings.landing_url, "file://", "an object store, or leave it out"),
        "WAREHOUSE": (settings.warehouse, "duckdb://", "a Postgres database, or none"),
    }
    for name, (url, local, instead) in places.items():
        if url.startswith(local):
            raise ConfigError(
                f"setting {PREFIX}{name}",
                f"is on the disk of one machine, and tasks run on several ({executors})",
                f"name {instead}; or, where all machines share that disk and its locks, set "
                f"{PREFIX}SHARED_DISK=true",
            )
