"""Look up every locked package in the public database of known weaknesses. Needs the network.

Ends with 1 when a package has a known weakness, with 2 when packages could not be looked up: silence about
those is no good news. Not part of the offline checks.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.txt", "requirements-dev.txt", "bi/superset/requirements.txt")
SECONDS = 900


def looked_up(lock: Path, service: str) -> list[dict[str, Any]] | str:
    """What is known of each package of a lock, or why nothing is."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--requirement",
        str(lock),
        "--disable-pip",
        "--require-hashes",
    ]
    command += ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"no answer within {SECONDS} s"
    except (ValueError, KeyError):
        return (done.stderr.strip().splitlines() or ["no answer"])[-1]
    return found


def main() -> int:
    """Look up all locks, and print what is known."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--service", choices=["pypi", "osv"], default="osv", help="database (default: osv)")
    arguments = parser.parse_args()
    weak = unknown = known = 0
    for name in LOCKS:
        found = looked_up(ROOT / name, arguments.service)
        if isinstance(found, str):
            print(f"{name}: could not be looked up: {found}")
            unknown += 1
            continue
        for package in found:
            unknown += "skip_reason" in package
            known += "skip_reason" not in package
            for each in package.get("vulns", []):
                weak += 1
                fixed = ", ".join(each["fix_versions"]) or "nothing yet"
                print(f"{name}: {package['name']} {package['version']}: {each['id']}, mended in {fixed}")
    print(f"{known} packages looked up, {weak} known weaknesses, {unknown} packages or locks not looked up")
    return 1 if weak else 2 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
