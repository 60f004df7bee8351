"""The page that is generated from the DAG."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_tells_every_task_param_and_asset() -> None:
    """The generated page is the same whatever orgs are configured, and names all there is to know."""
    pages = {
        subprocess.check_output(
            [sys.executable, str(ROOT / "scripts" / "dag_docs.py")],
            env={**os.environ, "LICENSE_LEDGER_ORGS": orgs},
            text=True,
        )
        for orgs in ("salesforce_default", "emea apac")
    }

    assert len(pages) == 1
    page = pages.pop()
    assert page.startswith("# DAGs\n")
    for word in (
        "`refresh_token`",
        "`extract` (mapped)",
        "`company_names`",
        "license_ledger.salesforce_default.seats",
    ):
        assert word in page
