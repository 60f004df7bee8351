"""
Bulk results as CSV, produced column by column.

Every cell is quoted, quotes inside are doubled, a null is an empty cell. Batches of some thousand rows keep
the memory of a page of any size bounded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from demo_org.catalog import TEXT_TYPES
from demo_org.soql.executor import RecordSet
from demo_org.store import cut
from demo_org.wording import as_text

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Flaws:
    """
    What is to be wrong with a page.

    Attributes:
        nul: the first cell of the last text column, if there is one, holds a NUL character.
        long_cell: characters that are added to that cell.
        open_quote: the closing quote of the last cell is missing.
        extra_cell: the first row has one cell too many.
        lost_row: the last row is missing.
    """

    nul: bool = False
    long_cell: int = 0
    open_quote: bool = False
    extra_cell: bool = False
    lost_row: bool = False


def page(
    result: RecordSet, start: int, stop: int, delimiter: str, ending: str, flaws: Flaws
) -> Iterator[bytes]:
    """
    Spell some records of a result.

    Args:
        result: the records.
        start: first one.
        stop: end.
        delimiter: between cells.
        ending: of lines.
        flaws: what is to be wrong.

    Yields:
        The header line, then batches of lines.
    """
    names = [column.header for column in result.columns]
    yield (delimiter.join(f'"{name}"' for name in names) + ending).encode()
    if flaws.lost_row:
        stop = max(start, stop - 1)
    for first in range(start, stop, BATCH_ROWS):
        last = min(first + BATCH_ROWS, stop)
        cells = _cells(result, first, last)
        if first == start and (flaws.nul or flaws.long_cell):
            cells = _with_more(cells, _last_text(result), "\x00" * flaws.nul + "x" * flaws.long_cell)
        body = _lines(cells, delimiter, ending)
        if flaws.extra_cell and first == start:
            body = body.replace(
                b'"' + ending.encode(), b'"' + delimiter.encode() + b'"surplus"' + ending.encode(), 1
            )
        if flaws.open_quote and last == stop:
            body = body[: -len(ending) - 1] + ending.encode()
        yield body


def _cells(result: RecordSet, start: int, stop: int) -> list[pa.Array]:
    rows = cut(result.rows, start, stop)
    columns = (column.read(result.sight.store, rows) for column in result.columns)
    return [pc.fill_null(as_text(values, offset="Z"), "") for values in columns]


def _lines(cells: list[pa.Array], delimiter: str, ending: str) -> bytes:
    if ending == "\n":
        frame = pa.Table.from_arrays(cells, names=[str(number) for number in range(len(cells))])
        target = io.BytesIO()
        options = pa_csv.WriteOptions(
            include_header=False, batch_size=BATCH_ROWS, delimiter=delimiter, quoting_style="all_valid"
        )
        pa_csv.write_csv(frame, target, options)
        return target.getvalue()
    # Arrow writes line feeds only; joining the cells of a row costs three times as much, and CRLF is rarely
    # asked for.
    doubled = [pc.replace_substring(values, '"', '""') for values in cells]
    rows = pc.binary_join_element_wise(*doubled, f'"{delimiter}"')
    return b"".join(f'"{row}"{ending}'.encode() for row in rows.to_pylist())


def _last_text(result: RecordSet) -> int:
    texts = [place for place, column in enumerate(result.columns) if column.field.type in TEXT_TYPES]
    return texts[-1] if texts else -1


def _with_more(cells: list[pa.Array], place: int, more: str) -> list[pa.Array]:
    if place < 0 or not len(cells[place]):
        return cells
    column = cells[place]
    first = pa.array([more + (column[0].as_py() or "")], pa.string())
    return [*cells[:place], pa.concat_arrays([first, column.slice(1)]), *cells[place + 1 :]]
