"""A commit as a release is made of it: whether it may be, when it was made, and its files."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from releasing import Refused

_FILE, _PROGRAM, _FOLDER = 0o644, 0o755, 0o755


@dataclass(frozen=True)
class Commit:
    """
    A commit of a repository.

    Attributes:
        repository: its checkout.
        sha: the commit, 40 hexadecimal digits.
        epoch: when it was committed, in seconds since 1970: the time of everything that is built.
    """

    repository: Path
    sha: str
    epoch: int

    @property
    def tags(self) -> list[str]:
        """Tags of versions at this commit, `v…`."""
        return git(self.repository, "tag", "--points-at", self.sha, "--list", "v*").split()

    def export(self, into: Path, *, backwards: bool = False) -> Path:
        """
        Write the files of the commit, and nothing else, into a new directory.

        Args:
            into: the directory; it is made.
            backwards: in the opposite order, which some file systems list them in.

        Returns:
            The directory. Modes and times are the commit's, whatever the umask and the clock are.
        """
        packed = _git(
            self.repository,
            *("-c", "core.autocrlf=false", "-c", "tar.umask=0022", "archive", "--format=tar", self.sha),
        )
        into.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [each for each in archive.getmembers() if not each.isdir()]
            archive.extractall(into, members[::-1] if backwards else members, filter="data")
        made_alike(into, self.epoch)
        return into


def commit(repository: Path, tag: str | None) -> Commit:
    """
    The commit to release.

    Args:
        repository: a checkout.
        tag: its tag; HEAD when none is named.

    Raises:
        Refused: the checkout has changes or files that are not committed, or there is no such tag.
    """
    if changes := git(repository, "status", "--porcelain").splitlines():
        shown = ", ".join(each[3:] for each in changes[:5])
        raise Refused(f"{len(changes)} files are not as they are committed: {shown} → commit or remove them")
    name = f"refs/tags/{tag}" if tag else "HEAD"
    try:
        sha = git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()
    except subprocess.CalledProcessError:
        raise Refused(f"there is no tag {tag} → git tag lists those there are") from None
    return Commit(repository, sha, int(git(repository, "show", "-s", "--format=%ct", sha)))


def made_alike(tree: Path, epoch: int) -> None:
    """Give everything below a directory the modes of a fresh checkout, and one time."""
    for path in _below(tree):
        if path.is_symlink():
            continue
        if path.is_dir():
            path.chmod(_FOLDER)
        else:
            path.chmod(_PROGRAM if path.stat().st_mode & 0o100 else _FILE)
        os.utime(path, (epoch, epoch))


def git(repository: Path, *arguments: str) -> str:
    """What git prints."""
    return _git(repository, *arguments).decode("utf-8")


def _git(repository: Path, *arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, env=environment).stdout


def _below(tree: Path) -> Iterator[Path]:
    """The directory after everything that is in it."""
    yield from sorted(tree.rglob("*"), reverse=True)
    yield tree
