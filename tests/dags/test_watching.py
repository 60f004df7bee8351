"""The doctor tells who watches, and what keeps it from being told."""

from __future__ import annotations

import sys

import pytest

from license_ledger.airflow.surroundings import watching
from license_ledger.settings import Settings

BY = Settings(notify_published_by="06:30")


def found(settings: Settings) -> list[tuple[str, str, str]]:
    """The findings, as plain values."""
    return [(each.what, each.state, each.words) for each in watching(settings)]


def test_what_is_not_switched_on_is_not_told() -> None:
    """An installation that nobody watches is as sound as another."""
    assert found(Settings()) == []


def test_a_deadline_needs_the_plugin_that_comes_with_the_package() -> None:
    """Airflow has found it by its entry point."""
    assert found(BY) == [("deadline", "ok", "days are to be published by 06:30 UTC")]


@pytest.mark.parametrize(
    ("switch", "words"),
    [("STATSD_ON", "go to StatsD"), ("OTEL_ON", "are sent"), ("STATSD_DATADOG_ENABLED", "are sent")],
)
def test_metrics_are_told(switch: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they go."""
    monkeypatch.setenv(f"AIRFLOW__METRICS__{switch}", "True")

    assert found(Settings()) == [("metrics", "ok", words)]


def test_a_missing_client_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow itself only logs it, and sends nothing."""
    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
    monkeypatch.setitem(sys.modules, "statsd", None)
    [(what, state, words)] = found(Settings())

    assert (what, state) == ("metrics", "warning")
    assert "license-ledger[statsd]" in words
