"""What a step sends of itself: metrics as each backend names them, and keys on lines of log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
import structlog
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferred
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

from license_ledger import measures, schemas
from license_ledger.airflow.observed import observed, step_labels
from license_ledger.errors import AuthRevoked
from tests.telemetry import StatsdListener, statsd_listener

CONTEXT: dict[str, Any] = {
    "dag_run": SimpleNamespace(
        run_id="manual__1",
        partition_key="2026-09-09",
        run_after=datetime(2026, 9, 9, tzinfo=UTC),
        start_date=None,
    ),
    "params": {},
}
Listen = Callable[..., StatsdListener]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Configure Airflow for StatsD, as a task process does; returns what listens."""
    with statsd_listener() as listener:

        def configured(**options: str) -> StatsdListener:
            values = {"on": "True", "host": "127.0.0.1", "port": str(listener.port), **options}
            for name, value in values.items():
                monkeypatch.setenv(f"AIRFLOW__METRICS__STATSD_{name.upper()}", value)
            stats.initialize(factory=get_stats_factory(), export_legacy_names=False)
            return listener

        yield configured
    # Airflow's own way of sending nothing: tests that come later in this process measure too.
    monkeypatch.undo()
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


def lines(listener: StatsdListener, count: int) -> list[str]:
    """What came in, once so many lines are there."""
    deadline = time.monotonic() + 5
    while len(listener.lines) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return listener.lines


def try_step(error: BaseException | None = None) -> None:
    """A try of a step that ends so."""
    with observed("publish", "emea.eu", CONTEXT):
        if error is not None:
            raise error


LICENSE = {"layer": "user", "license": "Sales,=|c\nCloud:1", "license_id": "100x"}


def test_tags_are_those_of_influxdb_where_statsd_takes_them(listen: Listen) -> None:
    """A character that the protocol gives a meaning does not lose the value."""
    listener = listen(influxdb_enabled="True")
    with observed("publish", "emea.eu", CONTEXT) as step:
        step.measure(lambda: [measures.Measure(measures.LICENSE_USED, 7, LICENSE)])

    first, second = lines(listener, 2)
    assert first == (
        "airflow.license_ledger.license.used,org=emea.eu,layer=user,license=Sales___c_Cloud_1,license_id=100x:7|g"
    )
    assert second.startswith("airflow.license_ledger.step.duration,org=emea.eu,step=publish,outcome=success:")
    assert second.endswith("|ms")


def test_plain_statsd_has_org_and_license_in_the_name(listen: Listen) -> None:
    """Two orgs do not overwrite each other where there are no tags; a dot opens no level of its own."""
    listener = listen()
    with observed("publish", "emea.eu", CONTEXT) as step:
        step.measure(lambda: [measures.Measure(measures.LICENSE_USED, 7, LICENSE)])

    assert lines(listener, 2)[0] == (
        "airflow.license_ledger.license.used.emea__eu.user.Sales___c_Cloud_1.100x:7|g"
    )


@pytest.mark.parametrize(
    ("error", "outcome", "failure"),
    [
        (None, "success", ""),
        (AirflowSkipException("no"), "skipped", ""),
        (TaskDeferred(trigger=object(), method_name="resume"), "deferred", ""),
        (AuthRevoked("org", "refused", "authorize"), "failed", "AuthRevoked"),
        (ValueError("ann@acme.com"), "failed", "other"),
        (SystemExit(1), "failed", "other"),
    ],
    ids=["success", "skipped", "deferred", "an error of ours", "another error", "ended from outside"],
)
def test_every_outcome_of_a_try_is_told(
    error: BaseException | None, outcome: str, failure: str, listen: Listen
) -> None:
    """Duration and outcome always, a failure by its class; what is raised goes on unchanged."""
    listener = listen(influxdb_enabled="True")
    if error is None:
        try_step()
    else:
        with pytest.raises(type(error)) as raised:
            try_step(error)
        assert raised.value is error

    came = lines(listener, 1 + bool(failure))
    assert len(came) == 1 + bool(failure)
    assert f"step=publish,outcome={outcome}:" in came[0]
    if failure:
        assert came[1] == (
            f"airflow.license_ledger.step.failures,org=emea.eu,step=publish,error={failure}:1|c"
        )


