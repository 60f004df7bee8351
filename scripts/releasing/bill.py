"""The bill of materials: the wheel and every locked package, by CycloneDX."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from releasing import Refused

_ROW = re.compile(r"^\| (?P<name>[\w.-]+) \| (?P<license>[^|]+?) \|$", re.MULTILINE)


def bill_of(tree: Path, wheel: Path, epoch: int) -> bytes:
    """
    What an installation of the wheel by the lock is made of.

    Args:
        tree: the files of the commit: `requirements.txt` for names, versions and hashes, and for licenses
            `docs/licenses.md`, which `make check` holds to be those of the lock.
        wheel: of the same commit.
        epoch: the time that the bill bears.

    Returns:
        CycloneDX 1.6 as JSON, valid by its schema; the same bytes for the same input.

    Raises:
        Refused: a locked package has no license in `docs/licenses.md`, or the bill is not valid.
    """
    found = _listed(tree, epoch)
    licenses = {row["name"]: row["license"] for row in _ROW.finditer(_text(tree, "docs/licenses.md"))}
    for component in found["components"]:
        name = component["name"]
        if name not in licenses:
            raise Refused(f"docs/licenses.md has no license of {name} → make docs")
        component["licenses"] = [_license(licenses[name])]
    root = found["metadata"]["component"]
    root["purl"] = f"pkg:pypi/{root['name']}@{root['version']}"
    root["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise Refused(f"the bill of materials is not valid: {problem}")
    return text.encode("utf-8")


def _listed(tree: Path, epoch: int) -> dict[str, Any]:
    """What the tool makes of the lock: no serial number, and the commit's time."""
    command = [
        *(sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.txt"),
        *("--pyproject", "pyproject.toml", "--mc-type", "library", "--spec-version", "1.6"),
        *("--output-reproducible", "--output-file", "-"),
    ]
    environment = {"LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": str(epoch), "TZ": "UTC"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"cyclonedx-py failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _license(expression: str) -> dict[str, Any]:
    return {"expression": expression} if " " in expression else {"license": {"id": expression}}


def _text(tree: Path, name: str) -> str:
    return (tree / name).read_text(encoding="utf-8")
