"""What `make run` prints at the end: the license position and the bridge, read back from the warehouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from license_ledger.warehouse.duckdb import open_readonly

POSITION = """
SELECT license_layer, license_name, is_unlimited, total_count, used_count, in_scope_count, available_count
FROM license_position
WHERE org_id = ? AND snapshot_date = ?
ORDER BY license_layer = 'usage', license_layer <> 'user', license_layer,
         used_count DESC NULLS LAST, license_name
"""
BRIDGE = """
SELECT license_layer, license_name, any_value(used_count), any_value(is_balanced),
       sum(seat_count) FILTER (cause = 'in_scope'),
       string_agg(seat_count || ' ' || replace(cause, '_', ' '), ', ' ORDER BY cause_order)
           FILTER (cause <> 'in_scope' AND seat_count <> 0)
FROM mismatch_bridge
WHERE org_id = ? AND snapshot_date = ?
GROUP BY license_layer, license_name, license_id
HAVING any_value(used_count) <> 0 OR bool_or(seat_count <> 0)
ORDER BY license_layer <> 'user', license_layer, any_value(used_count) DESC NULLS LAST, license_name
"""
TRUST = """
SELECT org_name, license_count, users_row_count, unexplained_count, missing_capability_count,
       company_names, captured_at
FROM data_trust
WHERE org_id = ? AND snapshot_date = ?
"""


def print_report(console: Console, warehouse: Path, org_id: str, snapshot_date: str) -> None:
    """
    Print the two tables of one snapshot.

    Args:
        console: to print on.
        warehouse: the DuckDB file.
        org_id: 18 characters.
        snapshot_date: as YYYY-MM-DD.
    """
    with open_readonly(warehouse) as connection:
        key = [org_id, snapshot_date]
        trust = connection.execute(TRUST, key).fetchone()
        position = connection.execute(POSITION, key).fetchall()
        bridge = connection.execute(BRIDGE, key).fetchall()
    if trust is None:
        console.print(f"The warehouse holds no snapshot of {snapshot_date}.")
        return
    console.print(_headline(trust, snapshot_date))
    _print_position(console, position)
    _print_bridge(console, bridge)
    console.print(_verdict(trust))


def _headline(trust: tuple[Any, ...], day: str) -> str:
    name, licenses, users, _, _, companies, captured_at = trust
    return (
        f"\n[bold]{name}[/bold], snapshot of {day}, captured {captured_at:%Y-%m-%d %H:%M} UTC: "
        f"{licenses} licenses, {users} users in scope of {companies}\n"
    )


def _print_position(console: Console, rows: list[tuple[Any, ...]]) -> None:
    """Licenses with a used seat; how many there are besides is told in words."""
    table = _table("License position", "Layer", "License", "Total", "Used", "In scope", "Available")
    unused = 0
    for layer, name, unlimited, total, used, in_scope, available in rows:
        if not used and not in_scope:
            unused += 1
            continue
        shown = "unlimited" if unlimited else _number(total)
        table.add_row(_words(layer), name, shown, _number(used), _number(in_scope), _number(available))
    console.print(table)
    if unused:
        console.print(f"{unused} more licenses have no used seat.\n")


def _print_bridge(console: Console, rows: list[tuple[Any, ...]]) -> None:
    """Licenses with seats outside the scope; the others are told in words."""
    table = _table("Mismatch bridge", "Layer", "License", "Used", "In scope", "Outside the scope")
    table.columns[-1].justify = "left"
    whole = 0
    for layer, name, used, balanced, in_scope, others in rows:
        if not others and balanced is not False:
            whole += 1
            continue
        mark = " [bold red]does not add up[/bold red]" if balanced is False else ""
        table.add_row(_words(layer), name, _number(used), _number(in_scope or 0), (others or "") + mark)
    console.print(table)
    if whole:
        console.print(f"Of {whole} more licenses every used seat is in scope.\n")


def _table(title: str, *columns: str) -> Table:
    """A table whose first two columns are texts and the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for position, name in enumerate(columns):
        table.add_column(name, justify="left" if position < 2 else "right", overflow="fold")
    return table


def _verdict(trust: tuple[Any, ...]) -> str:
    _, _, _, unexplained, gaps, _, _ = trust
    explained = (
        f"[bold red]{unexplained} seats are not explained[/bold red]"
        if unexplained
        else ("Every seat is explained")
    )
    visible = f"{gaps} objects or fields were not visible" if gaps else "everything was visible"
    return f"{explained}; {visible} to the integration user.\n"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _words(layer: str) -> str:
    return layer.replace("_", " ")
