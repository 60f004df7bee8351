"""Metrics are declared so that every backend takes them, and their alerts speak of nothing else."""

from __future__ import annotations

import re

import pytest

from license_ledger.measures import METRICS, PREFIX, Metric

PROMETHEUS = {"gauge": "", "counter": "_total", "timer": "_milliseconds"}


def prometheus(metric: Metric) -> str:
    """The name that Prometheus has it under."""
    return f"airflow_{metric.name.replace('.', '_')}{PROMETHEUS[metric.kind]}"


def test_names_are_unique_and_plain() -> None:
    """Lower case, dots between parts: what StatsD, OpenTelemetry and Prometheus all take."""
    names = [metric.name for metric in METRICS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"license_ledger(\.[a-z]+(_[a-z]+)*){2}", name) for name in names)
    assert len({prometheus(metric) for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_an_alert_names_declared_metrics_and_their_tags(metric: Metric) -> None:
    """Its own first of all; labels that it asks for are tags of the metric."""
    text = metric.alert.format(name=prometheus(metric), prefix=f"airflow_{PREFIX.replace('.', '_')}")
    declared = {prometheus(each): each for each in METRICS}
    named = re.findall(r"(airflow_\w+)(?:\{(\w+)=\"[^\"]+\"\})?", text)

    assert prometheus(metric) in {name for name, _ in named}
    for name, label in named:
        assert name in declared
        assert not label or label in declared[name].tags
    assert text.count("(") == text.count(")")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_of_an_org(metric: Metric) -> None:
    """Its first tag says of which; none of the others is anything about a person."""
    assert metric.tags[0] == "org"
    assert set(metric.tags) <= {
        "org",
        "step",
        "outcome",
        "error",
        "object",
        "table",
        "layer",
        "license",
        "license_id",
    }
