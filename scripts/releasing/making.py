"""Everything that makes a release, in its order: look, build twice, write the bill, sum up, sign, show."""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from releasing import Refused, packages, signing, versions
from releasing.source import Commit, commit

_TOOLS = ("build", "cyclonedx-bom", "setuptools")


@dataclass(frozen=True)
class Order:
    """
    What is to be released, and how.

    Attributes:
        repository: the checkout.
        tag: the tag whose commit it is; none for HEAD.
        out: where the release goes; none for `dist/license-ledger-VERSION` of the checkout.
        key: the key that signs.
        unsigned: whether it is not signed.
    """

    repository: Path
    tag: str | None
    out: Path | None
    key: Path | None
    unsigned: bool


def make(order: Order) -> str:
    """
    Make a release.

    Returns:
        What was made, in lines for people.

    Raises:
        Refused: for every reason that `docs/releasing.md` lists; nothing is left behind then.
    """
    if not order.unsigned:
        if order.key is None:
            raise Refused("no key is named → --key, or LEDGER_RELEASE_KEY, or --unsigned")
        signing.see_key(order.key, order.repository)
    source = commit(order.repository, order.tag)
    with tempfile.TemporaryDirectory(prefix="ledger-release-") as scratch:
        tree = source.export(Path(scratch, "commit"))
        version = versions.version_of(tree)
        versions.see_tags(source, version)
        out = order.out or order.repository / "dist" / f"license-ledger-{version}"
        if out.exists():
            raise Refused(f"{out} is there already → remove it, or name another place by --out")
        _see_tools(tree)
        release = _filled(source, tree, Path(scratch), version)
        if order.key:
            signing.sign(release, order.key, tree / signing.SIGNERS)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.mkdir()
        for path in sorted(release.iterdir()):
            (out / path.name).write_bytes(path.read_bytes())
    return _told(out, source, version, signed=bool(order.key))


def build_twice(source: Commit, scratch: Path) -> tuple[Path, Path]:
    """
    Build source package and wheel in two places.

    Args:
        source: the commit.
        scratch: a directory to work in.

    Returns:
        Source package and wheel, of the first place.

    Raises:
        Refused: the second place gave other bytes.
    """
    made: list[tuple[Path, Path]] = []
    for place in ("here", "elsewhere/and/deeper"):
        tree = source.export(scratch / place / "source", backwards=bool(made))
        made.append(packages.build(tree, scratch / place / "packages", source.epoch))
    for one, other in zip(*made, strict=True):
        if one.read_bytes() != other.read_bytes():
            raise Refused(f"{one.name} came out differently the second time → find out why before releasing")
    return made[0]


def _filled(source: Commit, tree: Path, scratch: Path, version: str) -> Path:
    """A directory with everything but the signature."""
    # Takes its time to load: not for a refusal.
    from releasing import bill

    sdist, wheel = build_twice(source, scratch)
    release = scratch / "release"
    release.mkdir()
    for path in (sdist, wheel):
        path.rename(release / path.name)
    wheel = release / wheel.name
    (release / f"license_ledger-{version}.cdx.json").write_bytes(bill.bill_of(tree, wheel, source.epoch))
    (release / "RELEASE_NOTES.md").write_text(versions.notes(tree), encoding="utf-8")
    signing.write_sums(release)
    return release


def _see_tools(tree: Path) -> None:
    """The lock of the commit says what builds; another version may give other bytes."""
    lock = (tree / "requirements-dev.txt").read_text(encoding="utf-8")
    for name in _TOOLS:
        locked = re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)
        installed = importlib.metadata.version(name)
        if locked is None or locked[1] != installed:
            told = locked[1] if locked else "nothing"
            raise Refused(f"{name} {installed} is installed, the lock of the commit says {told} → make setup")


def _told(out: Path, source: Commit, version: str, *, signed: bool) -> str:
    lines = [f"license-ledger {version} of {source.sha[:12]}, built twice, the same bytes:"]
    lines += [f"  {path.name}, {path.stat().st_size:,} bytes" for path in sorted(out.iterdir())]
    lines.append(f"in {out}")
    lines.append("signed" if signed else "not signed")
    if f"v{version}" not in source.tags:
        lines.append(f"The commit has no tag yet: v{version}")
    return "\n".join(lines)
