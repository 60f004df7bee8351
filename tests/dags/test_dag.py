"""The DAG as Airflow sees it: its walk, its policies, its form, its assets."""

from __future__ import annotations

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.sdk import DAG, RetryAction
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from license_ledger import errors, schemas
from license_ledger.airflow.assets import TABLES, assets, headline
from license_ledger.airflow.policy import RETRY_POLICY

ROOT = Path(__file__).parents[2]
WALK = (
    "choose_source",
    "refresh_token",
    "inspect_org",
    "extract",
    "transform",
    "reconcile",
    "check",
    "publish",
    "load_warehouse",
    "summarize",
)
ERRORS = [
    item for _, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, errors.LedgerError)
]


def parse(orgs: str) -> dict[str, Any]:
    """The DAGs of these orgs, parsed as Airflow does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LICENSE_LEDGER_ORGS", orgs)
        bag = BundleDagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """Two orgs' DAGs."""
    return parse("salesforce_default emea")


@pytest.fixture(scope="module")
def dag(dags: dict[str, Any]) -> Any:
    """The default org's DAG."""
    return dags["salesforce_license_snapshot"]


def test_one_dag_per_org(dags: dict[str, Any]) -> None:
    """Every configured connection has a DAG of its own, tagged with it."""
    assert sorted(dags) == ["salesforce_license_snapshot", "salesforce_license_snapshot__emea"]
    assert "org:emea" in dags["salesforce_license_snapshot__emea"].tags


def test_the_walk(dag: DAG) -> None:
    """The tasks are the steps of the walk, in a row; a replay goes from the first straight to transform."""
    order = [task.task_id for task in dag.topological_sort()]
    following = [sorted(task.downstream_task_ids) for task in dag.topological_sort()]

    assert tuple(order) == WALK
    assert following == [["refresh_token", "transform"], *([name] for name in WALK[2:]), []]


@pytest.mark.parametrize("name", WALK)
def test_every_task_is_fit_for_operation(dag: DAG, name: str) -> None:
    """Every task is documented, titled, owned, limited in time and retried by the one policy."""
    task = dag.get_task(name)

    assert task.doc_md
    assert task.task_display_name != task.task_id
    assert task.owner == "license-ledger"
    assert timedelta() < task.execution_timeout <= timedelta(hours=6)
    assert task.retries == 3
    assert task.retry_exponential_backoff == 2.0
    assert task.retry_delay < task.max_retry_delay
    assert task.retry_policy is RETRY_POLICY
    assert task.trigger_rule == ("none_failed_min_one_success" if name == "transform" else "all_success")
    assert task.pool == "default_pool"


def test_the_dag_is_fit_for_people(dag: DAG) -> None:
    """The DAG has a title, documentation, tags, and groups with titles and tooltips."""
    groups = [group for name, group in dag.task_group_dict.items() if name]

    assert "bridge" in (dag.doc_md or "")
    assert dag.dag_display_name != dag.dag_id
    assert {"salesforce", "licenses"} <= set(dag.tags)
    assert len(groups) == 3
    assert all(group.label != group.group_id and group.tooltip for group in groups)


def test_mapped_tasks_are_named_by_what_they_extract(dag: DAG) -> None:
    """The template takes the unit's label from the context and cannot fail when it is not there."""
    import jinja2

    task: Any = dag.get_task("extract")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True).from_string(
        task.map_index_template
    )

    assert template.render(unit_label="User (Bulk API 2.0)") == "User (Bulk API 2.0)"
    assert template.render() == ""


def test_the_schedule_makes_the_day_the_partition(dag: DAG) -> None:
    """Every tick is a midnight in UTC, keyed by its day: typed by hand it is the same partition."""
    import pendulum

    serialized: Any = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    days = (pendulum.datetime(2026, 9, 9), pendulum.datetime(2026, 9, 11))
    ticks = list(serialized.timetable.iter_partition_dagrun_infos(earliest=days[0], latest=days[1]))

    assert [tick.partition_key for tick in ticks] == ["2026-09-09", "2026-09-10", "2026-09-11"]
    assert [tick.run_after for tick in ticks] == [days[0], days[0].add(days=1), days[1]]
    assert dag.catchup is False


def test_several_runs_may_be_active(dag: DAG) -> None:
    """Runs of different days do not wait for each other."""
    assert dag.max_active_runs > 1


def test_the_dag_survives_serialization(dag: DAG) -> None:
    """What the scheduler gets has the same tasks, titles and links."""
    serialized: Any = DagSerialization.from_dict(DagSerialization.to_dict(dag))

    assert sorted(serialized.task_ids) == sorted(WALK)
    assert serialized.get_task("extract").task_display_name == "Extract"
    assert "Bulk jobs in Salesforce" in serialized.get_task("extract").operator_extra_link_dict
    assert "License counters in Salesforce" in serialized.get_task("summarize").operator_extra_link_dict


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_the_error_tree_decides_about_retries(error: type[errors.LedgerError]) -> None:
    """Transient errors are tried again; permanent ones and wrong data fail at the first try."""
    decision = RETRY_POLICY.evaluate(error("asked", "got", "remedy"), 1, 4)
    expected = {
        errors.TransientError: RetryAction.RETRY,
        errors.PermanentError: RetryAction.FAIL,
        errors.DataError: RetryAction.FAIL,
    }

    wanted = next(
        (action for base, action in expected.items() if issubclass(error, base)), RetryAction.DEFAULT
    )
    assert decision.action == wanted


def test_what_is_no_error_of_the_ledger_is_retried_plainly() -> None:
    """A bug or a lost Airflow API falls through to the plain retries."""
    assert RETRY_POLICY.evaluate(OSError("x"), 1, 4).action == RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("company_names", ["acme.com", "*.acme.com"]),
        ("company_names", None),
        ("snapshot_date", "2026-09-09"),
        ("snapshot_date", None),
        ("source", "auto"),
        ("source", "landing"),
    ],
)
def test_the_form_takes_what_is_meant(dag: DAG, name: str, value: Any) -> None:
    """The form takes a list of names and a date, or nothing for what is configured."""
    assert dag.params.get_param(name).resolve(value) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("company_names", "acme.com"),
        ("company_names", [1]),
        ("snapshot_date", "yesterday"),
        ("source", "guess"),
    ],
)
def test_the_form_refuses_what_it_cannot_mean(dag: DAG, name: str, value: Any) -> None:
    """Anything else is refused before there is a run."""
    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(value)


def test_assets_are_the_published_tables(dag: DAG) -> None:
    """There is one asset per published table and org, and loading the warehouse emits all of them."""
    outlets = {asset.name for asset in dag.get_task("load_warehouse").outlets}

    assert set(TABLES) == {table.name for table in schemas.TABLES}
    assert outlets == {f"license_ledger.salesforce_default.{name}" for name in TABLES}
    assert len({asset.uri for org in ("a", "b") for asset in assets(org).values()}) == 2 * len(TABLES)


def test_asset_events_carry_numbers_only() -> None:
    """An event has its table's row count and the plain values of the receipt, no lists or maps."""
    receipt = {"org_id": "00D1", "rows": {"users": 3, "seats": 4}, "loaded": True, "files": ["a"]}

    assert headline(receipt, "users") == {"org_id": "00D1", "loaded": True, "rows": 3}
    assert headline(receipt, "mismatches") == {"org_id": "00D1", "loaded": True}
