"""Fuzz the parsers: bytes guided by coverage against promises that must hold whatever they are.

The targets are in ``tests/fuzz/targets.py``: pages of bulk results, rows in them, e-mail addresses, the
company filter. Inputs that reach something new are added to a working corpus that begins with
``tests/fuzz/corpus``; an input that breaks a promise is written to ``--findings`` and ends the run with 1.
Move it to ``tests/fuzz/corpus/<target>`` once it is mended: the suite runs everything there.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
WORK = ROOT / ".run" / "fuzz"
# What is watched for new paths; the rest of the libraries would only make it slow.
WATCHED = (
    "license_ledger.salesforce.bulk_csv",
    "license_ledger.transform.emails",
    "license_ledger.transform.landed",
    "license_ledger.transform.scope",
)
# Not imported before it can be watched.
TARGETS = tuple(sorted(folder.name for folder in CORPUS.iterdir()))

sys.path[:0] = [str(ROOT), str(ROOT / "include")]


def fuzz(target: str, options: list[str]) -> None:
    """Run one target in this process; ends the process."""
    import atheris

    with atheris.instrument_imports(include=list(WATCHED)):
        from tests.fuzz import targets

    atheris.Setup([sys.argv[0], *options], targets.TARGETS[target])
    atheris.Fuzz()


def main() -> int:
    """Run the chosen targets one after the other; 1 when one of them found something."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="default: all")
    parser.add_argument("--seconds", type=int, default=60, help="how long each target runs (default: 60)")
    parser.add_argument("--runs", type=int, default=-1, help="inputs per target, instead of a time")
    parser.add_argument("--seed", type=int, default=0, help="0 (default) is another one every time")
    parser.add_argument("--work", type=Path, default=WORK, help="where inputs that are new are kept")
    parser.add_argument("--findings", type=Path, default=None, help="default: below --work")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    findings = arguments.findings or arguments.work / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    if arguments.inside:
        limit = f"-runs={arguments.runs}" if arguments.runs >= 0 else f"-max_total_time={arguments.seconds}"
        target = arguments.inside
        options = [limit, f"-seed={arguments.seed}", "-max_len=1024", "-timeout=60", "-print_final_stats=1"]
        folders = [str(arguments.work / target), str(CORPUS / target)]
        fuzz(target, [*options, f"-artifact_prefix={findings}/{target}-", *folders])
    failed = []
    for target in arguments.targets or TARGETS:
        print(f"== {target}", flush=True)
        (arguments.work / target).mkdir(parents=True, exist_ok=True)
        done = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--inside", target], check=False)
        failed += [target] if done.returncode else []
    print(f"broken promises: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
