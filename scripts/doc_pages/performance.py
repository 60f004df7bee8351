"""docs/performance.md and its charts, from what was measured: docs/performance.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from doc_pages import NOTE, prose, table
from doc_pages.chart import chart

RECORD = Path(__file__).resolve().parents[2] / "docs" / "performance.json"
TIME, MEMORY = "docs/images/performance-time.svg", "docs/images/performance-memory.svg"
ANSWERS = {"plain": "Plain answers", "gzip": "Answers compressed for those who accept it"}
SHOWN = ("extract User", "transform", "check", "load_warehouse")
EXTRACT = ("refresh_token", "inspect_org")


def performance_pages() -> dict[str, Callable[[], str]]:
    """The page and its charts, by path."""
    return {"docs/performance.md": _page, TIME: _time, MEMORY: _memory}


@cache
def _record() -> dict[str, Any]:
    return dict(json.loads(RECORD.read_text("utf-8")))


def _page() -> str:
    lines = [
        "# Performance",
        "",
        NOTE,
        "",
        *prose(
            "Everything here was measured on one machine and can be measured again: `make bench` for the "
            "comparison and the budgets, `python scripts/measure_scale.py` for the sizes up to ten million "
            "users, `python scripts/measure_overhead.py` for a run in Airflow. All keep their figures in "
            "`docs/performance.json`, of which this page is made. Ratios travel from machine to machine; "
            "seconds do not."
        ),
        *prose(_machine(_record()["bench"]["machine"])),
        *_budgets(),
        *_comparison(),
        *_overhead(),
        *_scale(),
    ]
    return "\n".join(lines)


def _overhead() -> list[str]:
    found = _record()["overhead"]
    return [
        "## Under Airflow",
        "",
        *prose(
            f"A run of the small demo org takes {found['snapshot_seconds']:.1f} seconds from queued to "
            f"ended, and a DAG of the same {found['tasks']} task instances that do nothing, mapped ones "
            f"included, {found['empty_seconds']:.1f}: medians of {found['rounds']} runs each, which took "
            "turns under one scheduler with Airflow's own pause when idle. `make run` has a shorter one."
        ),
        "",
    ]


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"The machine: {machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, "
        f"{machine['system']}, Python {machine['python']}, shared with other work at the time; "
        f"{machine['on']}."
    )


def _budgets() -> list[str]:
    rows = [
        (
            each["words"] + (f" ({each['source']})" if each["source"] else ""),
            f"{each['measured']:,.2f} {each['unit']}",
            f"{'at least' if each['at_least'] else 'at most'} {each['bound']:g}",
            "yes" if each["is_kept"] else "**no**",
        )
        for each in (*_record()["bench"]["budgets"], _record()["overhead"]["budget"])
    ]
    return [
        "## Budgets",
        "",
        *table(("What", "Measured", "Budget", "Kept"), rows),
        "",
        *_walk_in_processor_time(),
    ]


def _walk_in_processor_time() -> list[str]:
    """What the walk costs beside its extract where nobody waits, and what its dearest part is."""
    extract, *_, load = parts = _by_step(_sizes()[1_000_000])
    return prose(
        f"In processor time the walk costs {sum(parts) / extract:.1f} times its extract: of "
        f"{sum(parts):.1f} processor seconds at a million users the extract takes {extract:.1f} and the "
        f"loading of DuckDB {load:.1f}. The bound is one of time, with the org served by the same cores: see "
        "[decision 0015](decisions/0015-the-walk-by-the-clock.md)."
    )


def _comparison() -> list[str]:
    bench = _record()["bench"]
    lines = [
        "## Beside other extractors",
        "",
        *prose(
            f"All extract the same {bench['columns']} columns of User from the same server over TLS, as "
            "whole processes that take turns; medians. The server keeps its answers ready and its processor "
            "time is not counted. Memory is that of the process and all it starts. The fast ones extract a "
            "larger org than the others, which would take many minutes there: rows per second compare, and "
            "the last column says what a start alone takes, with an org of forty users. The hook, which "
            "keeps all records in memory as Python objects and slows down with their number, extracts the "
            "larger org too, once."
        ),
    ]
    lines += [line for note in bench.get("notes", []) for line in prose(note)]
    for kind, title in ANSWERS.items():
        results = bench["answers"].get(kind)
        if results:
            lines += [f"### {title}", "", *_ranking(results, bench["starts"]), ""]
    return [*lines, *_verdicts(bench["answers"]), *_conditions()]


def _ranking(results: dict[str, Any], starts: dict[str, Any]) -> list[str]:
    head = (
        *("What", "API", "Users", "Rows per CPU second", "CPU s", "Seconds"),
        *("Memory, MiB", "Calls", "MB received", "Start, CPU s"),
    )
    ran = {name: each for name, each in results.items() if "cpu_seconds" in each}
    order = sorted(ran, key=lambda name: -ran[name]["rows_per_cpu_second"])
    rows = [
        (
            *(ran[name]["title"], ran[name]["api"], f"{ran[name]['users']:,}"),
            f"{ran[name]['rows_per_cpu_second']:,}",
            f"{ran[name]['cpu_seconds']:.1f}",
            f"{ran[name]['seconds']:.1f}",
            f"{ran[name]['peak_mib']:,}",
            f"{ran[name]['calls']:,}",
            f"{ran[name]['bytes'] / 1e6:,.1f}",
            f"{starts[name]['cpu_seconds']:.1f}" if starts.get(name, {}).get("cpu_seconds") else "",
        )
        for name in order
    ]
    failed = [
        f"- {each['title']} did not run: {each['failure']}" for each in results.values() if each["failure"]
    ]
    return [*table(head, rows), *([""] if failed else []), *failed]


def _verdicts(answers: dict[str, Any]) -> list[str]:
    results = answers.get("plain") or next(iter(answers.values()))
    rows = [
        (each["title"], *_cells(each["verdict"]))
        for each in results.values()
        if each.get("verdict") is not None
    ]
    return [
        "### Is it right?",
        "",
        *prose(
            "What each wrote is compared with what the org holds, cell by cell: every row once, ids of 18 "
            "characters, texts with quotation marks, line breaks and the word NA in them, moments, flags, "
            "and nulls, which are neither empty text nor the word None. A column is untyped when its moments "
            "or flags arrive as text. None of these columns holds numbers."
        ),
        *table(("What", "Rows", "Values", "Untyped columns"), rows),
        "",
    ]


def _cells(verdict: dict[str, Any]) -> tuple[str, str, str]:
    wrong = [
        f"{count:,} {words}"
        for count, words in (
            (verdict["missing_rows"], "rows missing"),
            (verdict["surplus_rows"], "rows too many"),
            (verdict["short_ids"], "ids without 18 characters"),
            (len(verdict["missing_columns"]), "columns missing"),
            *((count, f"{kind}s wrong") for kind, count in verdict["wrong"].items()),
            (verdict["made_nulls"], "values became null"),
            (verdict["lost_nulls"], "nulls became values"),
        )
        if count
    ]
    return f"{verdict['rows']:,}", ", ".join(wrong) or "all right", str(len(verdict["untyped_columns"]) or "")


def _conditions() -> list[str]:
    return [
        "### How they were run",
        "",
        *prose(
            "- Each in an environment of its own, made from a lock in `scripts/bench/peers/`; the Airflow "
            "provider in the project's own. Nothing of any of them is changed.",
            indent="  ",
        ),
        *prose(
            "- Who writes Parquet compresses it as Arrow does by default, by Snappy; so does the ledger's "
            "landing. The bare limit leaves the writer at its defaults otherwise. The ledger makes "
            "dictionaries only of columns that repeat themselves and statistics only where somebody uses "
            "them, which saves more than its checks cost.",
            indent="  ",
        ),
        *prose(
            "- Some know only Salesforce's own login host. A CONNECT proxy, set the documented way by "
            "`HTTPS_PROXY`, leads that host to the demo org, whose certificate has its name.",
            indent="  ",
        ),
        *prose(
            "- dlt has its source in a repository and not in a package: `dlt init salesforce filesystem` "
            "fetches it. It reads by the first Bulk API, which the server of the bench answers for it. Its "
            "own way around, for orgs without that API, ends at the second page of a result: it hands the "
            "address of that page to simple-salesforce as if it were an identifier, and asks for an address "
            "that no org has.",
            indent="  ",
        ),
        *prose(
            "- Singer's tap reads by REST. Meltano's variant of it, which reads by Bulk API 2.0, is in no "
            "package registry and was not run.",
            indent="  ",
        ),
        *prose(
            "- Airbyte's source and the tap write messages for another program that stores them; that "
            "program's time is not in their figures.",
            indent="  ",
        ),
        *prose(
            "- The ledger asks for plain answers always, because unpacking costs more processor time than "
            "it saves; with compressed answers the others read fewer bytes.",
            indent="  ",
        ),
        "",
    ]


def _scale() -> list[str]:
    scale = _sizes()
    head = (
        "Users",
        "Seats",
        "Extract",
        "Transform",
        "Reconcile",
        "Check",
        "Publish",
        "Load",
        "Per 1,000 users",
    )
    rows = [
        (
            f"{users:,}",
            f"{size['rows']['seats']:,}",
            *(f"{seconds:.1f}" for seconds in _by_step(size)),
            f"{sum(step['cpu_seconds'] for step in size['steps'].values()) / users * 1000:.3f}",
        )
        for users, size in scale.items()
    ]
    stored = [
        (
            f"{users:,}",
            *(f"{size[name] / 1e6:,.1f}" for name in ("landed_bytes", "published_bytes", "warehouse_bytes")),
        )
        for users, size in scale.items()
        if "published_bytes" in size
    ]
    notes = [f"{users:,} users: {size['note']}." for users, size in scale.items() if "note" in size]
    return [
        "## From ten thousand to ten million users",
        "",
        *prose(
            "Every step in a process of its own, as an Airflow task has it; taken off is what a task costs "
            "that does nothing. The first quarter to half of a second and 80 to 120 MiB of each step are the "
            "loading of the libraries. Processor seconds:"
        ),
        *table(head, rows),
        "",
        *(line for note in notes for line in prose(note)),
        f"![Processor seconds of the steps by number of users]({TIME.removeprefix('docs/')})",
        "",
        f"![Memory of the steps by number of users]({MEMORY.removeprefix('docs/')})",
        "",
        *prose("What is kept of a day, in MB:"),
        *table(("Users", "Landing", "Published", "DuckDB warehouse"), stored),
        "",
    ]


def _by_step(size: dict[str, Any]) -> list[float]:
    steps = {name: step["cpu_seconds"] for name, step in size["steps"].items()}
    extract = sum(
        seconds for name, seconds in steps.items() if name in EXTRACT or name.startswith("extract ")
    )
    return [
        extract,
        *(steps[name] for name in ("transform", "reconcile", "check", "publish", "load_warehouse")),
    ]


def _sizes() -> dict[int, dict[str, Any]]:
    return {
        int(users): size for users, size in sorted(_record()["scale"].items(), key=lambda item: int(item[0]))
    }


def _lines(figure: str) -> dict[str, list[tuple[float, float]]]:
    named: dict[str, list[tuple[float, float]]] = {}
    for users, size in _sizes().items():
        for name in SHOWN:
            if name in size["steps"]:
                named.setdefault(name.replace("_", " "), []).append((users, size["steps"][name][figure]))
    return named


def _time() -> str:
    return chart("Processor time of the steps", "users", "CPU seconds", _lines("cpu_seconds"))


def _memory() -> str:
    words = "MiB above an empty task"
    return chart("Memory of the steps", "users", words, _lines("peak_mib"), ("budget of 400 MiB", 400.0))
