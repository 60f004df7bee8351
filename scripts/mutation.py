"""Mutation test of the pure core: does a test fail when the code is wrong?

Every function of ``reconcile/`` and ``transform/`` is changed a little, one change at a time, by mutmut, and
the unit tests that reach the function run against each change. What no test notices survives. Prints a table
per module and ends with 1 when the score of the whole, or of a module, is below the bar.

The work is done on a copy under ``.run/mutation``; results stay there, so that a second run only looks at
what has changed. ``docs/testing.md`` has the last figures and the survivors that were looked at.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = ("reconcile", "transform")
TESTS = ("tests/unit/reconcile", "tests/unit/transform")
SLOW = "tests/unit/transform/test_scope_rules.py::test_memory_of_domains_is_bounded"
BAR = 85.0
MUTMUT = (sys.executable, "-m", "mutmut")

# mutmut knows a source folder by the name `src`; examples are the same in every run, or a mutant would be
# killed one day and survive the next.
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/license_ledger/reconcile/*.py", "src/license_ledger/transform/*.py"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "--deselect", "{slow}"]
pytest_add_cli_args_test_selection = ["tests/unit/reconcile", "tests/unit/transform"]
timeout_multiplier = 10.0
timeout_constant = 10.0
track_dependencies = false
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = "-q"
"""
CONFTEST = '''"""Examples that are the same in every run; nobody waits for the smallest one that fails."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutation",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutation")
'''
KILLED = {"killed", "timeout", "segfault", "caught by type check", "suspicious"}
SURVIVED = {"survived", "no tests"}


def prepare(work: Path) -> None:
    """Copy the package and the tests of the core, with settings of their own; keep earlier results."""
    work.mkdir(parents=True, exist_ok=True)
    for source, target in [
        (ROOT / "include" / "license_ledger", work / "src" / "license_ledger"),
        *((ROOT / folder, work / folder) for folder in TESTS),
    ]:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    (work / "tests" / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    # mutmut adds to its own copy of the tests; a test that is gone must not go on counting.
    shutil.rmtree(work / "mutants" / "tests", ignore_errors=True)
    (work / "pyproject.toml").write_text(SETTINGS.format(slow=SLOW), encoding="utf-8")


def modules_of(chosen: list[str]) -> list[str]:
    """The modules to change, as ``transform/emails.py``: those chosen, or all of the core."""
    package = ROOT / "include" / "license_ledger"
    every = [
        str(path.relative_to(package)) for part in CORE for path in sorted((package / part).glob("*.py"))
    ]
    every = [module for module in every if not module.endswith("__init__.py")]
    unknown = set(chosen) - set(every)
    if unknown:
        raise SystemExit(f"not a module of the core: {', '.join(sorted(unknown))}")
    return chosen or every


def verdicts(work: Path) -> dict[str, dict[str, list[str]]]:
    """What became of the mutants: module → verdict → names."""
    listed = subprocess.run(
        [*MUTMUT, "results", "--all", "true"], cwd=work, check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, dict[str, list[str]]] = {}
    for line in listed.splitlines():
        name, _, verdict = line.strip().rpartition(": ")
        if not name:
            continue
        module = name.partition("license_ledger.")[2].rpartition(".")[0].replace(".", "/") + ".py"
        found.setdefault(module, {}).setdefault(verdict, []).append(name)
    return found


def survivors(found: dict[str, dict[str, list[str]]], modules: list[str]) -> list[str]:
    """Names of the mutants of these modules that no test noticed."""
    return [
        name
        for module in modules
        for kind in sorted(SURVIVED)
        for name in found.get(module, {}).get(kind, [])
    ]


def drawn(found: dict[str, dict[str, list[str]]], modules: list[str], count: int) -> list[str]:
    """Up to so many mutants of each module that have not been tried yet, the same ones every time."""
    chooser = random.Random(5)  # noqa: S311 - no secret
    names = [sorted(found.get(module, {}).get("not checked", [])) for module in modules]
    return [name for each in names for name in chooser.sample(each, min(count, len(each)))]


def report(found: dict[str, dict[str, list[str]]]) -> bool:
    """Print the table; true when every module and the whole reach the bar."""
    print(f"\n| {'module':24} | mutants | killed | survived | score |")
    print(f"|{'-' * 26}|--------:|-------:|---------:|------:|")
    total: Counter[str] = Counter()
    low = []
    for module, kinds in sorted(found.items()):
        killed = sum(len(names) for kind, names in kinds.items() if kind in KILLED)
        survived = sum(len(names) for kind, names in kinds.items() if kind in SURVIVED)
        other = {kind: len(names) for kind, names in kinds.items() if kind not in KILLED | SURVIVED}
        total.update(killed=killed, survived=survived, **other)
        low += [module] if _line(module, killed, survived) < BAR else []
    whole = _line("all", total["killed"], total["survived"])
    left = {kind: count for kind, count in total.items() if kind not in {"killed", "survived"}}
    if left:
        print(f"\nnot decided: {left}")
    if low:
        print(f"\nbelow {BAR:.0f} %: {', '.join(low)}")
    return whole >= BAR and not low and not left


def _line(module: str, killed: int, survived: int) -> float:
    count = killed + survived
    score = 100 * killed / count if count else 100.0
    print(f"| {module:24} | {count:7} | {killed:6} | {survived:8} | {score:3.0f} % |")
    return score


def main() -> int:
    """Change, test, and print what survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", help="such as transform/emails.py; default: the whole core")
    parser.add_argument(
        "--work", type=Path, default=ROOT / ".run" / "mutation", help="where the copy is made"
    )
    parser.add_argument("--children", type=int, default=2, help="processes at once (default: 2)")
    parser.add_argument("--again", action="store_true", help="only what survived last time")
    parser.add_argument("--sample", type=int, help="so many of each module that have not been tried yet")
    parser.add_argument("--survivors", action="store_true", help="print each survivor as a difference")
    arguments = parser.parse_args()
    work, modules = arguments.work, modules_of(arguments.modules)
    # Without names, mutmut goes on where it was.
    names = [
        f"license_ledger.{module.removesuffix('.py').replace('/', '.')}.*" for module in arguments.modules
    ]
    if arguments.again:
        names = survivors(verdicts(work), modules)
    if arguments.sample:
        names = drawn(verdicts(work), modules, arguments.sample)
    prepare(work)
    done = subprocess.run(
        [*MUTMUT, "run", "--max-children", str(arguments.children), *names],
        cwd=work,
        # Looking for plugins among hundreds of packages takes longer than most tests here.
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
    )
    if done.returncode:
        return done.returncode
    found = {module: kinds for module, kinds in verdicts(work).items() if module in modules}
    if arguments.survivors:
        for name in survivors(found, modules):
            print(f"\n== {name}", flush=True)
            subprocess.run([*MUTMUT, "show", name], cwd=work, check=True)
    return 0 if report(found) else 1


if __name__ == "__main__":
    sys.exit(main())
