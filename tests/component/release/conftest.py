"""One repository for the tests that only look, one for those that change it, and one release."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.component.release.made_repository import Repository, made_repository


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository that is ready to be released, untagged. Not to be changed."""
    return made_repository(tmp_path_factory.mktemp("owned"))


@pytest.fixture
def own_repository(repository: Repository, tmp_path: Path) -> Repository:
    """A copy of it, to be changed."""
    path = tmp_path / "repository"
    shutil.copytree(repository.path, path, symlinks=True)
    return Repository(path, repository.key)


@pytest.fixture(scope="session")
def released(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its release, signed. Not to be changed."""
    out = tmp_path_factory.mktemp("released") / "license-ledger-1.0.0"
    done = repository.release("--out", str(out))
    assert done.returncode == 0, done.stderr
    return out