def test_a_metric_that_cannot_be_had_is_a_line_of_log(listen: Listen) -> None:
    """The step ends well, and other metrics are sent."""
    listener = listen(influxdb_enabled="True")

    def broken() -> Iterator[measures.Measure]:
        raise OSError("ann@acme.com")
        yield

    with structlog.testing.capture_logs() as logged, observed("publish", "emea", CONTEXT) as step:
        step.measure(broken)

    assert [(line["event"], line["error"]) for line in logged] == [("metrics.not_sent", "OSError")]
    assert "outcome=success" in lines(listener, 1)[0]


def test_nothing_is_read_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without metrics in Airflow's configuration a step costs what it did."""
    called: list[int] = []
    with observed("publish", "emea", CONTEXT) as step:
        step.measure(lambda: called.append(1) or [])

    assert called == []


def test_lines_of_a_step_have_its_keys() -> None:
    """Org, day, run and step; none outside of the step."""
    with observed("publish", "emea", CONTEXT) as step:
        inside = step_labels()
        with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
            step.done({"rows": {"users": 3}, "unexplained": 0})

    assert inside == {
        "org": "emea",
        "snapshot_date": "2026-09-09",
        "run_id": "manual__1",
        "step": "publish",
    }
    assert logged == [
        {"event": "step.finished", "log_level": "info", "rows": {"users": 3}, "unexplained": 0, **inside}
    ]
    assert step_labels() == {}


def test_a_run_that_names_no_day_is_labeled_without_one() -> None:
    """The step itself refuses it; labels do not get in the way."""
    run = SimpleNamespace(**{**vars(CONTEXT["dag_run"]), "partition_key": "soon"})
    with observed("choose_source", "emea", {"dag_run": run, "params": {}}):
        assert set(step_labels()) == {"org", "run_id", "step"}


def licenses(count: int) -> pa.Table:
    """So many permission set licenses, the last with the most used seats, and one of every other kind."""
    row = dict.fromkeys(schemas.LICENSES.arrow_schema.names)
    row |= {
        "license_layer": "permission_set",
        "is_unlimited": False,
        "count_basis": "both",
        "in_scope_count": 1,
    }
    limited = [
        {**row, "license_id": f"L{n:03}", "license_key": f"K{n}", "used_count": n, "total_count": 500}
        for n in range(1, count + 1)
    ]
    others = [
        {**row, "license_id": "U", "license_layer": "package", "used_count": 900, "is_unlimited": True},
        {**row, "license_id": "T", "license_layer": "usage", "used_count": 10**9, "total_count": 10**10},
        {**row, "license_id": "N", "license_layer": "user", "used_count": 0, "total_count": 10},
        {**row, "license_id": "Q", "license_layer": "user", "used_count": None, "total_count": 10},
    ]
    return pa.Table.from_pylist([*limited, *others], schema=schemas.LICENSES.arrow_schema)


def test_licenses_have_a_bounded_number_of_series() -> None:
    """The most used ones of which a number was bought; usage counts things, and unlimited has no total."""
    found = list(measures.of_licenses(licenses(measures.MOST_LICENSES + 50)))
    by_license = [m for m in found if m.metric is measures.LICENSE_USED]
    totals = [m for m in found if m.metric is measures.LICENSE_TOTAL]
    layers = {m.tags["layer"]: m.value for m in found if m.metric is measures.SEATS_USED}

    assert len(by_license) == len(totals) == measures.MOST_LICENSES
    assert [m.value for m in by_license[:2]] == [250, 249]
    assert layers == {"permission_set": 250 * 251 / 2, "package": 900}
