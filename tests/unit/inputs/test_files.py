"""Price list and crosswalk are judged line by line before anything is done with them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.errors import InputRefused
from license_ledger.inputs.given import read_inputs
from license_ledger.settings import Settings

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
HEAD = "product,contract_id,currency,unit_price,billing_period,starts_on,ends_on,contract_quantity"
LINE = "SALES-EE,Q-1,EUR,1260.00,year,2026-02-01,2027-01-31,100"
CROSS = "license_layer,license_id,license_key,product,confidence,price_share"
ROW = "user,,SFDC,SALES-EE,sure,"


def prices(tmp_path: Path, content: str | bytes, name: str = "prices.csv") -> pa.Table:
    """What becomes of a price list with that content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_inputs(Settings(prices=str(path)), NOW).tables["prices"]


def products(tmp_path: Path, *lines: str) -> pa.Table:
    """What becomes of a crosswalk with these lines."""
    path = tmp_path / "crosswalk.csv"
    path.write_text("\n".join((CROSS, *lines)))
    return read_inputs(Settings(license_products=str(path)), NOW).tables["license_products"]


def told(error: pytest.ExceptionInfo[InputRefused]) -> str:
    """Where the file is wrong and how."""
    return f"{error.value.asked}: {error.value.got}"


FORMS = {
    "as it is": f"{HEAD}\n{LINE}\n",
    "without a last line break": f"{HEAD}\n{LINE}",
    "from a spreadsheet": f"\ufeff{HEAD}\r\n{LINE}\r\n".replace(",", ";"),
    "with blank lines and spaces": f"{HEAD}\n\n {LINE.replace(',', ' , ')} \n\n",
    "quoted": f"{HEAD}\n{LINE.replace('SALES-EE', chr(34) + 'SALES-EE' + chr(34))}\n",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=list(FORMS))
def test_a_price_list_is_read(tmp_path: Path, content: str) -> None:
    """Commas or semicolons, any line ends, byte order mark or none: the same typed row."""
    [row] = prices(tmp_path, content).to_pylist()

    assert row == {
        "product": "SALES-EE",
        "contract_id": "Q-1",
        "org_id": None,
        "currency": "EUR",
        "unit_price": Decimal(1260),
        "list_unit_price": None,
        "billing_period": "year",
        "starts_on": date(2026, 2, 1),
        "ends_on": date(2027, 1, 31),
        "contract_quantity": 100,
        "price_basis": None,
    }


@pytest.mark.parametrize("kind", [pa.string(), pa.float64(), pa.decimal128(10, 2), pa.int32()])
def test_parquet_is_read_as_csv_is(tmp_path: Path, kind: pa.DataType) -> None:
    """A column's own type does not matter as long as its values are what they should be."""
    table = pa.table(
        {
            "product": pa.array(["A"]).dictionary_encode(),
            "currency": ["EUR"],
            "unit_price": pa.array(["12"]).cast(kind),
            "billing_period": ["month"],
            "starts_on": [date(2026, 1, 1)],
        }
    )
    pq.write_table(table, tmp_path / "prices.parquet")
    made = read_inputs(Settings(prices=str(tmp_path / "prices.parquet")), NOW).tables["prices"]

    assert (made["unit_price"][0].as_py(), made["starts_on"][0].as_py()) == (Decimal(12), date(2026, 1, 1))


def test_a_wrong_row_of_parquet_is_told_by_its_number(tmp_path: Path) -> None:
    """Parquet has no lines; rows are counted from one."""
    table = pa.table(
        {"product": ["A", None], "currency": ["EUR"] * 2, "unit_price": [1.0] * 2}
        | {"billing_period": ["month"] * 2, "starts_on": [date(2026, 1, 1)] * 2}
    )
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(InputRefused) as error:
        read_inputs(Settings(prices=str(tmp_path / "p.parquet")), NOW)

    assert told(error) == "price list p.parquet, row 2, column product: is missing"


