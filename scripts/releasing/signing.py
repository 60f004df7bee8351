"""
The sums of a release, their signature, and whether both are what they say.

Needs the standard library and ssh-keygen only. The same by hand: `sha256sum --check` and
`ssh-keygen -Y verify`, see docs/releasing.md.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

from releasing import Refused

SUMS, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
SIGNERS = "allowed_signers"
"""The public keys that may sign. Users have it from the repository, not from beside the packages."""
IDENTITY, NAMESPACE = "license-ledger", "license-ledger-release"
_LINE = re.compile(r"(?P<sum>[0-9a-f]{64})  (?P<name>[\w][\w.+-]*)")


def write_sums(release: Path) -> Path:
    """Write the sum of every file of a directory, by name, as `sha256sum --check` reads them."""
    lines = [f"{_sum(path)}  {path.name}\n" for path in sorted(release.iterdir())]
    (release / SUMS).write_text("".join(lines), encoding="utf-8")
    return release / SUMS


def see_key(key: Path, repository: Path) -> None:
    """
    See that a key is there, and elsewhere than in the repository.

    Raises:
        Refused: it is not, or it is.
    """
    if not key.is_file():
        raise Refused(f"there is no key {key} → name the private key, or the public one of an agent")
    if key.resolve().is_relative_to(repository.resolve()):
        raise Refused(f"{key} is in the repository → keep keys elsewhere")


def sign(release: Path, key: Path, signers: Path) -> None:
    """
    Sign the sums, and see that users will be able to verify that.

    Args:
        release: a directory with sums.
        key: the private key, or the public one when an agent holds it; its passphrase is asked for on the
            terminal.
        signers: the public keys of the commit that is released.

    Raises:
        Refused: the key cannot sign, or is not among those of the commit.
    """
    command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(release / SUMS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"ssh-keygen did not sign with {key}: {_last(done.stderr)}")
    if not signers.is_file():
        raise Refused(f"the commit has no {SIGNERS} → commit the public key first, see docs/releasing.md")
    verify_signature(release, signers)


def verify(release: Path, signers: Path) -> list[str]:
    """
    See that a release is whole and signed by who may.

    Args:
        release: the directory with all of its files.
        signers: the public keys that may sign, from the repository.

    Returns:
        The names of its files but sums and signature.

    Raises:
        Refused: a file is missing, changed, or there without being signed for; the signature is another's.
    """
    for name in (SUMS, SIGNATURE):
        if not (release / name).is_file():
            raise Refused(f"{release} has no {name} → get the whole release")
    if not signers.is_file():
        raise Refused(f"there are no public keys in {signers} → get {SIGNERS} from the repository")
    verify_signature(release, signers)
    expected = _expected((release / SUMS).read_text(encoding="utf-8"))
    there = {path.name for path in release.iterdir()} - {SUMS, SIGNATURE}
    if missing := sorted(expected.keys() - there):
        raise Refused(f"missing: {', '.join(missing)} → get the whole release")
    if more := sorted(there - expected.keys()):
        raise Refused(f"not signed for: {', '.join(more)} → do not use them")
    if changed := [name for name in sorted(expected) if _sum(release / name) != expected[name]]:
        raise Refused(f"changed: {', '.join(changed)} → do not use them; get the release again")
    return sorted(expected)


def verify_signature(release: Path, signers: Path) -> None:
    """
    See that the sums are signed by one of the keys, for this purpose.

    Raises:
        Refused: they are not.
    """
    command = [
        *("ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", IDENTITY, "-n", NAMESPACE),
        *("-s", str(release / SIGNATURE)),
    ]
    with (release / SUMS).open("rb") as sums:
        done = subprocess.run(command, stdin=sums, capture_output=True, text=True, check=False)
    if done.returncode:
        told = _last(done.stdout + done.stderr)
        raise Refused(f"no key of {signers} signed {SUMS} as it is: {told} → do not use the release")


def _expected(text: str) -> dict[str, str]:
    lines = [_LINE.fullmatch(line) for line in text.splitlines()]
    if not lines or None in lines:
        raise Refused(f"{SUMS} is not made of sums and names → do not use the release")
    return {line["name"]: line["sum"] for line in lines if line}


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
