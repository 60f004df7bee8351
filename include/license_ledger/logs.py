"""
What the command line logs, and where: on standard error, each line with the keys that are bound. No Airflow.

Within Airflow nothing of this is used: Airflow's own logging takes every line with its keys.
"""

from __future__ import annotations

import logging
import os
import sys

import structlog

__all__ = ["JSON_LOGS", "configure"]

JSON_LOGS = "AIRFLOW__LOGGING__JSON_LOGS"
"""Airflow's own switch, so that one variable makes every line of a deployment JSON."""

_TRUE = {"1", "t", "true"}


class _ToStandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what is standard error at that moment; gives way to whoever configures the root logger."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            self.stream = sys.stderr
            super().emit(record)


def configure(level: int = logging.INFO) -> None:
    """
    Send the ledger's lines to standard error; nothing where logging is configured already, as by Airflow.

    Args:
        level: of the lines that are written.
    """
    if structlog.is_configured():
        return
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    as_json = os.environ.get(JSON_LOGS, "").strip().lower() in _TRUE
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    )
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    ledger = logging.getLogger("license_ledger")
    ledger.addHandler(handler)
    ledger.setLevel(level)
