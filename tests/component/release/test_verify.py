"""A release is verified by whoever gets it: by our command, and by hand as the documentation says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.release.made_repository import ROOT, Repository, made_key, signer

WHEEL = "license_ledger-1.0.0-py3-none-any.whl"


def verified(release: Path, signers: Path) -> subprocess.CompletedProcess[str]:
    """Run `release.py verify` as somebody does who has installed nothing."""
    scripts = str(ROOT / "scripts")
    program = f"import sys; sys.path.insert(0, {scripts!r}); import release; sys.exit(release.main())"
    command = [sys.executable, "-I", "-S", "-c", program, "verify", str(release), "--signers", str(signers)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def by_hand(release: Path, signers: Path) -> int:
    """The commands of docs/releasing.md, in the directory of the release."""
    page = (ROOT / "docs" / "releasing.md").read_text("utf-8").partition("## Verify")[2]
    [commands] = re.findall(r"```sh\n(ssh-keygen.+?)```", page, re.DOTALL)
    shutil.copy(signers, release.parent / "allowed_signers")
    script = commands.replace("../allowed_signers", str(release.parent / "allowed_signers"))
    return subprocess.run(
        ["sh", "-e", "-c", script], cwd=release, capture_output=True, check=False
    ).returncode


@pytest.fixture
def got(released: Path, tmp_path: Path) -> Path:
    """A copy of the release, as somebody has got it."""
    copied = tmp_path / "got" / "license-ledger-1.0.0"
    shutil.copytree(released, copied)
    return copied


@pytest.fixture
def signers(repository: Repository) -> Path:
    """The public keys of the repository."""
    return repository.path / "allowed_signers"


def test_a_release_is_verified(got: Path, signers: Path) -> None:
    """With the standard library and ssh-keygen only, and by hand as well."""
    done = verified(got, signers)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"{WHEEL}: as it was signed" in done.stdout
    assert done.stdout.endswith("The release is whole.\n")
    assert by_hand(got, signers) == 0


def _changed(release: Path) -> None:
    with (release / WHEEL).open("ab") as wheel:
        wheel.write(b"x")


def _sums_as_well(release: Path) -> None:
    _changed(release)
    sums = subprocess.run(
        f"sha256sum RELEASE_NOTES.md license_ledger* > {release / 'SHA256SUMS'}",
        shell=True,
        cwd=release,
        check=True,
    )
    assert sums.returncode == 0


def _signed_by(key: Path, release: Path, namespace: str = "license-ledger-release") -> None:
    (release / "SHA256SUMS.sig").unlink()
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", namespace, str(release / "SHA256SUMS")]
    subprocess.run(command, check=True, capture_output=True)


def _foreign(release: Path) -> None:
    _sums_as_well(release)
    _signed_by(made_key(release.parent / "foreign"), release)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a changed file": (_changed, f"changed: {WHEEL}"),
    "a changed file and its sum": (_sums_as_well, "signed SHA256SUMS as it is"),
    "a foreign signature": (_foreign, "signed SHA256SUMS as it is"),
    "a missing file": (lambda it: (it / WHEEL).unlink(), f"missing: {WHEEL}"),
    "missing sums": (lambda it: (it / "SHA256SUMS").unlink(), "has no SHA256SUMS"),
    "a missing signature": (lambda it: (it / "SHA256SUMS.sig").unlink(), "has no SHA256SUMS.sig"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_what_is_refused(what: str, got: Path, signers: Path) -> None:
    """By the command with the reason, and by hand."""
    spoil, told = SPOILED[what]
    spoil(got)

    done = verified(got, signers)

    assert done.returncode == 1
    assert told in done.stderr
    assert by_hand(got, signers) != 0


def test_a_file_beside_is_refused(got: Path, signers: Path) -> None:
    """What nobody signed for is not taken along; sha256sum does not look for that."""
    (got / "license_ledger-1.0.1-py3-none-any.whl").write_bytes(b"")

    done = verified(got, signers)

    assert done.returncode == 1
    assert "not signed for: license_ledger-1.0.1-py3-none-any.whl" in done.stderr


def test_a_signature_for_another_purpose_is_refused(got: Path, signers: Path, repository: Repository) -> None:
    """The owner's key signs mail or commits as well: that is no release."""
    _signed_by(repository.key, got, namespace="git")

    done = verified(got, signers)

    assert done.returncode == 1
    assert by_hand(got, signers) != 0


def test_sums_do_not_lead_elsewhere(got: Path, signers: Path, repository: Repository) -> None:
    """A name with a path in it is no name of a file of the release, even if it is signed."""
    (got / "SHA256SUMS").write_text(f"{'0' * 64}  ../elsewhere\n")
    _signed_by(repository.key, got)

    assert "is not made of sums and names" in verified(got, signers).stderr


def test_a_rotated_key_signs_and_the_old_releases_stay(got: Path, repository: Repository) -> None:
    """Two lines: what either signed is verified. When the old line goes, so do its releases."""
    new = made_key(got.parent / "new")
    both, only_new = got.parent / "both", got.parent / "only-new"
    both.write_text(signer(repository.key) + signer(new))
    only_new.write_text(signer(new))

    assert verified(got, both).returncode == 0
    assert verified(got, only_new).returncode == 1
    _signed_by(new, got)
    assert verified(got, both).returncode == 0
    assert verified(got, only_new).returncode == 0
