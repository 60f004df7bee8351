"""The rows of one object, by the API that serves it best. May import bulk, inspection and rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from license_ledger.errors import LedgerError
from license_ledger.salesforce import bulk
from license_ledger.salesforce.answers import Refusal, classify
from license_ledger.salesforce.bulk_jobs import BulkRefused, JobMemory
from license_ledger.salesforce.composite import ask_many, query_of
from license_ledger.salesforce.inspection import Inspection, arrow_schema, extracted_schema, soql
from license_ledger.salesforce.queries import batches

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["complete", "query_batches", "query_many"]

log = logging.getLogger(__name__)


def query_batches(
    client: RestClient,
    inspection: Inspection,
    object_name: str,
    *,
    job: JobMemory,
    page_records: int = bulk.PAGE_RECORDS,
    timeout_seconds: float = 7200.0,
    wait: Callable[[float], None] | None = None,
) -> Iterator[pa.Table]:
    """
    Extract an object as it was planned; one that Bulk API 2.0 refuses comes by REST.

    Args:
        client: of the org.
        inspection: of this run.
        object_name: a declared object that is available.
        job: this task's memory of its bulk job.
        page_records: rows per page of a bulk result.
        timeout_seconds: how long a bulk job may take.
        wait: how to wait for a bulk job.

    Yields:
        Tables of :func:`~license_ledger.salesforce.inspection.arrow_schema`; none when there are no rows.
        Fields that the org does not offer are null.

    Raises:
        ValueError: the object is not available.
        LedgerError: naming the object.
    """
    plan = inspection["objects"][object_name]
    if not plan["available"]:
        raise ValueError(f"{object_name} is not available: {plan['reason']}")
    client.api_version = inspection["api_version"]
    query, schema = soql(inspection, object_name), extracted_schema(inspection, object_name)
    whole = arrow_schema(inspection, object_name)
    if plan["api"] == "bulk":
        try:
            for table in bulk.query_batches(
                client,
                query,
                schema,
                job=job,
                page_records=page_records,
                timeout_seconds=timeout_seconds,
                wait=wait,
            ):
                yield complete(table, whole)
        except BulkRefused as refused:
            # Raised before the first row, or not at all.
            log.warning("Salesforce: %s comes by REST, since bulk refuses it (%s)", object_name, refused.got)
        except LedgerError as error:
            # A bulk job knows its id, not what it is about.
            raise error.within(f"extract of {object_name}") from None
        else:
            return
    yield from _rest_tables(client, inspection, object_name, query)


def query_many(
    client: RestClient, inspection: Inspection, object_names: Sequence[str]
) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """
    Extract several small objects, whose first pages come together: five objects cost one call.

    Args:
        client: of the org.
        inspection: of this run.
        object_names: declared objects that are available and planned for REST.

    Yields:
        Name and tables, as :func:`query_batches` would yield them, to be taken before the next name is.

    Raises:
        LedgerError: naming the object.
    """
    client.api_version = inspection["api_version"]
    queries = {name: soql(inspection, name) for name in object_names}
    firsts = ask_many(client, {name: query_of(query) for name, query in queries.items()})
    for name, query in queries.items():
        first = firsts.pop(name)
        if isinstance(first, Refusal):
            raise classify(first, f"query of {name}")
        yield name, _rest_tables(client, inspection, name, query, first)


def _rest_tables(
    client: RestClient, inspection: Inspection, name: str, query: str, first: Any = None
) -> Iterator[pa.Table]:
    whole = arrow_schema(inspection, name)
    for table in batches(client, query, extracted_schema(inspection, name), first):
        yield complete(table, whole)


def complete(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with the columns of a schema, in its order; those it lacks are null."""
    columns = [
        table[field.name] if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
