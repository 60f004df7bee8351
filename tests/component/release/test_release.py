"""A release of a commit: what is in it, that it can be made again, and what makes none."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.component.release.made_repository import ROOT, Repository, made_key

FILES = {
    "RELEASE_NOTES.md",
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "license_ledger-1.0.0-py3-none-any.whl",
    "license_ledger-1.0.0.cdx.json",
    "license_ledger-1.0.0.tar.gz",
}
NOT_FOR_USERS = ("tests/", ".ci/", ".gitignore", ".yamllint")
"""What git tracks and the source package leaves out."""
GENERATED = ("PKG-INFO", "setup.cfg", "include/license_ledger.egg-info/")


def sdist(released: Path) -> Path:
    """The source package."""
    return released / "license_ledger-1.0.0.tar.gz"


def test_a_release_has_its_six_files(released: Path) -> None:
    """Two packages, a bill of materials, notes, sums and their signature; nothing else."""
    assert {path.name for path in released.iterdir()} == FILES
    notes = (released / "RELEASE_NOTES.md").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert len(notes) > 1000
    assert notes in changelog


def test_the_source_package_holds_what_users_need(released: Path, repository: Repository) -> None:
    """Every tracked file but those of development, as it is; beside them only what setuptools writes."""
    tracked = {
        name: hashlib.sha256((repository.path / name).read_bytes()).hexdigest()
        for name in repository.git("ls-files", "-z").split("\0")
        if name and not name.startswith(NOT_FOR_USERS)
    }
    with tarfile.open(sdist(released)) as archive:
        packed = {
            entry.name.partition("/")[2]: hashlib.sha256(content.read()).hexdigest()
            for entry in archive.getmembers()
            if (content := archive.extractfile(entry)) is not None
        }

    assert {name: sum_ for name, sum_ in packed.items() if not name.startswith(GENERATED)} == tracked
    needed = (
        "dags/salesforce_license_snapshot.py",
        "plugins/license_ledger_console.py",
        "plugins/.airflowignore",
        "docs/releasing.md",
        "requirements.txt",
        "salesforce/sfdx-project.json",
        "include/demo_org/server.py",
        "Makefile",
    )
    assert set(needed) <= set(packed)


def test_entries_of_the_packages_are_nobodys(released: Path) -> None:
    """One moment, one owner, and modes of a fresh checkout."""
    with tarfile.open(sdist(released)) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {entry.mtime for entry in entries} == {1796036400}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, "", "")}
    assert {entry.mode for entry in entries if entry.isfile()} <= {0o644, 0o755}
    with zipfile.ZipFile(released / "license_ledger-1.0.0-py3-none-any.whl") as archive:
        infos = archive.infolist()
    assert {info.date_time for info in infos} == {(2026, 11, 30, 11, 0, 0)}
    assert {info.external_attr >> 16 & 0o777 for info in infos} <= {0o644, 0o664, 0o755}


def test_the_wheel_is_the_package_and_nothing_else(released: Path, repository: Repository) -> None:
    """Every tracked file of the package, its metadata, and no demo org, test or compiled file."""
    with zipfile.ZipFile(released / "license_ledger-1.0.0-py3-none-any.whl") as archive:
        names = set(archive.namelist())
        metadata = archive.read("license_ledger-1.0.0.dist-info/METADATA").decode()
    tracked = repository.git("ls-files", "include/license_ledger").split()
    package = {name for name in names if not name.startswith("license_ledger-1.0.0.dist-info/")}

    assert package == {name.removeprefix("include/") for name in tracked}
    assert "\nVersion: 1.0.0\n" in metadata


def test_the_bill_names_every_locked_package(released: Path, repository: Repository) -> None:
    """Name, version, hashes of the lock and a license for each; the wheel by its hash; no serial number."""
    bill = json.loads((released / "license_ledger-1.0.0.cdx.json").read_text("utf-8"))
    wheel = (released / "license_ledger-1.0.0-py3-none-any.whl").read_bytes()
    lock = (repository.path / "requirements.txt").read_text("utf-8")
    hashes = {
        one["content"]
        for component in bill["components"]
        for reference in component["externalReferences"]
        for one in reference["hashes"]
    }

    assert bill["metadata"]["component"]["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256(wheel).hexdigest()}
    ]
    assert bill["metadata"]["timestamp"].startswith("2026-11-30T11:00:00")
    assert "serialNumber" not in bill
    pins = {line.split()[0] for line in lock.splitlines() if "==" in line and line[0].isalnum()}
    assert {f"{each['name']}=={each['version']}" for each in bill["components"]} == {
        re.sub(r"\[.*\]", "", pin) for pin in pins
    }
    assert hashes == {word.partition(":")[2] for word in lock.split() if word.startswith("--hash=sha256:")}
    licenses = {each["name"]: each["licenses"] for each in bill["components"]}
    assert licenses["duckdb"] == [{"license": {"id": "MIT"}}]
    assert all(licenses.values())


@pytest.mark.endurance
def test_another_machine_makes_the_same_bytes(
    released: Path, own_repository: Repository, tmp_path: Path
) -> None:
    """Another place, umask, locale, zone and seed, files of other modes, and settings of its own."""
    for path in own_repository.path.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.chmod(path.stat().st_mode & 0o100 | 0o600)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[core]\n\tautocrlf = true\n[tar]\n\tumask = 0077\n")
    (home / ".pydistutils.cfg").write_text("[sdist]\nformats = zip\n")
    settings = {"HOME": str(home), "LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}
    own_repository.git("tag", "v1.0.0")
    out = tmp_path / "again"

    done = own_repository.release(
        *("--unsigned", "--tag", "v1.0.0", "--out", str(out)), umask=0o077, TMPDIR=str(home), **settings
    )

    assert done.returncode == 0, done.stderr
    assert "not signed" in done.stdout
    for name in FILES - {"SHA256SUMS.sig"}:
        assert (out / name).read_bytes() == (released / name).read_bytes(), name


@pytest.mark.endurance
def test_building_twice_notices_a_difference(own_repository: Repository, tmp_path: Path) -> None:
    """A build that takes its surroundings along is refused: here a module that names its place."""
    own_repository.replace(
        "pyproject.toml",
        r"^build-backend = .*$",
        'build-backend = "leaky"\nbackend-path = ["scripts"]',
    )
    (own_repository.path / "scripts" / "leaky.py").write_text(
        "import os, pathlib\nfrom setuptools.build_meta import *\nfrom setuptools import build_meta as real\n"
        "def build_sdist(into, settings=None):\n"
        "    pathlib.Path('include/license_ledger/where.py').write_text(f'HERE = {os.getcwd()!r}')\n"
        "    return real.build_sdist(into, settings)\n"
    )
    own_repository.commit()

    done = own_repository.release("--out", str(tmp_path / "out"))

    assert done.returncode == 1
    assert "license_ledger-1.0.0.tar.gz came out differently the second time" in done.stderr
    assert not (tmp_path / "out").exists()


REFUSED = {
    "a change that is not committed": (
        lambda it: it.replace("README.md", "^# .*$", "# Other"),
        "not as they are committed: README.md",
    ),
    "a file that is not committed": (
        lambda it: (it.path / "notes.txt").write_text("mine"),
        "not as they are committed: notes.txt",
    ),
    "another version in pyproject.toml": (
        lambda it: (it.replace("pyproject.toml", r'^version = ".*"$', 'version = "1.0.1"'), it.commit()),
        "pyproject.toml says 1.0.1, license_ledger.__version__ says 1.0.0",
    ),
    "another version in the package": (
        lambda it: (
            it.replace(
                "include/license_ledger/__init__.py", r"^__version__ = .*$", '__version__ = "1.0.0rc1"'
            ),
            it.commit(),
        ),
        "license_ledger.__version__ says 1.0.0rc1",
    ),
    "another version in the changelog": (
        lambda it: (it.replace("CHANGELOG.md", r"^## .*$", "## 0.9.0 (2026-12-01)"), it.commit()),
        "the first heading of CHANGELOG.md says 0.9.0",
    ),
    "a changelog of what is not released": (
        lambda it: (it.replace("CHANGELOG.md", r"^## .*$", "## 1.0.0 (unreleased)"), it.commit()),
        "CHANGELOG.md has no date for 1.0.0",
    ),
    "a section without words": (
        lambda it: (
            it.replace("CHANGELOG.md", r"^## .*$", "## 1.0.0 (2026-12-01)\n\n### Added\n\n## 0.9.0"),
            it.commit(),
        ),
        "CHANGELOG.md says nothing about 1.0.0",
    ),
    "a changelog without a version": (
        lambda it: (it.replace("CHANGELOG.md", r"^## .*$", "## What is new in here"), it.commit()),
        "the first heading of CHANGELOG.md names no version",
    ),
    "the tag of another version": (
        lambda it: it.git("tag", "v1.1.0"),
        "tagged v1.1.0, its files say 1.0.0",
    ),
    "a version whose tag is another commit": (
        lambda it: (
            it.git("tag", "v1.0.0"),
            it.replace("README.md", "^# .*$", "# Other"),
            it.commit(),
        ),
        "v1.0.0 is another commit",
    ),
    "tools that the lock does not name": (
        lambda it: (it.replace("requirements-dev.txt", r"^setuptools==\S+", "setuptools==1.0"), it.commit()),
        "the lock of the commit says 1.0",
    ),
    "a package without a license": (
        lambda it: (it.replace("docs/licenses.md", r"^\| duckdb .*\n", ""), it.commit()),
        "docs/licenses.md has no license of duckdb",
    ),
}
SLOW = {"a package without a license"}
"""Noticed after building."""


@pytest.mark.parametrize(
    "why", [pytest.param(why, marks=[pytest.mark.endurance] if why in SLOW else []) for why in REFUSED]
)
def test_no_release_is_made_of(why: str, own_repository: Repository, tmp_path: Path) -> None:
    """It ends with 1, says why and what to do, and leaves nothing behind."""
    change, told = REFUSED[why]
    change(own_repository)

    done = own_repository.release("--out", str(tmp_path / "out"))

    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("refused: ")
    assert told in done.stderr
    assert " → " in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_tag_that_is_not_there_is_refused(repository: Repository) -> None:
    """No other commit is taken instead."""
    done = repository.release("--tag", "v3.0.0")

    assert done.returncode == 1
    assert "there is no tag v3.0.0" in done.stderr


def test_a_release_that_is_there_is_not_replaced(repository: Repository, tmp_path: Path) -> None:
    """What was published stays as it is."""
    done = repository.release("--out", str(tmp_path))

    assert done.returncode == 1
    assert f"{tmp_path} is there already" in done.stderr


def test_no_key_is_made_or_kept_here(own_repository: Repository, tmp_path: Path) -> None:
    """Without a key there is a refusal, and a key in the repository is one as well."""
    none = own_repository.release(LEDGER_RELEASE_KEY="")
    nowhere = own_repository.release("--key", str(tmp_path / "nowhere"))
    inside = own_repository.release("--key", str(made_key(own_repository.path / "dist-key")))

    assert "no key is named → --key, or LEDGER_RELEASE_KEY, or --unsigned" in none.stderr
    assert "there is no key" in nowhere.stderr
    assert "is in the repository → keep keys elsewhere" in inside.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.endurance
def test_a_key_that_users_do_not_know_signs_nothing(repository: Repository, tmp_path: Path) -> None:
    """A key that the commit does not name is refused before anything is left."""
    out = tmp_path / "out"

    done = repository.release("--out", str(out), "--key", str(made_key(tmp_path / "other")))

    assert done.returncode == 1
    assert "no key of" in done.stderr
    assert not out.exists()


@pytest.mark.endurance
def test_the_source_package_is_enough_to_build_the_wheel(released: Path, tmp_path: Path) -> None:
    """A user's pip builds the wheel of it, with the same content as the released one."""
    wheels = tmp_path / "wheels"
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]

    subprocess.run([*command, "--wheel-dir", str(wheels), str(sdist(released))], check=True)

    [built] = wheels.iterdir()
    with zipfile.ZipFile(built) as one, zipfile.ZipFile(released / built.name) as other:
        assert {i.filename: i.CRC for i in one.infolist()} == {i.filename: i.CRC for i in other.infolist()}
