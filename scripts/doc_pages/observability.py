"""docs/observability.md: metrics from measures.py, beside what is said of logs and lineage."""

from __future__ import annotations

from doc_pages import NOTE, prose, table
from license_ledger.measures import METRICS, MOST_LICENSES, Metric

PROMETHEUS = "airflow_license_ledger_"

ENVIRONMENT = """\
# OpenTelemetry, over HTTP; Airflow brings the client along
AIRFLOW__METRICS__OTEL_ON=True
OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318

# StatsD with tags, for Telegraf and the StatsD exporter of Prometheus; pip install license-ledger[statsd]
AIRFLOW__METRICS__STATSD_ON=True
AIRFLOW__METRICS__STATSD_HOST=statsd
AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED=True
"""


def observability_page() -> str:
    """What can be watched, and how."""
    return "\n".join(
        [
            "# Observability",
            "",
            NOTE,
            "",
            *prose(
                "Metrics, lines of log and lineage go where those of Airflow go, by its own switches; "
                "without those nothing is sent. No server of the ledger's own is needed."
            ),
            *_metrics(),
            *_logs(),
            *_lineage(),
        ]
    )


def _metrics() -> list[str]:
    rows = [
        (
            f"`{metric.name}`",
            f"{metric.kind}, {metric.unit}",
            ", ".join(f"`{tag}`" for tag in metric.tags),
            f"`{metric.sent_by}`" if metric.sent_by != "every step" else metric.sent_by,
            metric.meaning,
        )
        for metric in METRICS
    ]
    alerts = [(f"`{prometheus_name(metric)}`", f"`{alert(metric)}`") for metric in METRICS]
    return [
        "## Metrics",
        "",
        "```sh",
        *ENVIRONMENT.splitlines(),
        "```",
        "",
        *prose(
            "Tasks send them through Airflow's stats, so that prefix, allow and block list and every other "
            "option of Airflow's section `[metrics]` apply. The prefix is `airflow` unless it is configured "
            "otherwise. `org` is the connection id."
        ),
        *table(("Metric", "Kind, unit", "Tags", "Sent by", "Meaning"), rows),
        "",
        "What to know about them:",
        "",
        *prose(
            "- Gauges tell of the newest published day. A backfill or replay of an earlier day sends only "
            "`step.duration` and `step.failures`, and, where it extracts, what the org says of itself.",
            "  ",
        ),
        *prose(
            "- `snapshot.captured_at` is a time and no age, so that an alert on its age fires when nothing "
            "runs any more. A backend whose gauges go stale after minutes has to look back: "
            "`last_over_time(…[2d])`.",
            "  ",
        ),
        *prose(
            f"- Licenses with a limit and used seats have a series each, at most the {MOST_LICENSES} with "
            "the most used seats of an org. There is no person in a tag.",
            "  ",
        ),
        *prose(
            "- StatsD without tags cannot tell orgs apart: there the values of the tags become part of the "
            "name, in the order of the table: "
            "`airflow.license_ledger.rows.published.salesforce_default.users`. A dot within a value is "
            "written as two underscores, other characters that StatsD forbids as one.",
            "  ",
        ),
        *prose(
            "- A task is a process of its own. With OpenTelemetry its values are sent when it ends, whatever "
            "the interval of the export; of a task that is killed they are lost. Its counters begin at 0: "
            "let the collector add them up (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta`), as "
            "those of Airflow's own tasks.",
            "  ",
        ),
        *prose(
            "- While the collector of OpenTelemetry does not answer, every task ends later, by up to the "
            "ten seconds that its client tries to deliver; `OTEL_EXPORTER_OTLP_TIMEOUT`, in seconds, "
            "shortens that.",
            "  ",
        ),
        *prose("- A metric that cannot be sent is a line of log, `metrics.not_sent`; no step fails.", "  "),
        "",
        "### Alerts",
        "",
        *prose(
            "An example for each, as a condition of Prometheus over the names that it gives to metrics from "
            "OpenTelemetry. The numbers are where to begin, and yours to change."
        ),
        *table(("Name in Prometheus", "Example"), alerts),
        "",
    ]


def _logs() -> list[str]:
    return [
        "## Logs",
        "",
        *prose(
            "Every line that a step logs has these keys, also what it logs from threads, from the triggerer "
            "that watches a bulk job, and about messages:"
        ),
        *table(
            ("Key", "Value"),
            (
                ("`org`", "connection id; in commands over what is published, the id of the org"),
                ("`snapshot_date`", "the day"),
                ("`run_id`", "Airflow's run, as on Airflow's own lines; of a replay by command, its key"),
                ("`step`", "step of the walk; `notify`; or the command"),
            ),
        ),
        "",
        *prose(
            "What a step has done is the line `step.finished`, whose fields are its receipt: counts, ids and "
            "paths, no row, token or person. Airflow keeps task logs as JSON lines; with "
            "`AIRFLOW__LOGGING__JSON_LOGS=True` what its components write to standard output is JSON too, a "
            "line an object, the keys its fields. `license-ledger` writes its lines to standard error, and "
            "follows the same switch."
        ),
        "```sh",
        """jq -c 'select(.event == "step.finished") | {org, snapshot_date, step, rows}' < task.log""",
        "```",
        "",
    ]


def _lineage() -> list[str]:
    return [
        "## Lineage",
        "",
        *prose(
            "With Airflow's provider for OpenLineage, `pip install license-ledger[lineage]`, and somewhere "
            "to send events to, the events of these tasks say what was read and written:"
        ),
        "```sh",
        """AIRFLOW__OPENLINEAGE__TRANSPORT='{"type": "http", "url": "http://marquez:5000"}'""",
        "AIRFLOW__OPENLINEAGE__NAMESPACE=acme",
        "```",
        "",
        *table(
            ("Task", "Inputs", "Outputs"),
            (
                ("`extract`", "Salesforce objects: fields asked for, `dataQualityMetrics` with rows", ""),
                (
                    "`check`",
                    "the published tables, with `dataQualityAssertions`: every check that looks at a table, "
                    "what it found; also when the task fails by it",
                    "",
                ),
                (
                    "`publish`",
                    "Salesforce objects",
                    "the published tables: `columnLineage` to the fields of Salesforce, `outputStatistics`",
                ),
                (
                    "`load_warehouse`",
                    "the published tables, `dataQualityMetrics` with rows, bytes and empty values by column",
                    "the tables of the warehouse: `columnLineage` to the published ones",
                ),
            ),
        ),
        "",
        *prose(
            "Datasets are named `salesforce://<org id>` and the object; the place of staging and the path of "
            "a table's directory; `postgres://<host>:<port>` or `duckdb://<file>`, and the table. Each has "
            "its schema, and the id of the snapshot as version. Which column comes of which field is what "
            "[tables.md](tables.md) names as its source, no second list; a column of which that names no "
            "field, such as a count, has no origin. `masking` is true where a privacy mode leaves nothing "
            "of the value. Views are not told of, and nothing between extract and publish is: it lies in the "
            "landing, which is the ledger's own. There is no row and no person in an event."
        ),
    ]


def prometheus_name(metric: Metric) -> str:
    """The metric as OpenTelemetry's exporters name it for Prometheus."""
    suffix = {"gauge": "", "counter": "_total", "timer": "_milliseconds"}[metric.kind]
    return "airflow_" + metric.name.replace(".", "_") + suffix


def alert(metric: Metric) -> str:
    """The example of an alert, with names filled in."""
    return metric.alert.format(name=prometheus_name(metric), prefix=PROMETHEUS)
