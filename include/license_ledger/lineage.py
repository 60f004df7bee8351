"""
Where data comes from and goes to, step by step, told from the project's own declarations. No Airflow.

Which column comes of which field is what ``schemas.py`` names as its source; which fields there are is what
``salesforce/objects.py`` declares. ``airflow/lineage.py`` makes OpenLineage's events of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa

from license_ledger import reader
from license_ledger.run import RunContext
from license_ledger.salesforce.declarations import ARROW_TYPES
from license_ledger.salesforce.inspection import arrow_schema
from license_ledger.salesforce.objects import HISTORY_OBJECTS, OBJECTS, object_named
from license_ledger.schemas import PARTITION_COLUMNS, SNAPSHOTS, TABLES, Column, Table, table
from license_ledger.staging.layout import DATA_TABLES
from license_ledger.staging.parquet import open_parquet
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.statements import checks

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from license_ledger.warehouse.checks import Failure

_RULE = "rule"
_FIELDS = re.compile(r"\b([A-Z][A-Za-z]+)\.([A-Z][A-Za-z]+)((?: or [A-Z][A-Za-z]+)*)")
"""``Object.Field``, and ``Object.Field or Other`` for two fields of one object."""


@dataclass(frozen=True)
class Origin:
    """
    A field that a column is made of.

    Attributes:
        namespace: of the dataset.
        dataset: its name.
        field: of the dataset.
        is_rule: whether a rule makes the column, rather than passing the value on.
        is_masked: whether nothing of the value is left in it.
    """

    namespace: str
    dataset: str
    field: str
    is_rule: bool = False
    is_masked: bool = False


@dataclass(frozen=True)
class Assertion:
    """One check of a dataset: its name, its rule, how many rows broke it, and whether that only warns."""

    name: str
    rule: str
    broken: int
    is_warning: bool


@dataclass(frozen=True)
class Dataset:
    """
    A dataset of a step.

    Attributes:
        namespace: where it is, as OpenLineage names places.
        name: of the dataset within that.
        columns: name, type and description.
        origins: by column, the fields it is made of; of a column that is not there nothing is known.
        version: of what was written or read.
        rows: written or read; None when not known.
        bytes: of it.
        nulls: empty values by column, where the file says so.
        assertions: what was checked.
    """

    namespace: str
    name: str
    columns: tuple[tuple[str, str, str], ...] = ()
    origins: Mapping[str, tuple[Origin, ...]] = field(default_factory=dict)
    version: str = ""
    rows: int | None = None
    bytes: int | None = None
    nulls: Mapping[str, int] = field(default_factory=dict)
    assertions: tuple[Assertion, ...] = ()


@dataclass(frozen=True)
class Flow:
    """What a step has read and written."""

    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


def of_extract(context: RunContext, unit: Mapping[str, Any], receipt: Mapping[str, Any]) -> Flow:
    """The Salesforce objects of a unit, with the fields that were asked for and the rows that came."""
    rows = receipt["rows"]
    return Flow(inputs=tuple(replace(_object(context, name), rows=rows[name]) for name in unit["objects"]))


def of_check(context: RunContext, failures: Sequence[Failure]) -> Flow:
    """The tables that were checked, each with the checks that look at it and what they found."""
    found = {failure.check: failure for failure in failures}
    inputs = []
    for name in DATA_TABLES:
        asserted = tuple(
            Assertion(
                check.name,
                check.purpose,
                failure.count if failure else 0,
                bool(failure and failure.is_warning),
            )
            for check in checks()
            if re.search(rf"\b{name}\b", check.text)
            for failure in [found.get(check.name)]
        )
        inputs.append(replace(_staged(context.staging, table(name)), assertions=asserted))
    return Flow(inputs=tuple(inputs))


def of_publish(context: RunContext) -> Flow:
    """From Salesforce's objects to the published tables, column by column."""
    landed = context.landed.rows()
    inputs = tuple(replace(_object(context, name), rows=rows) for name, rows in landed.items())
    masks = context.settings.privacy_mode != "named" or context.landed.privacy_mode != "named"
    outputs = [
        replace(
            dataset,
            origins={
                column.name: origins
                for column in declared.columns
                if (origins := tuple(_origins(context, column, landed, masks=masks)))
            },
        )
        for declared, dataset in _published(context)
    ]
    return Flow(inputs, tuple(outputs))


