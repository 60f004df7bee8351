"""The compose files keep the rules of a production stack, and the check notices whatever breaks one."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from check_compose import COMBINATIONS, SMALL, WHOLE, client, refusals  # noqa: E402
from compose_processes.composed import interpolated, seconds, services  # noqa: E402
from compose_rules import broken_rules  # noqa: E402

Told = dict[str, Any]


def told(name: str = WHOLE) -> Told:
    """A compose file, as it is."""
    return dict(yaml.safe_load((ROOT / name).read_text("utf-8")))


@pytest.mark.parametrize("name", [WHOLE, SMALL])
def test_no_rule_is_broken(name: str) -> None:
    """Health checks, limits, rights, images and secrets of every service are as they should be."""
    assert broken_rules((ROOT / name).read_text("utf-8")) == []


def test_the_compose_client_accepts_every_file_and_profile() -> None:
    """The files are of the format, with every profile, and the development file on top of the small stack."""
    command = client()

    assert command is not None
    assert len(COMBINATIONS) == 6
    assert refusals(command) == []


def _set(*path: str, to: Any) -> Callable[[Told], None]:
    def change(found: Told) -> None:
        *way, last = path
        place = found["services"]
        for step in way:
            place = place[step]
        place[last] = to

    return change


def _without(*path: str) -> Callable[[Told], None]:
    def change(found: Told) -> None:
        *way, last = path
        place = found["services"]
        for step in way:
            place = place[step]
        del place[last]

    return change


BROKEN: dict[str, tuple[Callable[[Told], None], str]] = {
    "latest": (_set("broker", "image", to="redis:latest"), "broker has an image without a version"),
    "untagged": (_set("broker", "image", to="redis"), "broker has an image without a version"),
    "no check": (_without("superset", "healthcheck"), "superset has no health check"),
    "half a check": (
        _set("broker", "healthcheck", to={"test": ["CMD", "true"]}),
        "broker leaves a part of its health check to the client's defaults",
    ),
    "no policy": (_without("broker", "restart"), "broker says neither"),
    "no limits": (_without("broker", "deploy"), "broker has no limits"),
    "endless logs": (_without("broker", "logging"), "broker keeps its logs for ever"),
    "root": (_set("broker", "user", to="root"), "broker is root"),
    "nobody named": (_without("broker", "user"), "broker is root"),
    "more than chown": (
        _set("volumes", "cap_add", to=["CHOWN", "SYS_ADMIN"]),
        "volumes is root, and may do more",
    ),
    "capabilities": (_without("broker", "cap_drop"), "broker keeps capabilities"),
    "host network": (_set("broker", "network_mode", to="host"), "broker is not contained"),
    "public port": (_set("broker", "ports", to=["6379:6379"]), "broker publishes 6379:6379"),
    "inline password": (
        _set("broker", "environment", to={"REDIS_PASSWORD": "x"}),
        "broker has a secret in its environment: REDIS_PASSWORD",
    ),
    "inline key": (
        _set("airflow-scheduler", "environment", "AIRFLOW__CORE__FERNET_KEY", to="x"),
        "airflow-scheduler has a secret in its environment: AIRFLOW__CORE__FERNET_KEY",
    ),
    "password in an address": (
        _set("broker", "environment", to={"PLACE": "redis://:hush@broker"}),
        "broker has a password in an address: PLACE",
    ),
    "password in a command": (
        _set("broker", "command", to=["redis-cli", "-u", "redis://:hush@broker"]),
        "broker has a password in its command",
    ),
    "secret from elsewhere": (
        lambda found: found["secrets"].update(jwt_secret={"file": "/etc/jwt"}),
        "secret jwt_secret is not the file of its name",
    ),
    "unknown secret": (
        _set("buckets", "secrets", to=["connections.json", "what"]),
        "secret what is used and not declared",
    ),
    "unused secret": (
        lambda found: found["secrets"].update(old={"file": "./secrets/old"}),
        "secret old is declared and not used",
    ),
    "small worker": (
        _set("airflow-worker", "deploy", "resources", "limits", "memory", to="1G"),
        "airflow-worker has 1024 MiB for 2 tasks at once, which take",
    ),
    "hasty worker": (_without("airflow-worker", "stop_grace_period"), "airflow-worker has no time to finish"),
    "waits in vain": (
        _set("superset", "depends_on", to={"volumes": {"condition": "service_healthy"}}),
        "superset waits for volumes to be service_healthy",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rule_is_told(name: str) -> None:
    """One change of the file, one complaint that names the service."""
    change, complaint = BROKEN[name]
    # As text and back, because services share parts of the file.
    found = json.loads(json.dumps(told()))
    change(found)

    [told_wrong] = broken_rules(yaml.safe_dump(found))

    assert told_wrong.startswith(complaint)


def test_variables_of_the_file_are_those_of_the_example() -> None:
    """What .env.example offers is used, and what the files ask for is offered; defaults agree."""
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    )
    text = "".join((ROOT / name).read_text("utf-8") for name in (WHOLE, SMALL))
    asked = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", text))

    assert example.keys() - {"COMPOSE_PROJECT_NAME"} <= asked.keys()
    assert {name: asked[name] for name in example if name in asked} == {
        name: value for name, value in example.items() if name in asked
    }
    assert asked.keys() - example.keys() == {"LEDGER_HEARTBEAT_TIMEOUT"}


def make_secrets(folder: Path) -> None:
    """Run the script as `make secrets` does."""
    command = [sys.executable, str(ROOT / "scripts" / "make_secrets.py"), "--folder", str(folder / "secrets")]
    subprocess.run([*command, "--settings", str(folder / ".env")], check=True, capture_output=True)


def test_every_secret_of_the_files_is_made(tmp_path: Path) -> None:
    """The script makes what the stacks ask for; only their owner may read it, or look into the folder."""
    make_secrets(tmp_path)
    made = {path.name: path for path in (tmp_path / "secrets").iterdir()}

    assert {*told(WHOLE)["secrets"], *told(SMALL)["secrets"]} <= made.keys()
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.values()} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    owner = {path.stat().st_uid for path in made.values()}
    settings = (tmp_path / ".env").read_text("utf-8")
    assert [f"LEDGER_UID={user}" in settings.splitlines() for user in owner] == [True]
    assert 0 not in owner


def test_secrets_are_random_and_never_made_twice(tmp_path: Path) -> None:
    """Two folders share nothing; a second run changes nothing, and adds what is missing."""
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        make_secrets(tmp_path / name)
    before = {path.name: path.read_text("utf-8") for path in (tmp_path / "one" / "secrets").iterdir()}
    (tmp_path / "one" / "secrets" / "metadata_url").unlink()
    make_secrets(tmp_path / "one")
    after = {path.name: path.read_text("utf-8") for path in (tmp_path / "one" / "secrets").iterdir()}
    others = {path.read_text("utf-8") for path in (tmp_path / "other" / "secrets").iterdir()}

    assert after == before
    assert not set(before.values()) & others


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    """A file that somebody has emptied is not taken for a password."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "fernet_key").touch()

    with pytest.raises(subprocess.CalledProcessError) as refused:
        make_secrets(tmp_path)

    assert b"fernet_key is empty" in refused.value.stderr


