"""Every command of README and docs: run as written, or held against what it is a command of."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger.__main__ import _parser
from license_ledger.warehouse.duckdb import open_readonly, warehouse_path
from tests.walk import Walk, noon

ROOT = Path(__file__).parents[2]
GUIDES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SH = re.compile(r"^ *```sh\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
SQL = re.compile(r"^ *```sql\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAST = (date(2026, 6, 30), date(2026, 11, 23))
PLACES = "/srv/license-ledger"
"""Where the guides put files of one's own."""

ELSEWHERE = {
    "license-ledger authorize": "tests/dags/test_authorize.py",
    "jq ": "tests/e2e/test_observability.py",
    "pip install": "tests/e2e/test_adoption.py",
    "cp ": "tests/e2e/test_adoption.py",
    "airflow roles": "tests/console/airflow_server.py",
    "ssh-keygen ": "tests/component/release/test_verify.py",
    "sha256sum ": "tests/component/release/test_verify.py",
    # Want a container engine or a cluster: held against the files that they are about.
    "docker compose ": "tests/unit/test_compose_files.py",
    "kubectl ": "tests/unit/test_helm_values.py",
    "helm ": "tests/unit/test_helm_values.py",
}
"""Commands that want a person, a clean machine or a login service, and the tests that run them."""


def _commands(path: Path) -> list[str]:
    """The commands of a guide's shell blocks, without comments; lines of one command as one."""
    found: list[str] = []
    for block in SH.findall(path.read_text("utf-8")):
        text = re.sub(r"\\\n\s*", " ", block)
        text = re.sub(r"'\{\n.*?\}'", "'{}'", text, flags=re.DOTALL)
        lines = [re.sub(r"(^|\s+)#.*$", "", line).strip() for line in text.splitlines()]
        found += [line for line in lines if line]
    return found


def _of(start: str) -> list[tuple[str, str]]:
    """Commands that begin so and are not run elsewhere, each with its guide."""
    every = [(path.relative_to(ROOT).as_posix(), line) for path in GUIDES for line in _commands(path)]
    return [
        (path, line)
        for path, line in every
        if line.startswith(start) and not any(line.startswith(known) for known in ELSEWHERE)
    ]


KINDS = (
    "license-ledger ",
    "make ",
    "airflow ",
    "python ",
    "export ",
    "AIRFLOW__",
    "OTEL_",
    "LICENSE_LEDGER_",
)


