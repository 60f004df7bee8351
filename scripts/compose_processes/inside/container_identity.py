"""The host name of a process that stands for a container; Airflow asks for it."""

from __future__ import annotations

import os


def hostname() -> str:
    """The name that a container would have."""
    return os.environ["HOSTNAME"]
