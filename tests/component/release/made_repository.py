"""A repository of its own with the files of this checkout, on the way to its first release."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMMITTED = "2026-11-30T12:00:00+01:00"


@dataclass(frozen=True)
class Repository:
    """
    A checkout with one commit, and the key of its owner beside it.

    Attributes:
        path: the checkout.
        key: the private key that its `allowed_signers` names.
    """

    path: Path
    key: Path

    def git(self, *arguments: str) -> str:
        """What git prints."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment |= {"GIT_AUTHOR_DATE": COMMITTED, "GIT_COMMITTER_DATE": COMMITTED}
        identity = ("-c", "user.name=Owner", "-c", "user.email=owner@example.com", "-c", "gc.auto=0")
        command = ["git", "-C", str(self.path), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")

    def replace(self, name: str, pattern: str, by: str) -> None:
        """Change a file in its first place that matches."""
        path = self.path / name
        text, changed = re.subn(pattern, by, path.read_text("utf-8"), count=1, flags=re.MULTILINE)
        assert changed == 1, (name, pattern)
        path.write_text(text, encoding="utf-8")

    def release(self, *arguments: str, umask: int = -1, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `release.py make`; its key comes from the environment, as in a CI."""
        environment = {**os.environ, "LEDGER_RELEASE_KEY": str(self.key), **settings}
        command = [sys.executable, str(ROOT / "scripts" / "release.py"), "make"]
        command += ["--repository", str(self.path), *arguments]
        return subprocess.run(
            command, env=environment, umask=umask, capture_output=True, text=True, check=False
        )


def made_key(path: Path) -> Path:
    """An SSH key without a passphrase."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def signer(key: Path) -> str:
    """The line of `allowed_signers` that lets a key sign."""
    kind, public, *_ = key.with_suffix(".pub").read_text("utf-8").split()
    return f'license-ledger namespaces="license-ledger-release" {kind} {public}\n'


def made_repository(root: Path) -> Repository:
    """
    Make it, with every file of this checkout that git tracks or would: version 1.0.0, a dated heading, a key.

    These are the edits of a release as docs/releasing.md tells them.
    """
    path = root / "repository"
    listed = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes((ROOT / name).read_bytes())
            (path / name).chmod((ROOT / name).stat().st_mode)
    repository = Repository(path, made_key(root / "owner"))
    repository.replace("pyproject.toml", r'^version = ".*"$', 'version = "1.0.0"')
    repository.replace("include/license_ledger/__init__.py", r'^__version__ = ".*"$', '__version__ = "1.0.0"')
    repository.replace("CHANGELOG.md", r"^## .*$", "## 1.0.0 (2026-12-01)")
    (path / "allowed_signers").write_text(signer(repository.key), encoding="utf-8")
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit()
    return repository