def _examples(guide: str) -> list[str]:
    """The CSV examples of a guide, in order."""
    return re.findall(
        r"^```text\n(.*?)^```", (ROOT / "docs" / guide).read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.fixture(scope="module")
def installed(airflow_database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an installation that has published, with the files of the examples beside it."""
    root = tmp_path_factory.mktemp("installed")
    known = [sys.executable, "-m", "airflow", "dags", "reserialize"]
    subprocess.run(known, check=True, capture_output=True, timeout=120)
    own = root / "own"
    own.mkdir()
    for name, text in zip(("prices.csv", "license_products.csv"), _examples("costs.md"), strict=False):
        (own / name).write_text(text, "utf-8")
    (own / "directory.csv").write_text("userName,active\nada@acme.com,true\n", "utf-8")
    with DemoOrg(World(seed=5, today=PAST[-1]), OrgOptions(bulk_seconds=0.02), root / "org") as org:
        connection = org.access.connection("*")
        for day in (*PAST, datetime.now(UTC).date()):
            Walk(connection, root, noon(day), values={"landing_days": 0}).run(["*"])
        settings = Walk(connection, root, noon(PAST[0])).settings
        yield {name: value for name, value in os.environ.items() if not name.startswith("LICENSE_LEDGER")} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LICENSE_LEDGER_STAGING": settings.staging,
            "LICENSE_LEDGER_WAREHOUSE": settings.warehouse,
            "AIRFLOW_CONN_SALESFORCE_DEFAULT": json.dumps(connection),
            "OWN": str(own),
        }


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_every_command_is_checked(path: Path) -> None:
    """There is no command in a guide that no test, here or where it is said, knows what to do with."""
    known = (*KINDS, *ELSEWHERE)

    assert [line for line in _commands(path) if not line.startswith(known)] == []
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())


def test_commands_of_the_ledger_run_as_written(installed: dict[str, str], tmp_path: Path) -> None:
    """In an installation that has published, one guide after the other."""
    given = dict(installed)
    wrong = []
    for path, line in _of("license-ledger "):
        for name, value in _exported(path):
            given[name] = value.replace(PLACES, installed["OWN"])
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=tmp_path,
            env=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            wrong.append((path, line, done.stdout + done.stderr))

    assert not wrong, "\n".join(map("\n".join, wrong))


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_questions_are_answered(installed: dict[str, str], path: Path) -> None:
    """Every question in SQL that a guide has is one that the warehouse can answer."""
    with open_readonly(warehouse_path(installed["LICENSE_LEDGER_WAREHOUSE"])) as connection:
        connection.execute("USE ledger")
        for question in SQL.findall(path.read_text("utf-8")):
            connection.execute(question).fetchall()


def _exported(path: str) -> list[tuple[str, str]]:
    """The settings that a guide exports."""
    lines = [line for line in _commands(ROOT / path) if line.startswith("export LICENSE_LEDGER_")]
    pairs = [line.removeprefix("export ").split("=", 1) for line in lines]
    return [(name, value) for name, value in pairs]


def test_targets_of_make_exist() -> None:
    """Every `make` that is named, in a block or in a sentence, is one."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {line.split()[1] for _, line in _of("make ")}
    for path in GUIDES:
        named |= set(re.findall(r"`make ([a-z-]+)", path.read_text("utf-8")))

    assert named - targets == set()


def test_airflow_knows_its_commands() -> None:
    """Airflow's own parser takes the commands with their options."""
    parser = importlib.import_module("airflow.cli.cli_parser").get_parser()
    for _, line in _of("airflow "):
        parser.parse_args(shlex.split(line)[1:])


def test_scripts_know_their_options() -> None:
    """Scripts that are named exist, and say of every option that is used what it does."""
    for path, line in _of("python "):
        words = shlex.split(line)
        told = subprocess.run(
            [sys.executable, ROOT / words[1], "--help"], capture_output=True, text=True, check=False
        )
        assert told.returncode == 0, (path, line, told.stderr)
        assert [word for word in words if word.startswith("--") and word not in told.stdout] == [], (
            path,
            line,
        )


def test_airflow_knows_its_settings() -> None:
    """Every variable AIRFLOW__SECTION__KEY that a guide names is an option of Airflow or of a provider."""
    conf = importlib.import_module("airflow.configuration").conf
    known = {
        (section, key)
        for section, described in conf.configuration_description.items()
        for key in described["options"]
    }
    unknown = []
    for path in GUIDES:
        for section, key in re.findall(
            r"AIRFLOW__([A-Z]+(?:_[A-Z]+)*)__([A-Z]+(?:_[A-Z]+)*)\b", path.read_text("utf-8")
        ):
            plain = re.sub(r"_(CMD|SECRET)$", "", key).lower()
            if (section.lower(), plain) not in known:
                unknown.append((path.name, section, key))

    assert unknown == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_sentences_name_commands_that_there_are(path: Path) -> None:
    """Every `license-ledger …` in a sentence is a command, and its options are known."""
    for words in re.findall(r"`license-ledger ([a-z][^`\n]*)`", path.read_text("utf-8")):
        command, *rest = words.split()
        told = io.StringIO()
        with contextlib.redirect_stdout(told), pytest.raises(SystemExit) as ended:
            _parser().parse_args([command, "--help"])
        assert ended.value.code == 0, words
        assert [word for word in rest if word.startswith("--") and word not in told.getvalue()] == [], words
