"""Modes of privacy: nobody is named in any byte that a run leaves behind, and every number stays."""

from __future__ import annotations

import argparse
import csv
import io
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger import reader
from license_ledger.commands import reveal
from license_ledger.errors import ConfigError, DayOutOfReach
from license_ledger.privacy.erase import Erasure
from license_ledger.privacy.identifiers import PSEUDONYM_HEAD, pseudonym
from license_ledger.staging.storage import Storage
from tests.secret_search import contents
from tests.walk import Walk, noon

DAY = date(2026, 11, 24)
FILTER = ["acme.com", "acme.de"]
KEY = "a secret of forty characters, from a vault"  # pragma: allowlist secret
SHARES = {"bulk_threshold": 100, "bulk_page_records": 1000, "bulk_shares": 2}
MODES = {
    "pseudonymous": {"privacy_mode": "pseudonymous", "pseudonym_key": KEY},
    "aggregate": {"privacy_mode": "aggregate", "pseudonym_key": KEY},
}
SEAT = ("license_layer", "license_id", "cause", "is_active", "is_frozen", "activity_band", "account_class")
PERSON = ("license_id", "scope_reason", "is_active", "is_frozen", "account_class", "activity_band")
POSITION = ("email_domain", "company_name", "department", "division", "country", "profile_name")
_SHORTEST = 7
"""Characters below which a text, such as an employee number, may be found anywhere by chance."""


@dataclass(frozen=True)
class Taken:
    """Two days of one org, taken by name and in a mode of privacy."""

    named: Walk
    concealed: Walk
    people: list[dict[str, Any]]

    def snapshots(self) -> tuple[reader.Snapshot, reader.Snapshot]:
        """The last day, by name and concealed."""
        org = self.named.context().org
        return (
            reader.open_snapshot(self.named.staging, org, DAY),
            reader.open_snapshot(self.concealed.staging, org, DAY),
        )


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoOrg]:
    """An org large enough for shares of several pages, with texts that are hard to carry."""
    options = WorldOptions(nul_bytes=True, torture_share=0.05)
    world = World(today=DAY - timedelta(days=1), seed=11, users=9000, options=options)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), tmp_path_factory.mktemp("org")) as server:
        yield server


