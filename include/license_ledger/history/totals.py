"""
Licenses and their numbers as of a moment. Pure Arrow; may import transform.

Salesforce's counters are of today, and nothing remembers what they were; nor what status a license had and
when it was to expire. Its daily metrics do remember, for permission set and feature licenses.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import USED_AS_OF, field

NEAR = timedelta(hours=12)
"""A metric that was written so close to the moment tells the numbers of the moment."""

FORGOTTEN = frozenset(
    {
        *("Status", "TotalLicenses", "UsedLicenses", "UsedLicensesLastUpdated", "AllowedLicenses"),
        *("MonthlyLoginsUsed", "MonthlyLoginsEntitlement", "ExpirationDate"),
    }
)
"""Fields of licenses that nobody keeps a history of."""

_TEXT = pa.string()


UNLIMITED = -1
"""Number of seats of a license for the whole org, which is not bought by the seat and stays what it is."""


def licenses_then(licenses: pa.Table, moment: datetime) -> pa.Table:
    """
    Licenses that existed, without what is not remembered.

    Args:
        licenses: landed UserLicense, PermissionSetLicense or PackageLicense.
        moment: the past moment.

    Returns:
        The same columns; rows that were created later are left out, where their date is told.
    """
    if "CreatedDate" in licenses.schema.names:
        created = field(licenses, "CreatedDate", TIMESTAMP)
        licenses = licenses.filter(pc.less_equal(created, pa.scalar(moment, TIMESTAMP)).fill_null(True))
    columns = {each.name: licenses[each.name] for each in licenses.schema}
    for each in licenses.schema:
        if each.name in FORGOTTEN:
            columns[each.name] = pa.nulls(licenses.num_rows, each.type)
    if "AllowedLicenses" in columns:
        is_unlimited = pc.equal(licenses["AllowedLicenses"], UNLIMITED)
        nothing = pa.scalar(None, licenses["AllowedLicenses"].type)
        columns["AllowedLicenses"] = pc.if_else(is_unlimited, licenses["AllowedLicenses"], nothing)
    return pa.table(list(columns.values()), schema=licenses.schema)


def metrics_then(metrics: pa.Table, moment: datetime) -> pa.Table:
    """
    The rows of a daily metric that tell of a moment.

    Args:
        metrics: landed Active…Metric of many days.
        moment: the past moment.

    Returns:
        The rows of one day, with the time they were written in ``USED_AS_OF``: the day whose rows were
        written nearest to the moment and within :data:`NEAR`; where that is not told, the day that begins
        with the moment, and as time its beginning. No rows when that day is not remembered.
    """
    days = field(metrics, "MetricsDate", pa.date32())
    written = field(metrics, "SystemModstamp", TIMESTAMP)
    day = _day(days, written, moment)
    rows = metrics.filter(pc.equal(days, pa.scalar(day, pa.date32())).fill_null(False))
    beginning = field(rows, "MetricsDate", pa.date32()).cast(pa.timestamp("us")).cast(TIMESTAMP)
    is_near = _near(field(rows, "SystemModstamp", TIMESTAMP), moment)
    as_of = pc.if_else(is_near, field(rows, "SystemModstamp", TIMESTAMP), beginning)
    return rows.append_column(USED_AS_OF, as_of)


def _near(written: pa.Array, moment: datetime) -> pa.Array:
    low, high = pa.scalar(moment - NEAR, TIMESTAMP), pa.scalar(moment + NEAR, TIMESTAMP)
    return pc.and_(pc.greater_equal(written, low), pc.less_equal(written, high)).fill_null(False)


def _day(days: pa.Array, written: pa.Array, moment: datetime) -> date:
    is_near = _near(written, moment)
    if not pc.any(is_near).as_py():
        return moment.date()
    distance = pc.abs(pc.subtract(written.cast(pa.int64()), pa.scalar(moment, TIMESTAMP).cast(pa.int64())))
    place = pc.index(distance, pc.min(distance)).as_py()
    found: date = days[place].as_py()
    return found


def with_metrics(licenses: pa.Table, metrics: pa.Table | None) -> pa.Table:
    """
    Give permission set licenses the numbers of their metric.

    Args:
        licenses: what :func:`licenses_then` made of PermissionSetLicense.
        metrics: what :func:`metrics_then` made of ActivePermSetLicenseMetric.

    Returns:
        The licenses, with their numbers where there is a metric, and ``USED_AS_OF``.
    """
    if metrics is None or not metrics.num_rows:
        return licenses.append_column(USED_AS_OF, pa.nulls(licenses.num_rows, TIMESTAMP))
    places = pc.index_in(
        field(licenses, "Id", _TEXT), value_set=field(metrics, "PermissionSetLicenseId", _TEXT)
    )
    for name, source in (("UsedLicenses", "AssignedUserCount"), ("TotalLicenses", "TotalLicenses")):
        numbers = field(metrics, source, pa.int64()).take(places)
        index = licenses.schema.get_field_index(name)
        licenses = licenses.set_column(index, licenses.schema.field(name), numbers)
    as_of = pc.if_else(
        licenses["UsedLicenses"].is_valid(),
        field(metrics, USED_AS_OF, TIMESTAMP).take(places),
        pa.scalar(None, TIMESTAMP),
    )
    return licenses.append_column(USED_AS_OF, as_of)