def of_load(context: RunContext, receipt: Mapping[str, Any]) -> Flow:
    """From the published tables to those of the warehouse, as they are; nothing where there is none."""
    if not receipt["warehouse"]:
        return Flow()
    place, schema = _warehouse(context.settings.warehouse)
    inputs, outputs = [], []
    for declared, dataset in _published(context):
        inputs.append(dataset)
        names = [*PARTITION_COLUMNS, *(column.name for column in declared.columns)]
        outputs.append(
            replace(
                dataset,
                namespace=place,
                name=f"{schema}.{declared.name}",
                origins={name: (Origin(dataset.namespace, dataset.name, name),) for name in names},
                bytes=None,
                nulls={},
            )
        )
    return Flow(tuple(inputs), tuple(outputs))


@cache
def sources(column: Column) -> tuple[tuple[str, str], ...]:
    """
    The Salesforce fields a column is declared to come of.

    Returns:
        Object and field, in the order of the declaration; only those that the ledger extracts.
    """
    known = {(of.name, each.name) for of in (*OBJECTS, *HISTORY_OBJECTS) for each in of.fields}
    found: list[tuple[str, str]] = []
    for name, first, others in _FIELDS.findall(column.source):
        found += [(name, each) for each in (first, *others.split(" or ")[1:])]
    return tuple(pair for pair in dict.fromkeys(found) if pair in known)


def _type(name: str, each: str) -> pa.DataType:
    [kind] = [declared.kind for declared in object_named(name).fields if declared.name == each]
    return ARROW_TYPES[kind]


def _origins(context: RunContext, column: Column, landed: Iterable[str], *, masks: bool) -> Iterator[Origin]:
    namespace, there = _salesforce(context), set(landed)
    for name, each in sources(column):
        if name in there:
            yield Origin(
                namespace,
                name,
                each,
                is_rule=column.source.startswith(_RULE) or _type(name, each) != column.type,
                is_masked=masks and column.personal in ("pseudonym", "identity"),
            )


def _object(context: RunContext, name: str) -> Dataset:
    schema = arrow_schema(context.landed.inspection, name)
    asked = set(context.landed.columns(name))
    columns = tuple((each.name, str(each.type), "") for each in schema if each.name in asked)
    return Dataset(_salesforce(context), name, columns, version=context.snapshot_id)


def _salesforce(context: RunContext) -> str:
    """By the org's id: its host names change."""
    return f"salesforce://{context.org}"


def _published(context: RunContext) -> Iterator[tuple[Table, Dataset]]:
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    for declared in TABLES:
        dataset = replace(_staged(context.staging, declared), version=snapshot.snapshot_id)
        path = None if declared is SNAPSHOTS else snapshot.path(declared.name)
        if path is not None:
            with context.staging.open_input(path) as opened:
                metadata = open_parquet(opened, path).metadata
                size = opened.size()
            dataset = replace(dataset, rows=metadata.num_rows, bytes=size, nulls=_nulls(metadata))
        elif declared is SNAPSHOTS:
            dataset = replace(dataset, rows=1)
        yield declared, dataset


def _nulls(metadata: pq.FileMetaData) -> dict[str, int]:
    """Empty values per column, as the footer tells them; without columns of which it does not."""
    counts: dict[str, int | None] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            told = chunk.statistics.null_count if chunk.is_stats_set else None
            before = counts.get(chunk.path_in_schema, 0)
            counts[chunk.path_in_schema] = None if told is None or before is None else before + told
    return {name: count for name, count in counts.items() if count is not None}


def _staged(staging: Storage, declared: Table) -> Dataset:
    """A table below the staging root, named as OpenLineage names files and objects."""
    parts = urlsplit(staging.child(declared.name).url)
    if parts.scheme == "file":
        return Dataset("file", parts.path, _columns(declared))
    return Dataset(f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/"), _columns(declared))


def _columns(declared: Table) -> tuple[tuple[str, str, str], ...]:
    partition = (("org_id", str(pa.string()), "Org."), ("snapshot_date", str(pa.date32()), "Day (UTC)."))
    return partition + tuple((each.name, str(each.type), each.description) for each in declared.columns)


def _warehouse(url: str) -> tuple[str, str]:
    """The place of a warehouse and the name of its schema, never with a user or a password."""
    if url.startswith("duckdb:"):
        from license_ledger.warehouse.connection import warehouse_path

        return f"duckdb://{warehouse_path(url).resolve()}", "main"
    from license_ledger.warehouse.postgres.address import Address

    address = Address.parse(url)
    given = address.parameters
    place = f"{given.get('host', 'localhost')}:{given.get('port') or 5432}"
    return f"postgres://{place}", f"{given.get('dbname', '')}.{address.schema}"
