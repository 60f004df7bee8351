"""
Measure ways to bring the users of a Salesforce org into files, side by side against the same server.

    python -m bench                     everything, about a quarter of an hour
    python -m bench --only ledger limit --rounds 5

Contenders are whole processes. They take turns, so that whatever disturbs the machine disturbs all; medians
count. The fast ones extract a large org, the others a smaller one: rows per processor second compare. A start
against an org of forty is measured as well. Then the budgets are printed; the exit code is 1 when one is
broken, and 2 when a contender that should run did not.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.budgets import Budget, of_contenders, of_scale
from bench.contenders import CONTENDERS, Contender, named
from bench.environments import NotInstallable, interpreter
from bench.record import machine, read, write
from bench.runs import Ring, Taken, fields
from bench.servers import bucket, serving

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "performance.json"
ENVIRONMENTS = ROOT / "var" / "bench"
TINY = 40
ANSWERS = {"plain": False, "gzip": True}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, record; returns the exit code."""
    options = _options(arguments)
    contenders = [named(name) for name in options.only]
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder)))
        found = _contest(contenders, options, home, stack)
    scale = _scaled(options)
    budgets = of_contenders(found["answers"], found["starts"]) + (
        of_scale(scale, str(options.users)) if scale else []
    )
    _tell(found, budgets)
    if options.record:
        known = read(options.record)
        known["bench"] = {**found, "budgets": [each.to_dict() for each in budgets], "machine": machine()}
        known.setdefault("scale", {}).update(scale)
        write(options.record, known)
    if any(result["failure"] for results in found["answers"].values() for result in results.values()):
        return 2
    return 0 if all(each.is_kept for each in budgets) else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=(__doc__ or "").strip().splitlines()[0])
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--users", type=int, default=1_000_000, help="of the large org (%(default)s)")
    parser.add_argument("--peer-users", type=int, default=20_000, help="of the smaller org (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names)
    )
    parser.add_argument("--answers", nargs="+", choices=list(ANSWERS), default=list(ANSWERS))
    parser.add_argument("--folder", type=Path, help="for what the contenders write (default: the system's)")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="of the peers")
    parser.add_argument(
        "--own", action="store_true", help="run all in this environment, which must have them"
    )
    parser.add_argument("--no-walk", dest="walk", action="store_false", help="leave out the rest of the walk")
    parser.add_argument("--record", type=Path, help=f"where to keep the figures, such as {RECORD.name}")
    return parser.parse_args(arguments)


def _contest(
    contenders: Sequence[Contender], options: argparse.Namespace, home: Path, stack: ExitStack
) -> dict[str, Any]:
    """Let everybody run against the orgs; medians by kind of answers and contender."""
    interpreters: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for contender in contenders:
        try:
            interpreters[contender.name] = (
                Path(sys.executable) if options.own else interpreter(contender, options.environments)
            )
        except NotInstallable as error:
            missing[contender.name] = str(error)
    there = [contender for contender in contenders if contender.name in interpreters]
    s3 = stack.enter_context(bucket()) if any(each.needs_bucket for each in there) else ""
    fast = [each for each in there if each.fast]
    slow = [each for each in there if not each.fast]
    answers: dict[str, dict[str, Any]] = {name: {} for name in options.answers}
    starts: dict[str, Any] = {}
    for users, group in ((options.users, fast), (options.peer_users, slow), (TINY, there)):
        if not group:
            continue
        with ExitStack() as served:
            org = served.enter_context(serving(users, home / f"org-{users}"))
            org.leave_visible(list(fields()))
            ring = Ring(org, home / "out", s3, interpreters, options.environments)
            if users == TINY:
                starts = {
                    name: {"cpu_seconds": taken.to_dict().get("cpu_seconds"), "failure": taken.failure}
                    for name, taken in ring.rounds(group, 1, compresses=False, judges=False).items()
                }
                continue
            for name in options.answers:
                taken_by = ring.rounds(group, options.rounds, compresses=ANSWERS[name])
                for each, taken in taken_by.items():
                    _show(name, taken)
                    answers[name][each] = taken.to_dict()
    for name, reason in missing.items():
        for results in answers.values():
            results[name] = {
                "title": named(name).title,
                "api": named(name).api,
                "users": 0,
                "failure": reason,
            }
    return {"answers": answers, "starts": starts, "columns": len(fields())}


def _scaled(options: argparse.Namespace) -> dict[str, Any]:
    """The whole walk at the large size, measured now, beside what the record knows of other sizes."""
    if not options.walk:
        return {}
    from measure_scale import measured

    scale = dict(read(RECORD).get("scale", {}))
    scale[str(options.users)] = measured(options.users, 1)
    return scale


def _show(answers: str, taken: Taken) -> None:
    result = taken.to_dict()
    if "cpu_seconds" not in result:
        print(f"{answers:6}{taken.contender.name:24} {taken.failure}", flush=True)
        return
    print(
        f"{answers:6}{taken.contender.name:24} {result['rows_per_cpu_second']:>9,} rows/CPU s "
        f"{result['cpu_seconds']:8.2f} CPU s {result['seconds']:8.2f} s {result['peak_mib']:6,} MiB "
        f"{result['calls']:6,} calls {result['bytes'] / 1e6:8.1f} MB "
        f"{_verdict(result['verdict'])}",
        flush=True,
    )


def _verdict(verdict: dict[str, Any] | None) -> str:
    if verdict is None:
        return "not judged"
    if verdict["is_right"]:
        return "right" + (", untyped" if verdict["untyped_columns"] else "")
    told = {
        key: verdict[key]
        for key in (
            "missing_rows",
            "surplus_rows",
            "short_ids",
            "missing_columns",
            "lost_nulls",
            "made_nulls",
        )
        if verdict[key]
    } | {f"wrong {kind}": count for kind, count in verdict["wrong"].items() if count}
    return "WRONG: " + ", ".join(f"{key} {value}" for key, value in told.items())


def _tell(found: dict[str, Any], budgets: Sequence[Budget]) -> None:
    for results in found["answers"].values():
        for name, result in results.items():
            if result["failure"]:
                print(f"did not run: {name}: {result['failure']}")
    for budget in budgets:
        print(budget.line())


if __name__ == "__main__":
    # As on Ctrl-C, so that the servers are stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
