"""The console works from an installed wheel: templates, files of pages and questions are in it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.console.two_orgs import Orgs
from tests.wheel import built_wheel

ASK = """
import sys
sys.path.insert(0, sys.argv[1])
import license_ledger
assert license_ledger.__file__.startswith(sys.argv[1]), license_ledger.__file__
from fastapi.testclient import TestClient
from license_ledger.console.app import create_app
from license_ledger.console.static import ASSETS
from license_ledger.console.viewer import Viewer
from license_ledger.questions import open_source
app = create_app(lambda: open_source(sys.argv[2], lambda: None), lambda: Viewer(lambda org: True))
client = TestClient(app)
for route in ("position", "mismatch", "reclaim", "people", "history", "trust", "reclaim.csv"):
    assert client.get(f"/{route}").status_code == 200, route
for name in ("console.css", "console.js", "charts.js", "echarts.common.min.js"):
    assert client.get(f"/{ASSETS[name]}").status_code == 200, name
"""


def test_the_console_works_from_a_wheel(orgs: Orgs, tmp_path: Path) -> None:
    """Every page of the console is answered by the package as a wheel installs it, licenses included."""
    installed = tmp_path / "installed"
    wheel = built_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(installed)

    asked = [sys.executable, "-c", ASK, str(installed), f"duckdb:///{orgs.warehouse}"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert "license_ledger/console/static/echarts-LICENSE.txt" in names
    assert "license_ledger/console/static/echarts-NOTICE.txt" in names
