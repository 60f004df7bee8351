"""
What surrounds every step: its keys on each line of log, its metrics through Airflow's own stats.

Imported when the DAG file is parsed; everything heavy is imported inside the functions. No step fails because
of a metric.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred
from structlog.contextvars import bound_contextvars, get_contextvars

from license_ledger.airflow.lineage import begin, is_traced, leave
from license_ledger.errors import LedgerError
from license_ledger.measures import STEP_DURATION, STEP_FAILURES, Measure

if TYPE_CHECKING:
    from license_ledger.run import RunContext

log = structlog.get_logger(__name__)

Receipt = dict[str, Any]

LABELS = ("org", "snapshot_date", "run_id", "step")
"""Keys of every line that a step logs."""


class Step:
    """
    One try of a step.

    Attributes:
        name: of the step.
        org: the connection id.
    """

    def __init__(self, name: str, org: str, context: Mapping[str, Any]) -> None:
        self.name, self.org, self._context = name, org, context

    @cached_property
    def run(self) -> RunContext:
        """What the pipeline is given. Raises as :func:`license_ledger.airflow.context.run_context`."""
        from license_ledger.airflow.context import run_context

        return run_context(self.org, self._context)

    def done(self, receipt: Any) -> Receipt:
        """Log a receipt as fields of one line; it holds no rows, tokens or names of people."""
        plain = dict(receipt)
        log.info("step.finished", **plain)
        return plain

    def measure(self, measured: Callable[..., Iterable[Measure]], *arguments: Any) -> None:
        """Send the measures that a function of ``measures`` finds; it is not called where nobody listens."""
        if not is_measured():
            return
        try:
            for measure in measured(*arguments):
                _send(measure, self.org)
        except Exception as error:
            log.warning("metrics.not_sent", error=type(error).__name__)

    def trace(self, flow: str, *arguments: Any) -> None:
        """Leave the flow that a function of ``lineage`` finds; nothing is found where nobody asks for it."""
        if not is_traced():
            return
        from license_ledger import lineage

        leave(getattr(lineage, flow), *arguments)


@contextmanager
def observed(name: str, org: str, context: Mapping[str, Any]) -> Iterator[Step]:
    """
    Surround a try of a step.

    Args:
        name: of the step.
        org: the connection id.
        context: Airflow's task context.

    Returns:
        The step; every line that is logged meanwhile has its labels.
    """
    begin()
    step, began, outcome, failure = Step(name, org, context), time.monotonic(), "success", ""
    with bound_contextvars(**labels(org, context["dag_run"], context.get("params"), name)):
        try:
            yield step
        except AirflowSkipException:
            outcome = "skipped"
            raise
        except TaskDeferred:
            outcome = "deferred"
            raise
        except BaseException as error:
            outcome = "failed"
            failure = type(error).__name__ if isinstance(error, LedgerError) else "other"
            raise
        finally:
            step.measure(_of_try, name, outcome, failure, time.monotonic() - began)


def labels(org: str, dag_run: Any, params: Mapping[str, Any] | None, step: str) -> dict[str, str]:
    """
    The keys on every line of a step.

    Returns:
        ``org``, ``step``, ``run_id`` as Airflow's own lines have it and, where the run names a day,
        ``snapshot_date``.
    """
    from license_ledger.airflow.dates import snapshot_date

    found = {"org": org, "step": step, "run_id": str(dag_run.run_id)}
    try:
        day = snapshot_date(dag_run, (params or {}).get("snapshot_date"))
    except LedgerError:
        return found  # the step itself refuses such a run, and says why
    return {**found, "snapshot_date": day.isoformat()}


def step_labels() -> dict[str, str]:
    """The keys of the step that runs here, for whoever goes on with it elsewhere."""
    return {name: str(value) for name, value in get_contextvars().items() if name in LABELS}


def is_measured() -> bool:
    """Whether Airflow sends metrics anywhere."""
    from airflow.sdk.configuration import conf

    switches = ("statsd_on", "statsd_datadog_enabled", "otel_on")
    return any(conf.getboolean("metrics", switch, fallback=False) for switch in switches)


def _of_try(name: str, outcome: str, failure: str, seconds: float) -> Iterator[Measure]:
    yield Measure(STEP_DURATION, seconds * 1000, {"step": name, "outcome": outcome})
    if failure:
        yield Measure(STEP_FAILURES, 1, {"step": name, "error": failure})


def _send(measure: Measure, org: str) -> None:
    from airflow.sdk.observability import stats

    values = {"org": org, **measure.tags}
    tags = {name: values[name] for name in measure.metric.tags}
    stat = measure.metric.name
    if _plain_names():
        tags = {name: _safe(value) for name, value in tags.items()}
    if not _has_tags():
        # Without tags, orgs and licenses would overwrite each other: their names become part of the metric's,
        # as in Airflow's own names for StatsD.
        stat = ".".join([stat, *(value.replace(".", "__") for value in tags.values())])
    if measure.metric.kind == "gauge":
        stats.gauge(stat, measure.value, tags=tags)
    elif measure.metric.kind == "counter":
        stats.incr(stat, int(measure.value), tags=tags)
    else:
        stats.timing(stat, measure.value, tags=tags)


def _safe(value: str) -> str:
    from airflow.sdk.observability.stats import normalize_name_for_stats

    return normalize_name_for_stats(value, log_warning=False) or "none"


def _plain_names() -> bool:
    """Whether tags become part of a StatsD line, where few characters are allowed."""
    from airflow.sdk.configuration import conf

    return any(conf.getboolean("metrics", name) for name in ("statsd_on", "statsd_datadog_enabled"))


def _has_tags() -> bool:
    """Whether the backend takes tags: OpenTelemetry, Datadog, and StatsD in the dialect of InfluxDB."""
    from airflow.sdk.configuration import conf

    if conf.getboolean("metrics", "statsd_datadog_enabled"):
        return bool(conf.getboolean("metrics", "statsd_datadog_tags"))
    return not conf.getboolean("metrics", "statsd_on") or bool(
        conf.getboolean("metrics", "statsd_influxdb_enabled")
    )