def test_no_secret_is_in_the_repository_or_the_image() -> None:
    """The folder is unknown to git and to the image's build."""
    ignored = subprocess.run(
        ["git", "check-ignore", "secrets/fernet_key", ".env"], cwd=ROOT, capture_output=True
    )

    assert ignored.returncode == 0
    assert {"secrets", ".env"} <= set((ROOT / ".dockerignore").read_text("utf-8").splitlines())


def locked(name: str) -> dict[str, str]:
    """Versions by package of a lock."""
    found = re.findall(r"^([\w.-]+)==([^\s;\\]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return dict(found)


def test_the_image_has_what_the_tests_ran_with() -> None:
    """The same Airflow as its base, the versions of the tests' lock, hashes, and no root."""
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    image, tested = locked("deploy/image/requirements.txt"), locked("requirements-dev.txt")
    [version] = re.findall(r"^ARG AIRFLOW_VERSION=(\S+)$", dockerfile, re.MULTILINE)

    assert {name: version for name, version in image.items() if tested.get(name) != version} == {}
    assert version == image["apache-airflow"]
    assert "--require-hashes" in dockerfile
    assert dockerfile.rstrip().splitlines()[-1] == "USER airflow"


def test_a_file_is_read_as_the_client_reads_it() -> None:
    """Variables, defaults, doubled dollars, durations and profiles."""
    value = interpolated({"a": ["${ONE:-x} $$HOME ${TWO:-y} ${THREE}"]}, {"TWO": "2"})
    plain = services(ROOT / WHOLE, {})

    assert value == {"a": ["x $HOME 2 "]}
    assert [seconds(each) for each in ("5s", "1m30s", "100ms", "2h")] == [5, 90, 0.1, 7200]
    assert "demo-org" not in plain
    assert {"demo-org", "demo-connection"} <= services(ROOT / WHOLE, {}, ["demo"]).keys()
    assert plain["airflow-worker"].replicas == 2
    assert plain["airflow-apiserver"].after["airflow-init"] == "service_completed_successfully"
    assert os.fspath(plain["broker"].secrets["broker_password"]).endswith("/secrets/broker_password")


PAGE = (ROOT / "docs" / "deployment.md").read_text("utf-8")
VERBS = {"build", "exec", "ps", "run", "stop", "up"}


def test_commands_of_the_guide_are_about_services_that_there_are() -> None:
    """Files, profiles and services that `docker compose` is told of exist; so do the settings of .env."""
    every = told(WHOLE)["services"]
    profiles = {profile for service in every.values() for profile in service.get("profiles", [])}
    commands = re.findall(r"docker compose ([^\n`#…]+)", PAGE)

    assert len(commands) > 10
    for command in commands:
        words = command.split()
        assert VERBS & set(words), command
        verb = next(at for at, word in enumerate(words) if word in VERBS)
        rest = [word for word in words[verb + 1 :] if not word.startswith("-")]
        named = rest[:1] if words[verb] in ("exec", "run") else [word.partition("=")[0] for word in rest]
        assert set(named) <= every.keys(), command
        assert {word for at, word in enumerate(words[:verb]) if words[at - 1] == "--profile"} <= profiles
        files = [word for at, word in enumerate(words[:verb]) if words[at - 1] == "--file"]
        assert all((ROOT / file).exists() for file in files), command
    assert set(re.findall(r"--profile (\w+)", PAGE)) <= profiles
    asked = (ROOT / ".env.example").read_text("utf-8")
    assert [name for name in re.findall(r"`(LEDGER_\w+)`", PAGE) if f"{name}=" not in asked] == []


def test_the_guide_has_a_row_for_every_service_and_secret() -> None:
    """Services that stay, with their limits, and all files of secrets."""
    for name, service in told(WHOLE)["services"].items():
        assert f"`{name}" in PAGE or service.get("profiles"), name
        if service["restart"] == "no" or service.get("profiles"):
            continue
        limit = service["deploy"]["resources"]["limits"]["memory"]
        size = {"512M": "0.5 GiB", "1G": "1 GiB", "1536M": "1.5 GiB", "${LEDGER_WORKER_MEMORY:-2G}": "2 GiB"}[
            limit
        ]
        assert re.search(rf"^\| `{name}`[^|]*\| {re.escape(size)} \|", PAGE, re.MULTILINE), name
    assert [name for name in told(WHOLE)["secrets"] if f"`{name}`" not in PAGE] == []
