"""The command reads the files as a load does, and loads nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from license_ledger.__main__ import main


def test_the_command_says_what_the_files_are_good_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows per file, and products that only one of the two files knows."""
    (tmp_path / "p.csv").write_text(
        "product,currency,unit_price,billing_period,starts_on\nA,EUR,1,year,2026-01-01\n"
    )
    (tmp_path / "c.csv").write_text("license_layer,license_key,product,confidence\nuser,SFDC,B,sure\n")
    monkeypatch.setenv("LICENSE_LEDGER_PRICES", str(tmp_path / "p.csv"))
    monkeypatch.setenv("LICENSE_LEDGER_LICENSE_PRODUCTS", str(tmp_path / "c.csv"))

    assert main(["inputs"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "prices: 1 rows",
        "license_products: 1 rows",
        "In the price list, and no license was bought as it: A",
        "In the crosswalk, and it has no price: B",
    ]


def test_a_wrong_file_is_an_error_on_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with 1 and names file, line and column."""
    (tmp_path / "p.csv").write_text(
        "product,currency,unit_price,billing_period,starts_on\nA,EUR,x,year,2026-01-01\n"
    )
    monkeypatch.setenv("LICENSE_LEDGER_PRICES", str(tmp_path / "p.csv"))

    assert main(["inputs"]) == 1
    assert (
        "InputRefused: price list p.csv, line 2, column unit_price: 'x' is no amount"
        in capsys.readouterr().err
    )


def test_without_files_the_command_names_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing given is no error."""
    assert main(["inputs"]) == 0
    assert "prices, license_products and directory" in capsys.readouterr().out
