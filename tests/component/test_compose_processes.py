"""
A compose file as plain processes: order, health, restarts, secrets and addresses are as in containers.

The services are shell scripts; the stack of the project itself is in `tests/e2e/test_compose.py`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from compose_processes.composed import services  # noqa: E402
from compose_processes.images import start_of  # noqa: E402
from compose_processes.places import Instance, Map, instances  # noqa: E402
from compose_processes.supervision import Supervised  # noqa: E402
from local_stack.processes import StackFailed  # noqa: E402

FILE = """
x-check: &check
  interval: 300ms
  timeout: 2s
  retries: 2
  start_period: 0s
services:
  first:
    image: redis:7.2
    restart: "no"
    entrypoint: ["/bin/sh", "-c"]
    command: ['sleep 0.4; echo done > /data/first; exit ${FIRST_ENDS:-0}']
    volumes: ["shared:/data"]
  server:
    image: redis:7.2
    restart: unless-stopped
    entrypoint: ["/bin/sh", "-c"]
    command:
      - |
        cp /data/first /data/seen; cat /run/secrets/given > /data/told; echo $$PLACE > /data/place
        exec sleep 600
    environment:
      PLACE: redis://:x@other:6379/0 0.0.0.0 /data/file
    secrets: [given]
    volumes: ["shared:/data"]
    healthcheck:
      <<: *check
      test: ["CMD-SHELL", "test -e /data/seen && ! test -e /data/ill"]
    depends_on:
      first: {condition: service_completed_successfully}
  other:
    image: redis:7.2
    restart: unless-stopped
    entrypoint: ["/bin/sh", "-c"]
    command: ['ls /run/secrets > /data/others; exec sleep 600']
    volumes: ["shared:/data"]
    deploy: {replicas: 2}
    healthcheck:
      <<: *check
      test: ["CMD", "true"]
    depends_on:
      server: {condition: service_healthy}
secrets:
  given: {file: ./given}
  kept: {file: ./kept}
volumes:
  shared:
"""


def stack(folder: Path, **variables: str) -> Supervised:
    """The services of the file, kept in a folder, and not yet started."""
    (folder / "compose.yaml").write_text(FILE)
    (folder / "given").write_text("postgresql://me:x@server:5432/db\n")
    (folder / "kept").write_text("hush")
    return Supervised(instances(services(folder / "compose.yaml", variables).values(), folder))


def until(ready: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_services_start_when_what_they_wait_for_is_there(tmp_path: Path) -> None:
    """What runs once has ended before, the server is healthy before its users start, and all become well."""
    with stack(tmp_path) as running:
        seen = [running.states()]
        while not running.is_well():
            if (now := running.states()) != seen[-1]:
                seen.append(now)
            time.sleep(0.01)
        seen.append(running.states())

    assert (tmp_path / "volumes" / "shared" / "seen").read_text() == "done\n"
    assert all(now["first"] == "completed" for now in seen if now["server"] != "waiting")
    assert all(now["server"] == "healthy" for now in seen if now["other-1"] != "waiting")
    assert seen[-1] == {"first": "completed", "server": "healthy", "other-1": "healthy", "other-2": "healthy"}


def test_a_service_that_dies_is_started_again(tmp_path: Path) -> None:
    """By another process, which has to prove its health anew; what did not die is left alone."""
    with stack(tmp_path) as running:
        running.wait_until(running.is_well, "health", 20)
        before = {name: running.process(name) for name in ("server", "other-1", "other-2")}
        assert before["server"] is not None
        os.kill(before["server"], signal.SIGKILL)
        until(lambda: running.watched["server"].starts == 2)
        running.wait_until(running.is_well, "health", 20)
        after = {name: running.process(name) for name in before}

    assert {name for name in before if before[name] != after[name]} == {"server"}


def test_a_failing_check_makes_a_service_unhealthy_and_passing_again_healthy(tmp_path: Path) -> None:
    """After as many failures in a row as the file allows; the process is not touched."""
    with stack(tmp_path) as running:
        running.wait_until(running.is_well, "health", 20)
        ill = tmp_path / "volumes" / "shared" / "ill"
        ill.touch()
        until(lambda: running.states()["server"] == "unhealthy")
        ill.unlink()
        running.wait_until(running.is_well, "health", 20)
        starts = running.watched["server"].starts

    assert starts == 1


def test_what_runs_once_and_fails_ends_the_stack(tmp_path: Path) -> None:
    """Nobody who waits for it is started."""
    with (
        stack(tmp_path, FIRST_ENDS="3") as running,
        pytest.raises(StackFailed, match="first ended with status 3"),
    ):
        running.wait_until(running.is_well, "health", 20)

    assert running.watched["server"].starts == 0


def test_a_service_has_its_own_secrets_and_no_others(tmp_path: Path) -> None:
    """For their owner only, with addresses of this machine; nothing is left when the processes have ended."""
    with stack(tmp_path) as running:
        running.wait_until(running.is_well, "health", 20)
        address = running.places.hosts["server"]
        pids = [running.process(name) for name in ("server", "other-1", "other-2")]
    shared = tmp_path / "volumes" / "shared"

    assert (shared / "told").read_text() == f"postgresql://me:x@{address}:5432/db\n"
    assert (shared / "others").read_text() == ""
    assert (tmp_path / "services" / "server" / "secrets" / "given").stat().st_mode & 0o777 == 0o600
    assert [pid for pid in pids if pid is not None and Path(f"/proc/{pid}").exists()] == []


def test_words_are_those_of_this_machine(tmp_path: Path) -> None:
    """Hosts become addresses of the loopback network, volumes folders; nothing else is touched."""
    with stack(tmp_path) as running:
        running.wait_until(running.is_well, "health", 20)
        own, other = running.places.hosts["server"], running.places.hosts["other"]
    shared = tmp_path / "volumes" / "shared"

    assert own.startswith("127.")
    assert own != other
    assert (shared / "place").read_text() == f"redis://:x@{other}:6379/0 {own} {shared}/file\n"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("server", False),
        ("http://server:1/x", False),
        ("x@server/db", False),
        ('{"host": "server"}', False),
        ("servers", True),
        ("the server", True),
        ("/run/server", True),
        ("my-server:5432", True),
    ],
)
def test_a_host_is_one_where_addresses_are(text: str, kept: bool, tmp_path: Path) -> None:
    """A word that only looks like the name of a service stays."""
    (tmp_path / "compose.yaml").write_text(FILE)
    places = Map(instances(services(tmp_path / "compose.yaml", {}).values(), tmp_path))

    assert (places.text(text) == text) is kept


def test_an_image_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    """By name, before anything is started."""
    (tmp_path / "compose.yaml").write_text(FILE.replace("redis:7.2", "memcached:1.6"))
    every: list[Instance] = instances(services(tmp_path / "compose.yaml", {}).values(), tmp_path)

    with pytest.raises(StackFailed, match="no local way of starting memcached"):
        start_of(every[0], Map(every))