@pytest.fixture(scope="module")
def by_name(org: DemoOrg, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Both days by name."""
    walk = Walk(org.access.connection("*"), tmp_path_factory.mktemp("named"), noon(DAY), values=SHARES)
    return _taken(org, walk)


@pytest.fixture(scope="module", params=MODES)
def taken(
    org: DemoOrg, by_name: Walk, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Taken:
    """Both days by name, and in a mode."""
    root = tmp_path_factory.mktemp(request.param)
    concealed = Walk(by_name.connection, root, noon(DAY), values={**SHARES, **MODES[request.param]})
    _taken(org, concealed)
    return Taken(by_name, concealed, _people(by_name))


def _taken(org: DemoOrg, walk: Walk) -> Walk:
    for day in (DAY - timedelta(days=1), DAY):
        walk.now = noon(day)
        org.org.set_clock(noon(day))
        walk.run(FILTER)
    return walk


def _parts(walk: Walk, object_name: str) -> list[Path]:
    return sorted(walk.root.rglob(f"{object_name}/*.parquet"))


def _people(walk: Walk) -> list[dict[str, Any]]:
    return [row for part in _parts(walk, "User") for row in pq.read_table(part).to_pylist()]


def _identities(named: Walk) -> tuple[set[str], set[bytes]]:
    """Everything by which somebody is known: texts long enough to be nobody else's by chance, and numbers."""
    people, fields = _people(named), ("Id", "Username", "Email", "Name", "FederationIdentifier")
    found = {row[name] or "" for row in people for name in fields} | {row["Id"][:15] for row in people}
    found |= {row["LastName"] for row in people if row["UserType"] == "Standard"}
    # Accounts of the platform are called as their profiles and licenses are.
    objects = ("Profile", "UserLicense", "PermissionSetLicense", "PackageLicense")
    parts = [part for name in objects for part in _parts(named, name)]
    metadata = "\n".join(str(row) for part in parts for row in pq.read_table(part).to_pylist())
    numbers = {row["EmployeeNumber"] or "" for row in people}
    return (
        {text for text in found if len(text) >= _SHORTEST and text not in metadata},
        {one.encode() for one in numbers if len(one) > 5 and one.isdigit()},
    )


def _found(needles: Iterable[str], walk: Walk) -> set[str]:
    """Which of many texts are anywhere below a directory, in paths, in bytes, or in what they unpack to."""
    lengths: dict[int, set[int]] = {}
    wanted = {text.encode() for text in needles}
    for text in wanted:
        lengths.setdefault(int.from_bytes(text[:_SHORTEST]), set()).add(len(text))
    could_begin = np.zeros(1 << 24, np.bool_)
    could_begin[_slot(np.array(list(lengths), np.uint64))] = True
    found = set()
    for content in _everything(walk.root):
        octets = np.frombuffer(content, np.uint8)
        windows = np.zeros(max(len(octets) - _SHORTEST + 1, 0), np.uint64)
        for place in range(_SHORTEST):
            windows = windows << np.uint64(8) | octets[place : place + len(windows)]
        for at in np.flatnonzero(could_begin[_slot(windows)]).tolist():
            for length in lengths.get(int(windows[at]), ()):
                if (text := content[at : at + length]) in wanted:
                    found.add(text.decode())
    return found


def _lines(walk: Walk) -> set[bytes]:
    return {line for content in _everything(walk.root) for line in content.split(b"\n")}


def _slot(windows: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A hash of the first characters of a text, of 24 bits."""
    return windows * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)


def _everything(root: Path) -> Iterator[bytes]:
    for path in root.rglob("*"):
        yield str(path.relative_to(root)).encode()
        if path.is_file():
            yield from contents(path)


def test_the_search_finds_everybody_where_people_are_named(by_name: Walk) -> None:
    """What is looked for below is all there in what the runs by name have left."""
    identities, numbers = _identities(by_name)

    assert len(_found(identities, by_name)) == len(identities) > 30_000
    assert len(numbers & _lines(by_name)) > 1000


def test_no_byte_of_any_file_says_who_somebody_is(taken: Taken) -> None:
    """
    Landing, work files, staging, kept files and warehouse: no user id, name, address or number of anybody in
    the org, in scope or not.
    """
    identities, numbers = _identities(taken.named)

    assert not _found(identities, taken.concealed)
    assert not numbers & _lines(taken.concealed), "short numbers are looked for as whole values"


def test_every_number_is_what_it_is_by_name(taken: Taken) -> None:
    """Licenses, bridge and control totals are equal row by row; so is who is left out, by reason."""
    named, concealed = taken.snapshots()

    for name in ("licenses", "mismatches", "control_totals"):
        assert concealed.table(name).equals(named.table(name)), name
    assert concealed.row["out_of_scope"] == named.row["out_of_scope"]
    assert concealed.row["unexplained_count"] == named.row["unexplained_count"] == 0
    assert named.row["privacy_mode"] == "named"
    assert concealed.row["privacy_mode"] == taken.concealed.settings.privacy_mode


@pytest.mark.parametrize("taken", ["pseudonymous"], indirect=True)
def test_pseudonyms_are_the_same_on_all_days_and_only_the_key_leads_back(org: DemoOrg, taken: Taken) -> None:
    """People and seats are those of the run by name, under the keyed hash: with position, not identity."""
    named, concealed = taken.snapshots()

    ids = {
        user_id: pseudonym(KEY.encode(), user_id) for user_id in named.table("users")["user_id"].to_pylist()
    }
    assert set(concealed.table("users")["user_id"].to_pylist()) == set(ids.values())
    assert all(one.startswith(PSEUDONYM_HEAD) for one in ids.values())
    for name, columns in (("users", (*PERSON, *POSITION)), ("seats", SEAT)):
        by_name = Counter({(ids[row[0]], *row[1:]): n for row, n in _rows(named, name, columns).items()})
        assert _rows(concealed, name, columns) == by_name
    users = concealed.table("users")
    for column in ("username", "email", "name", "employee_number", "federation_id", "last_login_at", "title"):
        assert users[column].null_count == users.num_rows, column


def _rows(snapshot: reader.Snapshot, name: str, columns: tuple[str, ...]) -> Counter[tuple[Any, ...]]:
    table = snapshot.table(name, ["user_id", *columns])
    return Counter(zip(*(table[column].to_pylist() for column in ("user_id", *columns)), strict=True))


@pytest.mark.parametrize("taken", ["pseudonymous"], indirect=True)
def test_movements_are_told_of_pseudonyms(taken: Taken) -> None:
    """Who joined, left and moved between the two days is counted alike, because a pseudonym lasts."""
    for columns, view in (
        ("snapshot_date, kind, attribute", "movements"),
        ("license_id, direction, reason", "seat_movements"),
        ("license_id, waste_class, candidate_state", "reclaim_candidates"),
        (
            "account_class, email_domain, license_id, account_count, not_seen_in_90_days_count",
            "external_accounts",
        ),
    ):
        counted = f"SELECT {columns}, count(*) FROM {view} GROUP BY ALL ORDER BY ALL"
        assert _asked(taken.concealed, counted) == _asked(taken.named, counted), view


def _asked(walk: Walk, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(walk.root / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("taken", ["aggregate"], indirect=True)
def test_in_the_mode_aggregate_there_is_no_row_of_a_person(taken: Taken) -> None:
    """Published tables of people are empty, the extract of people is gone, and the day cannot be replayed."""
    _, snapshot = taken.snapshots()
    for name in ("users", "seats"):
        assert snapshot.table(name).num_rows == 0
        assert _asked(taken.concealed, f"SELECT count(*) FROM {name}") == [(0,)]
    for name in ("User", "PermissionSetLicenseAssign", "UserPackageLicense", "UserLogin"):
        assert not _parts(taken.concealed, name), name
        assert _parts(taken.named, name) or name == "UserLogin"
    for path in taken.concealed.root.rglob("*.parquet"):
        assert "005zy" not in str(pq.read_table(path).to_pydict())

    taken.concealed.now = noon(DAY)
    with pytest.raises(DayOutOfReach, match="privacy_mode=aggregate"):
        taken.concealed.chosen(taken.concealed.context(FILTER, DAY - timedelta(days=1)))


def _copied(walk: Walk, root: Path, **values: Any) -> Walk:
    """The same runs below another directory, to go on with under other settings."""
    for name in ("staging", "warehouse.duckdb"):
        source = walk.root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / name)
    return replace(walk, root=root, values={**walk.values, **values})


def test_a_landing_that_names_people_is_replayed_without_names(by_name: Walk, tmp_path: Path) -> None:
    """Another staging root is filled from a landing of before: its tables name nobody."""
    walk = replace(
        by_name,
        root=tmp_path,
        values={**SHARES, **MODES["pseudonymous"], "landing": by_name.settings.landing_url},
    )

    snapshot = walk.run_day(DAY - timedelta(days=1), FILTER)

    assert snapshot.row["provenance"] == "replayed"
    assert snapshot.row["privacy_mode"] == "pseudonymous"
    users = snapshot.table("users")
    assert users.num_rows > 1000
    assert all(one.startswith(PSEUDONYM_HEAD) for one in users["user_id"].to_pylist())
    assert users["email"].null_count == users["name"].null_count == users.num_rows
    for path in (tmp_path / "staging").rglob("*.parquet"):
        assert "@" not in str(pq.read_table(path).to_pydict()), path


def test_a_landing_that_was_counted_without_names_is_gone(by_name: Walk, tmp_path: Path) -> None:
    """Replayed in the mode `aggregate`, a landing that names people loses them, and is no source any more."""
    walk = _copied(by_name, tmp_path, **MODES["aggregate"])
    day = DAY - timedelta(days=1)

    snapshot = walk.run_day(day, FILTER, load=False, only_landing=True)

    assert snapshot.row["privacy_mode"] == "aggregate"
    assert snapshot.table("licenses").num_rows > 10
    assert not [path for path in _parts(walk, "User") if str(day) in str(path)]
    with pytest.raises(DayOutOfReach, match="it has no landing"):
        walk.chosen(walk.context(FILTER, day), only_landing=True)


def test_a_change_of_mode_moves_nobody(org: DemoOrg, by_name: Walk, tmp_path: Path) -> None:
    """The first day of a mode is compared with none: nobody joins, leaves or is taken for another."""
    walk = _copied(by_name, tmp_path, **MODES["pseudonymous"])
    walk.now = noon(DAY + timedelta(days=1))
    org.org.set_clock(walk.now)
    walk.run(FILTER)
    day = f"snapshot_date = DATE '{walk.now.date()}'"

    assert _asked(walk, f"SELECT count(*) FROM movements WHERE {day}") == [(0,)]
    reasons = "SELECT direction, count(*) > 1000 FROM seat_movements WHERE reason = 'unknown' AND "
    assert _asked(walk, f"{reasons}{day} GROUP BY direction ORDER BY direction") == [
        ("in", True),
        ("out", True),
    ]
    balance = f"SELECT count(*) FROM license_flows WHERE NOT is_balanced AND {day}"
    assert _asked(walk, balance) == [(0,)]


@pytest.mark.parametrize("taken", ["pseudonymous"], indirect=True)
def test_whoever_is_a_pseudonym_can_be_erased(taken: Taken, tmp_path: Path) -> None:
    """With the key the person is found by the real id, and no byte has the pseudonym afterwards."""
    walk = _copied(taken.concealed, tmp_path)
    org_id = walk.context().org
    before = reader.open_snapshot(walk.staging, org_id, DAY).table("users")
    by_pseudonym = {pseudonym(KEY.encode(), row["Id"]): row["Id"] for row in taken.people}
    gone = before["user_id"][0].as_py()
    erasure = Erasure(
        landing=Storage.from_url(walk.settings.landing_url),
        staging=walk.staging,
        warehouse=walk.settings.warehouse,
        org_id=org_id,
        pseudonym_key=KEY.encode(),
    )

    erasure.run(erasure.person(user_id=by_pseudonym[gone]))

    assert not _found([gone], walk)
    after = reader.open_snapshot(walk.staging, org_id, DAY)
    assert after.table("users").num_rows == before.num_rows


@pytest.mark.parametrize("taken", ["pseudonymous"], indirect=True)
def test_with_the_key_salesforce_tells_who_somebody_is(
    taken: Taken, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pseudonyms in a text from standard input come out as people; those of another key are of nobody."""
    monkeypatch.setenv("LICENSE_LEDGER_PSEUDONYM_KEY", KEY)
    context = taken.named.context()
    chosen = taken.people[5]
    stranger = pseudonym(b"another key, of forty characters at least", chosen["Id"])
    text = f"license,user_id\nA,{pseudonym(KEY.encode(), chosen['Id'])}\nB,{stranger}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    options = argparse.Namespace(pseudonyms=[], connection="salesforce_default", stdout=sys.stdout)

    reveal.run(options, lambda connection_id: (context.credentials, context.sessions))

    told = capsys.readouterr()
    [row] = list(csv.DictReader(io.StringIO(told.out)))
    assert (row["salesforce_id"], row["name"]) == (chosen["Id"], chosen["Name"])
    assert "1 of 2 pseudonyms are of nobody" in told.err


def test_what_is_no_pseudonym_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A real id, or a text without any, names what is wrong before Salesforce is asked."""
    monkeypatch.setenv("LICENSE_LEDGER_PSEUDONYM_KEY", KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO("nobody"))
    for given, named in ((["005A00000000001IAA"], "005A00000000001IAA"), ([], "standard input")):
        options = argparse.Namespace(pseudonyms=given, connection="salesforce_default", stdout=sys.stdout)
        with pytest.raises(ConfigError, match=named):
            reveal.run(options, lambda connection_id: pytest.fail("Salesforce was asked"))
