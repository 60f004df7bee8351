"""The headline report."""

from __future__ import annotations

from tests.unit.reconcile.made_licenses import a_license, bridged, holders

from license_ledger.reconcile.report import headline, markdown_summary


def test_the_report_of_a_small_org() -> None:
    """Position of every license with seats, bridge of those that do not match, nothing else."""
    result = bridged(
        [
            a_license("A", used=1096, total_count=2000, available_count=904),
            a_license("B", used=3),
            a_license("C", "package", used=2, is_unlimited=True, total_count=None, available_count=None),
            a_license("D", used=0, total_count=0, available_count=0),
            a_license("E", "usage", used=7, total_count=9, available_count=2),
            a_license("F", "feature"),
        ],
        [
            holders(1075, license_id="A"),
            holders(20, "no_email", license_id="A"),
            holders(3, license_id="B"),
            holders(1, license_id="C", layer="package"),
        ],
    )

    assert headline(*result) == "6 licenses, 2 with a mismatch, **2 seats unexplained**."
    assert """\
## Position of today

6 licenses, 2 with a mismatch, **2 seats unexplained**.

| Layer | License | Total | Used | In scope | Available | Unexplained |
| --- | --- | ---: | ---: | ---: | ---: | ---: |
| User | License A | 2,000 | 1,096 | 1,075 | 904 | 1 |
| User | License B | 100 | 3 | 3 | 97 | 0 |
| Package | License C | unlimited | 2 | 1 | - | 1 |
| Usage | License E | 9 | 7 | - | 2 | - |
| Feature | License F | 100 | - | 0 | - | - |

Licenses without seats, not listed: 1.

### Mismatch bridge

| License | Cause | Seats | Evidence |
| --- | --- | ---: | --- |
| License A (user) | in_scope | 1,075 | the counter 1096 equals neither the 1095 active nor all 1095 \
holders that were read: active holders are counted, as documented |
|  | no_email | 20 | users without an e-mail address, which the company filter needs |
""" in markdown_summary(*result, title="Position of today")


def test_a_matching_org_has_no_bridge() -> None:
    """When every used seat is in scope the second table is left out."""
    result = bridged([a_license(used=3)], [holders(3)])

    text = markdown_summary(*result)

    assert headline(*result) == "1 license, 0 with a mismatch, every seat explained."
    assert "Mismatch bridge" not in text
    assert "not listed" not in text


def test_names_cannot_break_the_table() -> None:
    """Pipes, line breaks and markup in a license's name come out as plain text in one cell."""
    result = bridged([a_license(used=3, license_name="A|B\n<b>*x*</b> [y](z)")], [holders(3)])

    (line,) = [line for line in markdown_summary(*result).splitlines() if "A\\|B" in line]

    assert line == "| User | A\\|B \\<b\\>\\*x\\*\\</b\\> \\[y\\]\\(z\\) | 100 | 3 | 3 | 97 | 0 |"


def test_a_license_without_a_name_goes_by_key_or_id() -> None:
    """The report falls back to the key and then the id."""
    rows = [
        a_license("A", used=1, license_name=None),
        a_license("B", used=1, license_name=None, license_key=None),
    ]

    text = markdown_summary(*bridged(rows))

    assert "| User | KEY\\_A |" in text
    assert "| User | B |" in text
