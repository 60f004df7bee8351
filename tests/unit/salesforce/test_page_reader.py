"""Bulk result pages: CSV bytes to Arrow, accepted only whole."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from license_ledger.salesforce.bulk_csv import BrokenPage, PageReader

MOMENT = pa.timestamp("us", tz="UTC")
PAIR = pa.schema([("Id", pa.string()), ("Name", pa.string())])
TYPED = pa.schema(
    [
        ("Id", pa.string()),
        ("On", pa.bool_()),
        ("Count", pa.int64()),
        ("Amount", pa.float64()),
        ("Day", pa.date32()),
        ("At", MOMENT),
    ]
)


class Body:
    """An answer's body that arrives in pieces, and may break off."""

    def __init__(self, data: bytes, piece: int = 1 << 20, breaks_at: int | None = None) -> None:
        self._file, self._piece, self._breaks_at = io.BytesIO(data), piece, breaks_at

    def read(self, amt: int) -> bytes:
        """The next piece."""
        if self._breaks_at is not None and self._file.tell() >= self._breaks_at:
            raise ProtocolError("Connection broken")
        return self._file.read(min(amt, self._piece))


def page(*rows: list[str], header: list[str] | None = None) -> bytes:
    """CSV as Salesforce writes it: every cell quoted, line feeds."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header or ["Id", "Name"], *rows])
    return text.getvalue().encode()


def read(
    data: bytes, announced: int | None = None, schema: pa.Schema = PAIR, **body: Any
) -> dict[str, list[Any]]:
    return PageReader(schema).read(Body(data, **body), announced).to_pydict()


@pytest.mark.parametrize(
    "text",
    [
        "NA", "NULL", "null", "N/A", "nan", "007", "1.0", " padded ", "Zoë 李", 'say ""hi""', '"', ",",
        "a\nb", "a\r\nb", "\r", "\n", "a\x00b", "\ufeffbom", "x" * 200_000, "#", "\\", "\\n", "true",
        "\u2028", "\U0001f600",
    ],
)  # fmt: skip
def test_texts_are_kept_to_the_character(text: str) -> None:
    """Nothing that looks like a null, a number, a quote or a new row is taken for one."""
    assert read(page(["1", text], ["2", "next"]), 2) == {"Id": ["1", "2"], "Name": [text, "next"]}


def test_values_get_their_types() -> None:
    """Booleans, numbers in any notation, days and moments with milliseconds are read; empty is null."""
    data = page(
        ["1", "true", "7", "1.0E9", "2020-02-29", "2020-01-01T00:00:00.123Z"],
        ["2", "false", "-1", "-0.5", "1969-12-31", "1969-12-31T23:59:59.000Z"],
        ["3", "", "", "", "", ""],
        header=TYPED.names,
    )

    assert read(data, 3, TYPED) == {
        "Id": ["1", "2", "3"],
        "On": [True, False, None],
        "Count": [7, -1, None],
        "Amount": [1e9, -0.5, None],
        "Day": [date(2020, 2, 29), date(1969, 12, 31), None],
        "At": [
            datetime(2020, 1, 1, 0, 0, 0, 123000, UTC),
            datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
            None,
        ],
    }


def test_columns_may_come_in_another_order() -> None:
    """The header says what is what; the table has the order that was asked for."""
    table = PageReader(PAIR).read(Body(page(["Ann", "1"], header=["Name", "Id"])), 1)

    assert table.schema == PAIR
    assert table.to_pylist() == [{"Id": "1", "Name": "Ann"}]


@pytest.mark.parametrize(
    "data", [b"", page(), page()[:-1], b'"Id","Name"\r\n', b"Id,Name\n", b"\xef\xbb\xbfId,Name\n"]
)
def test_a_result_without_rows_is_empty(data: bytes) -> None:
    """Nothing at all, or only a header, is no row, when none was announced."""
    assert read(data, 0) == {"Id": [], "Name": []}
    with pytest.raises(BrokenPage, match="0 rows arrived where 3"):
        read(data, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (page(["1", "a"])[:-1], "middle of a row"),
        (page(["1", "a"])[:-2], "middle of a row"),
        (page(["1", "a"])[:-4], "no well-formed CSV|middle of a row"),
        (b'"Id","Name"\n"1","a\n', "middle of a row"),
        (b'"Id","Name"\n"1"\n', "no well-formed CSV"),
        (b'"Id","Name"\n"1","a","b"\n', "no well-formed CSV"),
        (b'"Id","Name"\n"1","\xff"\n', "not UTF-8"),
        (page(["1", "a"], header=["Id", "Nome"]), "lacks Name"),
        (page(["1"], header=["Id"]), "lacks Name"),
        (page(["1", "a", "b"], header=["Id", "Name", "Email"]), "too many"),
        (page(["1", "a", "b"], header=["Id", "Name", "Name"]), "too many"),
        (b"<html><body>We are down</body></html>", "lacks Id"),
        (b"\x1f\x8b\x08\x00\x00", "lacks Id"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_whole_is_refused(data: bytes, reason: str) -> None:
    """Truncated, malformed and foreign pages are broken, even when no number of rows was announced."""
    with pytest.raises(BrokenPage, match=reason):
        read(data)


@pytest.mark.parametrize("announced", [0, 1, 3])
def test_a_page_must_have_the_rows_that_were_announced(announced: int) -> None:
    """One row too few or too many is a broken page."""
    with pytest.raises(BrokenPage, match=f"2 rows arrived where {announced} were announced"):
        read(page(["1", "a"], ["2", "b"]), announced)


@pytest.mark.parametrize("breaks_at", [0, 5, 40])
def test_a_connection_that_breaks_is_a_broken_page(breaks_at: int) -> None:
    """A failure of the network in the middle of the body is told as such."""
    with pytest.raises(BrokenPage, match="broke off"):
        read(page(*[["1", "a"]] * 50), breaks_at=breaks_at, piece=8)


def test_a_broken_page_does_not_show_its_rows() -> None:
    """Neither the reason nor a chained exception repeats a value, which may be personal."""
    for data in (b'"Id","Name"\n"hunter2"\n', page(["1", "hunter2"], header=["Id", "On"])):
        with pytest.raises(BrokenPage) as caught:
            read(data, schema=pa.schema([("Id", pa.string()), ("On", pa.bool_())]) if b"On" in data else PAIR)

        assert "hunter2" not in str(caught.value)
        assert caught.value.__suppress_context__


def test_a_cell_larger_than_a_block_is_read_at_the_next_try() -> None:
    """The reader widens its block once it has met a large cell, and needs no luck afterwards."""
    reader, data = PageReader(PAIR), page(["1", "x" * 5_000_000], ["2", "y"])
    with pytest.raises(BrokenPage, match="longer than a block"):
        reader.read(Body(data), 2)

    table = reader.read(Body(data), 2)

    assert table.num_rows == 2
    assert len(table["Name"][0].as_py()) == 5_000_000


def test_whole_numbers_with_a_fraction_are_read_at_the_next_try() -> None:
    """Counts written as 1.0 or 1E3 are counts, exactly, and real fractions are none."""
    schema = pa.schema([("Id", pa.string()), ("Count", pa.int64())])
    reader = PageReader(schema)
    data = page(["1", "1.0"], ["2", "1E3"], ["3", "9007199254740993.0"], ["4", ""], header=schema.names)
    with pytest.raises(BrokenPage, match="with a fraction"):
        reader.read(Body(data), 4)

    assert reader.read(Body(data), 4)["Count"].to_pylist() == [1, 1000, 9007199254740993, None]
    with pytest.raises(BrokenPage):
        reader.read(Body(page(["1", "1.5"], header=schema.names)), 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("On", "yes"),
        ("Amount", "much"),
        ("Day", "2020-01-01T00:00:00.000Z"),
        ("At", "2020-01-01T00:00:00"),
        ("Day", "x"),
    ],
)
def test_a_value_of_another_type_is_a_broken_page(column: str, value: str) -> None:
    """What describe calls a day or a flag must be one."""
    row = {"Id": "1", "On": "", "Count": "", "Amount": "", "Day": "", "At": "", column: value}

    with pytest.raises(BrokenPage, match="not of the type"):
        read(page(list(row.values()), header=list(row)), 1, TYPED)


CELLS = st.text(
    st.one_of(st.sampled_from('",\n\r\x00 aZ0ä李'), st.characters(exclude_categories=["Cs"])), max_size=12
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=30), st.sampled_from([1, 3, 17, 1 << 20]))
def test_any_text_comes_through_csv(rows: list[list[str]], piece: int) -> None:
    """Property: for any texts, however the bytes are cut, the table equals the rows; empty is null."""
    schema = pa.schema([(name, pa.string()) for name in ("Id", "A", "B")])
    table = PageReader(schema).read(Body(page(*rows, header=schema.names), piece), len(rows))

    assert [list(row.values()) for row in table.to_pylist()] == [
        [cell or None for cell in row] for row in rows
    ]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=8), st.data())
def test_no_truncation_goes_unnoticed(rows: list[list[str]], data: st.DataObject) -> None:
    """Property: a page cut anywhere is broken, given the number of rows, or loses nothing."""
    whole = page(*rows)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]

    with pytest.raises(BrokenPage):
        PageReader(PAIR).read(Body(cut), len(rows))
