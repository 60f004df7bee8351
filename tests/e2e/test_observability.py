"""What a run of the whole Airflow tells whoever watches it: metrics by StatsD and OTLP, and lines of log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from license_ledger import measures
from local_stack.home import Home
from tests.e2e.conftest import Finished, make_run
from tests.telemetry import OtlpReceiver, StatsdListener, otlp_receiver, statsd_listener

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

ORG = ("org", "salesforce_default")
STEPS = {
    *("choose_source", "refresh_token", "inspect_org", "extract", "transform"),
    *("reconcile", "check", "publish", "load_warehouse", "summarize"),
}
NEVER_FAILED = {measures.STEP_FAILURES}


def tags(**named: str) -> frozenset[tuple[str, str]]:
    """The tags of a value of the org."""
    return frozenset({ORG, *named.items()})


def prefixed(metric: measures.Metric) -> str:
    """The metric's name in a backend."""
    return f"airflow.{metric.name}"


@pytest.fixture(scope="module")
def by_statsd(home: Home) -> tuple[Finished, StatsdListener]:
    """A run whose Airflow sends StatsD with tags, and logs JSON."""
    with statsd_listener() as listener:
        done = make_run(
            home,
            AIRFLOW__METRICS__STATSD_ON="True",
            AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(listener.port),
            AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True",
            AIRFLOW__LOGGING__JSON_LOGS="True",
        )
    assert done.status == 0, done.output
    return done, listener


@pytest.fixture(scope="module")
def lines(by_statsd: tuple[Finished, StatsdListener], home: Home) -> list[dict[str, Any]]:
    """The lines of all task logs of that run."""
    logs = sorted((home.logs / "tasks").rglob("*.log"))
    return [json.loads(line) for log in logs for line in log.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def scheduler_log(by_statsd: tuple[Finished, StatsdListener], home: Home) -> list[str]:
    """What the scheduler of that run wrote, which has the lines of its tasks as well."""
    return home.log("scheduler").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def by_otlp(lines: object, scheduler_log: object, home: Home) -> OtlpReceiver:
    """A run after that, whose Airflow sends OpenTelemetry, at intervals much longer than any task."""
    with otlp_receiver() as receiver:
        done = make_run(
            home,
            AIRFLOW__METRICS__OTEL_ON="True",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
            OTEL_METRIC_EXPORT_INTERVAL="600000",
        )
    assert done.status == 0, done.output
    return receiver


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the runs have loaded."""
    with duckdb.connect(home.warehouse_url.removeprefix("duckdb:///"), read_only=True) as connection:
        yield connection


def test_every_metric_comes_by_statsd(by_statsd: tuple[Finished, StatsdListener]) -> None:
    """With exactly the declared tags and the kind that is declared; a good run has no failure."""
    kinds = {"gauge": "g", "counter": "c", "timer": "ms"}
    for metric in measures.METRICS:
        came = by_statsd[1].named(prefixed(metric))
        assert bool(came) == (metric not in NEVER_FAILED), metric.name
        for each, (_, kind) in came.items():
            assert {name for name, _ in each} == set(metric.tags), metric.name
            assert kind == kinds[metric.kind]


def test_every_metric_comes_by_otlp_from_processes_that_end_at_once(by_otlp: OtlpReceiver) -> None:
    """No task lives until the first export; its values come when its process ends."""
    for metric in measures.METRICS:
        came = by_otlp.points(prefixed(metric))
        assert bool(came) == (metric not in NEVER_FAILED), metric.name
        assert all({name for name, _ in each} == set(metric.tags) for each in came), metric.name
    timed = by_otlp.points(prefixed(measures.STEP_DURATION))
    assert {value for each in timed for name, value in each if name == "step"} == STEPS
    assert all(point.sum > 0 for point in timed.values())


def test_metrics_are_what_is_in_the_warehouse(
    by_otlp: OtlpReceiver,
    by_statsd: tuple[Finished, StatsdListener],
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Seats, rows and time of capture, by both ways."""
    used = warehouse.execute(
        "SELECT license_layer, sum(used_count), sum(in_scope_count) FROM licenses "
        "WHERE license_layer <> 'usage' AND used_count > 0 GROUP BY ALL"
    ).fetchall()
    [(captured_at, unexplained)] = warehouse.execute(
        "SELECT epoch(captured_at), unexplained_count FROM snapshots"
    ).fetchall()
    [(salesforce,)] = warehouse.execute(
        "SELECT total_count FROM licenses WHERE license_key = 'SFDC'"
    ).fetchall()
    rows = {
        name: warehouse.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
        for name in ("users", "licenses", "seats", "mismatches")
    }
    by_statsd_too = {
        metric: {each: value for each, (value, _) in by_statsd[1].named(prefixed(metric)).items()}
        for metric in measures.METRICS
    }
    by_otlp_too = {
        metric: by_otlp.values(prefixed(metric)) for metric in measures.METRICS if metric.kind == "gauge"
    }
    for found in (by_statsd_too, by_otlp_too):
        assert found[measures.SEATS_USED] == {tags(layer=layer): n for layer, n, _ in used}
        assert found[measures.SEATS_IN_SCOPE] == {tags(layer=layer): n for layer, _, n in used}
        assert found[measures.SEATS_UNEXPLAINED] == {tags(): unexplained}
        published = found[measures.ROWS_PUBLISHED]
        assert {name: published[tags(table=name)] for name in rows} == rows
        [total] = [n for each, n in found[measures.LICENSE_TOTAL].items() if ("license", "SFDC") in each]
        assert total == salesforce
    assert by_otlp_too[measures.CAPTURED_AT][tags()] == pytest.approx(captured_at, abs=0.001)
    assert by_otlp_too[measures.LOADED_AT] == by_otlp_too[measures.CAPTURED_AT]


def test_every_line_of_the_project_has_its_keys(lines: list[dict[str, Any]]) -> None:
    """Org, day, run and step on every line that the ledger logs; receipts are fields; a step has one."""
    ours = [line for line in lines if str(line.get("logger", "")).startswith("license_ledger")]
    finished = [line for line in lines if line["event"] == "step.finished"]
    published = [line for line in lines if line["event"] == "publish.finished"]

    assert {line["step"] for line in finished} == STEPS - {"summarize"}
    assert {line["step"] for line in published} == {"publish"}
    for line in [*ours, *finished, *published]:
        assert line["org"] == "salesforce_default", line
        assert line["snapshot_date"] == datetime.now(UTC).date().isoformat()
        assert line["run_id"].startswith("manual__")
        assert line["step"] in STEPS
    [receipt] = [line for line in finished if line["step"] == "publish"]
    assert receipt["unexplained"] == 0
    assert receipt["rows"]["users"] > 0


def test_the_keys_are_fields_of_json_logs(scheduler_log: list[str]) -> None:
    """With Airflow's switch for JSON the output of a worker is an object per line, with the same keys."""
    finished = [json.loads(line) for line in scheduler_log if '"step.finished"' in line]

    assert {line["step"] for line in finished} == STEPS - {"summarize"}
    assert all({"org", "snapshot_date", "run_id", "step"} <= set(line) for line in finished)
