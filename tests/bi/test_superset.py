"""
Superset, installed from its package, imports the dashboard and shows every chart.

The environment is made once per lock and kept below `.run/`, as other tools of the tests are.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger.reader import open_snapshot, snapshots
from license_ledger.warehouse.duckdb import open_readonly
from tests.pg import running
from tests.walk import Walk, noon

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from superset_bundle.bundle import SLUG, charts, files  # noqa: E402
from superset_bundle.charts import TABS  # noqa: E402
from superset_bundle.installed import BUNDLE, USERNAME, Place, Superset, place_of  # noqa: E402
from superset_bundle.looking import visit  # noqa: E402

LAST = date(2026, 11, 24)
slow = pytest.mark.slow


def test_the_bundle_is_what_its_declarations_say() -> None:
    """Every file is as it would be written, and there is no other."""
    found = {str(path.relative_to(BUNDLE)): path.read_text("utf-8") for path in BUNDLE.rglob("*.yaml")}

    assert found == files()


def test_every_chart_has_a_title_of_its_own() -> None:
    """A title is a chart's identity: an import finds the chart of before by it."""
    titles = [chart.title for chart in charts()]

    assert len(set(titles)) == len(titles)
    assert all(sum(chart.width for chart in each) % 12 == 0 for each in TABS.values())


@pytest.mark.parametrize(
    ("warehouse", "address", "schema"),
    [
        ("duckdb:////srv/w.duckdb", "duckdb:////srv/w.duckdb?access_mode=READ_ONLY", None),
        ("postgresql://reader:x@db/ledger", "postgresql+psycopg2://reader:x@db/ledger", "license_ledger"),
        (
            "postgres://db/ledger?sslmode=require&schema=bi&reader=r",
            "postgresql+psycopg2://db/ledger?sslmode=require",
            "bi",
        ),
    ],
)
def test_the_warehouse_of_the_settings_becomes_a_place(
    warehouse: str, address: str, schema: str | None
) -> None:
    """A file is opened for reading only; a server is reached by the lock's driver, in the ledger's schema."""
    assert place_of(warehouse) == Place(address, schema)


