"""Scan every tracked file for secrets; exit 1 and name the places when one is found.

A line that holds an invented credential, for a test or an example, carries the comment
``pragma: allowlist secret``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

DETECTORS = [
    "AWSKeyDetector",
    "ArtifactoryDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "JwtTokenDetector",
    "PrivateKeyDetector",
    "SlackDetector",
    "StripeDetector",
    "TwilioKeyDetector",
]
# What Salesforce hands out: refresh tokens, access tokens (org id, exclamation mark, random), consumer keys.
SALESFORCE = re.compile(r"5Aep861[\w.]{20,}|00D[A-Za-z0-9]{12,15}![\w.]{60,}|3MVG9[\w.]{40,}")
ALLOWED = "pragma: allowlist secret"
LOCKS = {"requirements.txt", "requirements-dev.txt", "package-lock.json"}


def places(path: Path) -> list[str]:
    """Where a file holds a secret, as ``path:line: kind``; lines that are allowed to are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []
    kinds = {secret.line_number: secret.type for secret in scan_file(str(path))}
    kinds |= {at: "Salesforce token" for at, line in enumerate(lines, 1) if SALESFORCE.search(line)}
    return [f"{path}:{at}: {kind}" for at, kind in sorted(kinds.items()) if ALLOWED not in lines[at - 1]]


def main() -> int:
    """Return 0 when no tracked file holds a secret."""
    names = subprocess.run(
        ["git", "ls-files"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    found: list[str] = []
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        for name in names:
            path = Path(name)
            if path.name not in LOCKS and path.is_file():
                found += places(path)
    for place in found:
        print(place)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