WRONG = [
    ("", "price list prices.csv: is empty; its first line names the columns"),
    (HEAD.replace("currency,", "") + "\n", "price list prices.csv, column currency: is missing"),
    (HEAD + ",colour\n", "price list prices.csv, column colour: is not known; known are product, "),
    (HEAD + ",product\n", "price list prices.csv, column product: is there twice"),
    (f"{HEAD}\n{LINE}\n{LINE},x\n", "price list prices.csv, line 3: has 9 values, and the header names 8"),
    (f'{HEAD}\n{LINE}\n\n"A\nB",x\n', "price list prices.csv, line 4: has 2 values, and the header names 8"),
    (f"{HEAD}\n{LINE}\n".encode("utf-16"), "price list prices.csv: is not UTF-8"),
    (f"{HEAD}\n{LINE}\n".replace("EE", "É").encode("latin-1"), "price list prices.csv: is not UTF-8"),
]
VALUES = [
    ("product", "", "is missing"),
    ("currency", "Euro", "'Euro' is no ISO 4217 code such as EUR"),
    ("currency", "", "is missing"),
    ("unit_price", "1.260", None),
    ("unit_price", "1,260", None),
    ("unit_price", "12.1234567", "'12.1234567' is no amount such as 150 or 12.50, at most six digits after"),
    ("unit_price", "-5", "'-5' is no amount"),
    ("unit_price", "1e3", "'1e3' is no amount"),
    ("unit_price", "free", "'free' is no amount"),
    ("billing_period", "weekly", "'weekly' is none of month, quarter, year"),
    ("starts_on", "2026-02-30", "'2026-02-30' is no day such as 2026-01-31"),
    ("starts_on", "1.2.2026", "'1.2.2026' is no day"),
    ("starts_on", "20260201", "'20260201' is no day"),
    ("ends_on", "2026-01-31", "'2026-01-31' lies before starts_on"),
    ("contract_quantity", "10.5", "'10.5' is no whole number"),
    ("contract_quantity", "many", "'many' is no whole number"),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    """What is no table, or not the right one, is told with the line or the column."""
    with pytest.raises(InputRefused) as error:
        prices(tmp_path, content)

    assert told(error).startswith(message)


@pytest.mark.parametrize(("column", "value", "message"), VALUES)
def test_a_wrong_value_is_told_with_line_and_column(
    tmp_path: Path, column: str, value: str, message: str | None
) -> None:
    """The message names file, line, column and value, whatever stands before it in the file."""
    values = dict(zip(HEAD.split(","), LINE.split(","), strict=True)) | {column: f'"{value}"'}
    wrong = ",".join(values.values())
    content = (
        f"{HEAD}\n\n{LINE.replace('SALES-EE', chr(34) + 'two' + chr(10) + 'lines' + chr(34))}\n{wrong}\n"
    )
    if message is None and "," not in value:
        assert prices(tmp_path, content).num_rows == 2
        return
    with pytest.raises(InputRefused) as error:
        prices(tmp_path, content)

    assert told(error).startswith(f"price list prices.csv, line 5, column {column}: {message or ''}")


TWO = [
    ("Q-1", "EUR", "20", "contract_id: must tell it apart"),
    ("", "EUR", "20", "contract_id: must tell it apart"),
    ("Q-2", "USD", "20", "currency: 'USD' is not the same"),
    ("Q-2", "EUR", "", "contract_quantity: must be given in both"),
    ("Q-2", "EUR", "20", None),
]


@pytest.mark.parametrize(("contract", "currency", "quantity", "message"), TWO)
def test_lines_at_the_same_time_must_be_told_apart(
    tmp_path: Path, contract: str, currency: str, quantity: str, message: str | None
) -> None:
    """Two lines on the same days need contracts and quantities of their own, and one currency."""
    second = f"SALES-EE,{contract},{currency},5,year,2027-01-31,,{quantity}"
    content = f"{HEAD}\n{LINE}\n{second}\n"
    if message is None:
        assert prices(tmp_path, content).num_rows == 2
        return
    with pytest.raises(InputRefused) as error:
        prices(tmp_path, content)

    assert told(error).startswith(f"price list prices.csv, line 3, column {message}")
    assert "'SALES-EE' has another line" in told(error)


@pytest.mark.parametrize(
    "second", ["SALES-EE,Q-1,USD,5,year,2027-02-01,,", "OTHER,Q-1,USD,5,year,2026-02-01,,"]
)
def test_lines_that_do_not_meet_need_nothing(tmp_path: Path, second: str) -> None:
    """One line after the other, or of another product, may be anything."""
    assert prices(tmp_path, f"{HEAD}\n{LINE}\n{second}\n").num_rows == 2


CROSSED = [
    ("user,,,P,sure,", "license_id: or else license_key must be given, and not both"),
    ("user,100000000000001AAA,SFDC,P,sure,", "license_id: or else license_key must be given, and not both"),
    ("user,100000000000001,,P,sure,", "license_id: '100000000000001' is no id of 18 characters"),
    ("seat,,SFDC,P,sure,", "license_layer: 'seat' is none of user, permission_set"),
    ("user,,SFDC,P,maybe,", "confidence: 'maybe' is none of sure, likely, unsure"),
    ("user,,SFDC,P,sure,0", "price_share: '0' is not above 0 and at most 1"),
    ("user,,SFDC,P,sure,1.01", "price_share: '1.01' is not above 0 and at most 1"),
    (ROW, "product: 'SALES-EE' is assigned to this license already"),
    ("user,,AUL,SALES-EE,sure,0.1", "price_share: makes the licenses of product 'SALES-EE' stand for 1.1 of"),
]


@pytest.mark.parametrize(("row", "message"), CROSSED)
def test_a_wrong_row_of_the_crosswalk_is_told(tmp_path: Path, row: str, message: str) -> None:
    """A row must name one license, one product, and not more of its price than there is."""
    with pytest.raises(InputRefused) as error:
        products(tmp_path, ROW, row)

    assert told(error).startswith(f"crosswalk crosswalk.csv, line 3, column {message}")


def test_shares_of_a_price_may_add_up_to_all_of_it(tmp_path: Path) -> None:
    """Halves of a product, a row by id beside one by key, and feature types without an id are fine."""
    made = products(
        tmp_path,
        "user,,SFDC,BUNDLE,sure,0.5",
        "permission_set,,CPQ,BUNDLE,sure,0.5",
        "user,100000000000001AAA,,BUNDLE,likely,",
        "feature,MarketingUser,,MARKETING,unsure,",
    )

    assert made["price_share"].to_pylist() == [Decimal("0.5"), Decimal("0.5"), None, None]


def test_files_are_known_by_their_fingerprints(tmp_path: Path) -> None:
    """Nothing given is nothing read; a file that changes has another fingerprint."""
    path = tmp_path / "prices.csv"
    path.write_text(f"{HEAD}\n{LINE}\n")
    first = read_inputs(Settings(prices=str(path)), NOW)
    path.write_text(f"{HEAD}\n{LINE}0\n")
    second = read_inputs(Settings(prices=str(path)), NOW)

    assert read_inputs(Settings(), NOW).fingerprints == {}
    assert set(first.fingerprints) == {"prices"} == set(second.fingerprints)
    assert first.fingerprints != second.fingerprints
    [row] = first.tables["input_files"].to_pylist()
    assert (row["input_name"], row["row_count"], row["read_at"]) == ("prices", 1, NOW)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The message names the place, and the remedy the setting."""
    with pytest.raises(InputRefused, match=r"price list file:///.*/none\.csv: is not there → put it there"):
        read_inputs(Settings(prices=str(tmp_path / "none.csv")), NOW)


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)


@settings(max_examples=60)
@given(rows=st.lists(st.lists(_TEXT, min_size=8, max_size=8), min_size=1, max_size=5))
def test_whatever_is_in_it_a_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]
) -> None:
    """Any text in any cell is a row or an error of the ledger that names a place, and never another one."""
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    refused = None
    try:
        prices(tmp_path_factory.getbasetemp(), "\n".join((HEAD, *quoted)), "fuzzed.csv")
    except InputRefused as error:
        refused = error

    assert refused is None or refused.asked.startswith("price list fuzzed.csv, line ")