def test_the_archive_names_the_warehouse(tmp_path: Path) -> None:
    """The command writes one ZIP for a Superset of one's own, with the address in it."""
    import zipfile

    command = [sys.executable, str(ROOT / "scripts" / "superset.py"), "archive"]
    options = ["--warehouse", "duckdb:////srv/x.duckdb", "--output", str(tmp_path / "b.zip")]
    subprocess.run([*command, *options], check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        names = archive.namelist()
        database = archive.read("license_ledger/databases/License_Ledger.yaml").decode()

    assert "license_ledger/metadata.yaml" in names
    assert len(names) == len(files())
    assert "duckdb:////srv/x.duckdb?access_mode=READ_ONLY" in database


def test_a_home_is_of_one_warehouse_that_is_there(tmp_path: Path) -> None:
    """Without a file there is nothing to show; with another one the old address would be shown still."""
    superset = Superset(tmp_path / "environment", tmp_path / "home")
    with pytest.raises(ValueError, match="take a snapshot first"):
        superset.prepare(f"duckdb:///{tmp_path / 'none.duckdb'}")
    (tmp_path / "home" / "warehouse.sha256").write_text("of another one")
    with pytest.raises(ValueError, match="was made for another warehouse"):
        superset.prepare("postgresql://db/ledger")


@dataclass(frozen=True)
class Shown:
    """A Superset that shows a warehouse."""

    url: str
    password: str

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A logged-in client of Superset's REST API."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            login = {"username": USERNAME, "password": self.password, "provider": "db"}
            token = client.post("/api/v1/security/login", json=login).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield client


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Six weeks of an org of 300 users, a snapshot a week; on the last day a field is hidden."""
    root = tmp_path_factory.mktemp("warehouse")
    days = [LAST - timedelta(days=7 * back) for back in range(6, -1, -1)]
    world = World(seed=11, users=300, today=days[0])
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), root / "org") as server:
        walk = Walk(server.access.connection("*"), root, noon(days[0]), values={"bulk_threshold": 100_000})
        for day in days:
            walk.now = noon(day)
            server.org.set_clock(noon(day))
            if day == LAST:
                server.control.hide("User.Division")
            walk.run(["acme.com", "*.acme.com", "acme.de"])
    return walk


@pytest.fixture(scope="module")
def initialized(tmp_path_factory: pytest.TempPathFactory) -> Superset:
    """Superset installed, with its metadata and its user."""
    superset = Superset(ROOT / ".run" / "superset", tmp_path_factory.mktemp("superset") / "home")
    superset.install()
    superset.initialize()
    return superset


@pytest.fixture(scope="module")
def shown(weeks: Walk, initialized: Superset) -> Iterator[Shown]:
    """Superset with the dashboard over the DuckDB file, served."""
    superset = _copy(initialized, "duckdb")
    superset.prepare(weeks.settings.warehouse)
    with superset.serving() as url:
        yield Shown(url, superset.password)


@pytest.fixture(scope="module")
def shown_from_postgres(weeks: Walk, initialized: Superset) -> Iterator[Shown]:
    """Superset with the dashboard over the same snapshots in Postgres, served."""
    published = snapshots(weeks.staging).to_pylist()
    with running() as server:
        name = server.database()
        loaded = [open_snapshot(weeks.staging, row["org_id"], row["snapshot_date"]) for row in published]
        server.warehouse(name).load_all(loaded)
        superset = _copy(initialized, "postgres")
        superset.prepare(server.url(name))
        with superset.serving() as url:
            yield Shown(url, superset.password)


def _copy(superset: Superset, name: str) -> Superset:
    home = superset.home.with_name(name)
    shutil.copytree(superset.home, home)
    return Superset(superset.environment, home)


@pytest.fixture(scope="module")
def api(shown: Shown) -> Iterator[httpx.Client]:
    """A logged-in client of Superset over the DuckDB file."""
    with shown.client() as client:
        yield client


def _rows(client: httpx.Client) -> dict[str, int]:
    """Rows by title of chart; every chart's question must be answered."""
    found: list[dict[str, Any]] = client.get("/api/v1/chart/", params={"q": "(page_size:100)"}).json()[
        "result"
    ]
    rows = {}
    for chart in found:
        answer = client.get(f"/api/v1/chart/{chart['id']}/data/")
        assert answer.status_code == 200, (chart["slice_name"], answer.text)
        [result] = answer.json()["result"]
        assert result["error"] is None, chart["slice_name"]
        rows[chart["slice_name"]] = result["rowcount"]
    return rows


@slow
@pytest.mark.endurance
def test_every_chart_answers_with_rows(api: httpx.Client) -> None:
    """The question behind each chart is asked of the warehouse through Superset, and has rows."""
    rows = _rows(api)

    assert set(rows) == {chart.title for chart in charts()}
    assert [title for title, count in rows.items() if not count] == []


@slow
@pytest.mark.endurance
def test_postgres_answers_every_chart_as_duckdb_does(api: httpx.Client, shown_from_postgres: Shown) -> None:
    """The same bundle over the same snapshots in Postgres has as many rows in every chart."""
    with shown_from_postgres.client() as client:
        assert _rows(client) == _rows(api)


@slow
@pytest.mark.endurance
def test_the_numbers_are_those_of_the_warehouse(api: httpx.Client, weeks: Walk) -> None:
    """What Superset shows big is what SQL over the published tables says."""
    with open_readonly(weeks.root / "warehouse.duckdb") as warehouse:
        [expected] = warehouse.execute(
            "SELECT count(*), CAST(sum(CASE WHEN license_layer <> 'usage' THEN used_count END) AS BIGINT) "
            "FROM licenses WHERE snapshot_date = ?",
            [LAST],
        ).fetchall()
    found = api.get("/api/v1/chart/", params={"q": "(page_size:100)"}).json()["result"]
    ids = {chart["slice_name"]: chart["id"] for chart in found}
    shown_values = []
    for title in ("Licenses", "Seats used"):
        [result] = api.get(f"/api/v1/chart/{ids[title]}/data/").json()["result"]
        shown_values.append(result["data"][0][title])
    [bridge] = api.get(f"/api/v1/chart/{ids[WATERFALL]}/data/").json()["result"]

    assert tuple(shown_values) == expected
    assert sum(row["Seats"] for row in bridge["data"]) == expected[1]


WATERFALL = "From the seats in scope to Salesforce's counter"


@slow
@pytest.mark.endurance
def test_the_dashboard_opens_in_a_browser(shown: Shown, tmp_path: Path) -> None:
    """Every tab draws its charts; no error message, nothing refused, and nothing comes from elsewhere."""
    with visit(shown.url, shown.password) as visiting:
        seen = visiting.open(tmp_path)

    assert {name: tab.charts for name, tab in seen.items()} == {n: len(each) for n, each in TABS.items()}
    assert [error for tab in seen.values() for error in tab.errors] == []
    assert [title for tab in seen.values() for title in tab.empty] == []
    assert visiting.refused == []
    assert visiting.answered == []
    assert len(list(tmp_path.glob("*.png"))) == len(TABS)


@slow
@pytest.mark.endurance
def test_the_datasets_say_what_columns_mean(api: httpx.Client) -> None:
    """Descriptions of views and columns are there for whoever explores further."""
    found = api.get("/api/v1/dataset/", params={"q": "(page_size:100)"}).json()["result"]
    ids = {dataset["table_name"]: dataset["id"] for dataset in found}
    dataset = api.get(f"/api/v1/dataset/{ids['license_position']}").json()["result"]
    columns = {column["column_name"]: column for column in dataset["columns"]}

    assert dataset["description"].startswith("Of each license: how many seats are bought")
    assert columns["used_count"]["description"].startswith("Seats used by Salesforce's own counter")
    assert columns["used_count"]["verbose_name"] == "Used"
    dashboard = api.get(f"/api/v1/dashboard/{SLUG}").json()["result"]
    assert dashboard["published"] is True
