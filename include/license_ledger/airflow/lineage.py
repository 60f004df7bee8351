"""
The lineage of a step as events of OpenLineage, where Airflow's provider for it is installed and configured.

Imported when the DAG file is parsed; nothing of OpenLineage is imported then. A step leaves its flow here;
the provider asks for it in the same process, or in a copy, when the task is over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from license_ledger.lineage import Dataset, Flow

log = structlog.get_logger(__name__)

COMPLETE = "get_openlineage_facets_on_complete"
FAILURE = "get_openlineage_facets_on_failure"

_left: list[Flow] = []
"""What the step of this process has left; a task is a process of its own."""


def traced(dag: DAG) -> None:
    """Let OpenLineage ask every task of a DAG that has no answer of its own."""
    for task in dag.tasks:
        # What is mapped has no attributes of its own: see answer_for_mapped.
        if not task.is_mapped and not hasattr(task, COMPLETE):
            setattr(task, COMPLETE, told)
            setattr(task, FAILURE, told)


def answer_for_mapped(operator: type) -> None:
    """
    Let OpenLineage ask a mapped operator too, from within its task.

    The provider looks at the operator as it was before it was expanded, which has none of its methods; what
    it does ask is the extractor that is known for the operator's class.
    """
    if not is_traced():
        return
    from airflow.providers.openlineage.extractors.base import BaseExtractor
    from airflow.providers.openlineage.plugins.listener import get_openlineage_listener

    class Answer(BaseExtractor):
        @classmethod
        def get_operator_classnames(cls) -> list[str]:
            return [operator.__name__]

        def _execute_extraction(self) -> Any:
            return told()

    get_openlineage_listener().extractor_manager.add_extractor(operator.__name__, Answer)


@cache
def is_traced() -> bool:
    """Whether the provider is installed and has somewhere to send events to."""
    try:
        from airflow.providers.openlineage import conf
    except ImportError:
        return False
    return not conf.is_disabled()


def begin() -> None:
    """Forget what an earlier step of this process has left."""
    _left.clear()


def leave(flowing: Callable[..., Flow], *arguments: Any) -> None:
    """Leave what a step has read and written. What cannot be told is a line of log, and no step fails."""
    try:
        _left.append(flowing(*arguments))
    except Exception as error:
        log.warning("lineage.not_told", error=type(error).__name__)


def told(_: Any = None) -> Any:
    """What the provider is given: its own ``OperatorLineage``; None where the step left nothing."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    if not _left:
        return None
    flow = _left[-1]
    return OperatorLineage(
        inputs=[_input(dataset) for dataset in flow.inputs],
        outputs=[_output(dataset) for dataset in flow.outputs],
    )


def _facets(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client import facet_v2 as facets

    schema = facets.schema_dataset
    fields = [
        schema.SchemaDatasetFacetFields(name=name, type=kind, description=description or None)
        for name, kind, description in dataset.columns
    ]
    found: dict[str, Any] = {"schema": schema.SchemaDatasetFacet(fields=fields)}
    if dataset.version:
        version = facets.dataset_version_dataset.DatasetVersionDatasetFacet
        found["version"] = version(datasetVersion=dataset.version)
    return found


def _input(dataset: Dataset) -> Any:
    from openlineage.client import facet_v2 as facets
    from openlineage.client.event_v2 import InputDataset

    told: dict[str, Any] = {}
    if dataset.rows is not None:
        metrics = facets.data_quality_metrics_input_dataset
        told["dataQualityMetrics"] = metrics.DataQualityMetricsInputDatasetFacet(
            rowCount=dataset.rows,
            bytes=dataset.bytes,
            columnMetrics={
                name: metrics.ColumnMetrics(nullCount=count) for name, count in dataset.nulls.items()
            },
        )
    if dataset.assertions:
        quality = facets.data_quality_assertions_dataset
        told["dataQualityAssertions"] = quality.DataQualityAssertionsDatasetFacet(
            assertions=[
                quality.Assertion(
                    assertion="custom_sql",
                    name=each.name,
                    description=each.rule,
                    success=each.broken == 0,
                    severity="warn" if each.is_warning else "error",
                    expected="0",
                    actual=str(each.broken),
                )
                for each in dataset.assertions
            ]
        )
    return InputDataset(
        namespace=dataset.namespace, name=dataset.name, facets=_facets(dataset), inputFacets=told
    )


def _output(dataset: Dataset) -> Any:
    from openlineage.client import facet_v2 as facets
    from openlineage.client.event_v2 import OutputDataset

    lineage, told = facets.column_lineage_dataset, _facets(dataset)
    if dataset.origins:
        told["columnLineage"] = lineage.ColumnLineageDatasetFacet(
            fields={
                name: lineage.Fields(
                    inputFields=[
                        lineage.InputField(
                            namespace=origin.namespace,
                            name=origin.dataset,
                            field=origin.field,
                            transformations=[
                                lineage.Transformation(
                                    type="DIRECT",
                                    subtype="TRANSFORMATION"
                                    if origin.is_rule or origin.is_masked
                                    else "IDENTITY",
                                    masking=origin.is_masked,
                                )
                            ],
                        )
                        for origin in origins
                    ]
                )
                for name, origins in dataset.origins.items()
            }
        )
    written: dict[str, Any] = {}
    if dataset.rows is not None:
        statistics = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
        written["outputStatistics"] = statistics(rowCount=dataset.rows, size=dataset.bytes)
    return OutputDataset(namespace=dataset.namespace, name=dataset.name, facets=told, outputFacets=written)
