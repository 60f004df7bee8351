"""JSON records to Arrow."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.errors import CorruptAnswer
from license_ledger.salesforce.records import table_of

MOMENT = pa.timestamp("us", tz="UTC")


def column(kind: pa.DataType, *values: Any) -> list[Any]:
    records = [{"attributes": {"type": "User"}, "X": value} for value in values]
    return table_of(records, pa.schema([("X", kind)]), "query of User")["X"].to_pylist()


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (
            pa.string(),
            ["NA", "NULL", "007", " ", "a\x00b", "Zoë\n", None, ""],
            ["NA", "NULL", "007", " ", "a\x00b", "Zoë\n", None, None],
        ),
        (pa.bool_(), [True, False, None], [True, False, None]),
        (pa.int64(), [0, -1, 300.0, 2**53 + 1, None], [0, -1, 300, 2**53 + 1, None]),
        (pa.float64(), [300, 1.5, -0.0, None], [300.0, 1.5, -0.0, None]),
        (pa.date32(), ["2026-02-28", None], [date(2026, 2, 28), None]),
        (
            MOMENT,
            ["2026-05-01T07:35:37.000+0000", "2026-05-01T07:35:37.123Z", "2026-05-01T09:35:37.5+0200", None],
            [
                datetime(2026, 5, 1, 7, 35, 37, tzinfo=UTC),
                datetime(2026, 5, 1, 7, 35, 37, 123000, UTC),
                datetime(2026, 5, 1, 7, 35, 37, 500000, UTC),
                None,
            ],
        ),
    ],
)
def test_values_keep_their_meaning(kind: pa.DataType, values: list[Any], expected: list[Any]) -> None:
    """Every type is converted exactly; the empty text is null, as in bulk results."""
    assert column(kind, *values) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.string(), 7),
        (pa.string(), {"street": "x"}),
        (pa.string(), "\ud800"),
        (pa.bool_(), "true"),
        (pa.bool_(), 1),
        (pa.int64(), 1.5),
        (pa.int64(), "7"),
        (pa.int64(), True),
        (pa.int64(), 2**63),
        (pa.float64(), "1.5"),
        (pa.float64(), True),
        (pa.date32(), "2026-05-01T00:00:00.000Z"),
        (pa.date32(), 7),
        (MOMENT, "2026-05-01T07:35:37"),
        (MOMENT, "yesterday"),
    ],
)
def test_a_value_of_another_type_is_corrupt(kind: pa.DataType, value: Any) -> None:
    """Nothing is coerced; the error names the column and does not repeat the value."""
    with pytest.raises(CorruptAnswer) as caught:
        column(kind, None, value)

    assert "X holds a value" in caught.value.got
    assert str(value) not in str(caught.value)
    assert caught.value.__suppress_context__


def test_relations_become_dotted_columns() -> None:
    """A parent is looked into, also over two steps, and one that is null makes the column null."""
    records: list[dict[str, Any]] = [
        {"Id": "1", "Profile": {"Name": "Admin", "UserLicense": {"Name": "Salesforce"}}},
        {"Id": "2", "Profile": {"Name": "Admin", "UserLicense": None}},
        {"Id": "3", "Profile": None},
    ]
    schema = pa.schema(
        [("Id", pa.string()), ("Profile.Name", pa.string()), ("Profile.UserLicense.Name", pa.string())]
    )

    assert table_of(records, schema, "query of User").to_pydict() == {
        "Id": ["1", "2", "3"],
        "Profile.Name": ["Admin", "Admin", None],
        "Profile.UserLicense.Name": ["Salesforce", None, None],
    }


def test_a_column_that_did_not_come_is_no_column_of_nulls() -> None:
    """A field that is missing from the records is an error, unlike one that is null."""
    with pytest.raises(CorruptAnswer, match="Department"):
        table_of(
            [{"Id": "1"}], pa.schema([("Id", pa.string()), ("Department", pa.string())]), "query of User"
        )


def test_no_records_make_an_empty_table_with_types() -> None:
    """An empty page has the schema all the same."""
    schema = pa.schema([("Id", pa.string()), ("N", pa.int64()), ("D", pa.date32())])

    assert table_of([], schema, "query of User") == schema.empty_table()


@pytest.mark.parametrize("records", [[3], ["x"], [None]])
def test_records_that_are_none_are_corrupt(records: list[Any]) -> None:
    """What is no object is an error and no crash."""
    with pytest.raises(CorruptAnswer):
        table_of([{"X": "1"}, *records], pa.schema([("X", pa.string())]), "query of User")


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))))
def test_any_text_comes_through(texts: list[str | None]) -> None:
    """Property: texts are kept to the character, but for the empty one, which is null."""
    assert column(pa.string(), *texts) == [text or None for text in texts]
