"""
Make a release of a commit, or verify one.

    python scripts/release.py make --key ~/.ssh/release       into dist/license-ledger-VERSION
    python scripts/release.py make --unsigned --tag v1.0.0    the same files again, to compare
    python scripts/release.py verify DIRECTORY                whether it is whole, and signed by who may

`docs/releasing.md` says when. A refusal ends with 1 and one line that says what to do.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from releasing import Refused
from releasing.signing import SIGNERS, verify

ROOT = Path(__file__).resolve().parents[1]
KEY = "LEDGER_RELEASE_KEY"


def main(arguments: list[str] | None = None) -> int:
    """Return 1 after a refusal, else 0."""
    options = _parser().parse_args(arguments)
    try:
        print(options.command(options))
    except Refused as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    make = commands.add_parser("make", help="packages of a commit, what they are made of, sums and signature")
    make.add_argument("--tag", help="build the commit of this tag (default: HEAD)")
    make.add_argument("--out", type=Path, help="a directory that is not there yet (default: below dist/)")
    signed = make.add_mutually_exclusive_group()
    signed.add_argument(
        "--key",
        default=os.environ.get(KEY) or None,
        help=f"the SSH key that signs, or its public half when an agent holds it (default: {KEY})",
    )
    signed.add_argument("--unsigned", action="store_true", help="leave the signature out")
    make.add_argument("--repository", type=Path, default=ROOT, help="default: this checkout")
    make.set_defaults(command=_make)
    verifying = commands.add_parser("verify", help="whether a release is whole, and signed by who may")
    verifying.add_argument("release", type=Path, help="the directory with SHA256SUMS in it")
    verifying.add_argument("--signers", type=Path, default=ROOT / SIGNERS, help=f"default: {SIGNERS} here")
    verifying.set_defaults(command=_verify)
    return parser


def _make(options: argparse.Namespace) -> str:
    # Needs packages of the lock; verifying needs none.
    from releasing.making import Order, make

    key = None if options.unsigned or not options.key else Path(options.key).expanduser().absolute()
    order = Order(options.repository.resolve(), options.tag, options.out, key, options.unsigned)
    return make(order)


def _verify(options: argparse.Namespace) -> str:
    names = verify(options.release, options.signers)
    return "\n".join([*(f"{name}: as it was signed" for name in names), "The release is whole."])


if __name__ == "__main__":
    raise SystemExit(main())
