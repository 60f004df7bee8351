"""What `make run` prints at the end: the license position and the bridge, read back from the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

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
       string_agg(seat_count || ' ' || lower(cause_text[1]) || cause_text[2:], ', ' ORDER BY cause_order)
           FILTER (cause <> 'in_scope' AND seat_count <> 0)
FROM mismatch_bridge
WHERE org_id = ? AND snapshot_date = ?
GROUP BY license_layer, license_name, license_id
HAVING coalesce(any_value(used_count), 0) <> 0 OR bool_or(seat_count <> 0)
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
        if trust is not None:
            console.print(_headline(trust, snapshot_date), highlight=False)
        console.print(_position(connection.execute(POSITION, key).fetchall()))
        console.print(_bridge(connection.execute(BRIDGE, key).fetchall()))
        if trust is not None:
            console.print(_verdict(trust), highlight=False)


def _headline(trust: tuple[Any, ...], day: str) -> str:
    name, licenses, users, _, _, companies, captured_at = trust
    return (
        f"\n[bold]{name}[/bold], snapshot of {day} (captured {captured_at:%Y-%m-%d %H:%M} UTC): "
        f"{licenses} licenses, {users} users in scope of {companies}\n"
    )


def _position(rows: Iterable[tuple[Any, ...]]) -> Table:
    table = Table(title="License position", title_justify="left", title_style="bold")
    table.add_column("Layer")
    table.add_column("License")
    for name in ("Total", "Used", "In scope", "Available"):
        table.add_column(name, justify="right")
    for layer, name, unlimited, total, used, in_scope, available in rows:
        shown = "unlimited" if unlimited else _number(total)
        table.add_row(_words(layer), name, shown, _number(used), _number(in_scope), _number(available))
    return table


def _bridge(rows: Iterable[tuple[Any, ...]]) -> Table:
    table = Table(
        title="Mismatch bridge: used = in scope + the others", title_justify="left", title_style="bold"
    )
    table.add_column("Layer")
    table.add_column("License")
    table.add_column("Used", justify="right")
    table.add_column("In scope", justify="right")
    table.add_column("The others")
    for layer, name, used, balanced, in_scope, others in rows:
        mark = "" if balanced is not False else " [red]does not add up[/red]"
        table.add_row(_words(layer), name, _number(used), _number(in_scope or 0), (others or "") + mark)
    return table


def _verdict(trust: tuple[Any, ...]) -> str:
    _, _, _, unexplained, gaps, _, _ = trust
    explained = "every seat is explained" if not unexplained else f"{unexplained} seats are NOT explained"
    visible = (
        "nothing was hidden from the integration user" if not gaps else f"{gaps} permissions are missing"
    )
    return f"{explained}; {visible}\n"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _words(layer: str) -> str:
    return layer.replace("_", " ")
