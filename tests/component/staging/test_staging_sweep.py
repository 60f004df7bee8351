"""What sweeping clears away, and what it leaves."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from made_generations import CANONICAL, DAY, ORG, OTHER_ORG, files, joined, made, number_of, seen

from license_ledger import reader
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.lease import lease
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep

LATER = timedelta(days=3)


def test_replaced_files_stay_for_the_grace_and_go_after_it(staging: Storage, source: Storage) -> None:
    """Just replaced files are left to their readers; later only the published files are there, and whole."""
    made(source, 1).publish(staging)
    made(source, 2).publish(staging)
    before = files(staging)
    assert sweep(staging)["removed"] == 0
    assert files(staging) == before > CANONICAL
    receipt = sweep(staging, now=datetime.now(UTC) + LATER)

    assert receipt["purged"] == len(DATA_TABLES)
    assert receipt["busy"] == 0
    assert files(staging) == CANONICAL
    assert set(seen(staging).values()) == {joined(staging)} == {2}
    reader.open_snapshot(staging, ORG, DAY).verify()
    assert sweep(staging, now=datetime.now(UTC) + LATER) == {
        "removed": 0,
        "purged": 0,
        "uploads": 0,
        "busy": 0,
    }


def test_no_trace_of_replaced_rows_is_left(staging: Storage, source: Storage) -> None:
    """After the grace the replaced rows are in no file, though until then the new file carries them."""
    for number in (1, 2):
        made(source, number).publish(staging)
    path = Day(ORG, DAY).canonical("users")
    first = staging.child("alone")
    made(source, 1).publish(first)
    rows = first.read_bytes(path)[200:2200]

    assert rows in staging.read_bytes(path)
    sweep(staging, now=datetime.now(UTC) + LATER)
    assert rows not in staging.read_bytes(path)


def test_a_day_published_once_takes_its_rows_and_no_more(local: Storage, source: Storage) -> None:
    """Publishing links: the finished file and the published one are the same on the disk."""
    generation = made(source, 1)
    generation.publish(local)
    published = Path(local.path(Day(ORG, DAY).canonical("users")))

    assert published.samefile(generation.files["users"]["path"])
    assert published.stat().st_size == generation.files["users"]["bytes"]
    assert files(local) == CANONICAL
    assert not local.list("_generations", f"org_id={ORG}")


def test_many_re_runs_do_not_grow_without_bounds(local: Storage, source: Storage) -> None:
    """A day that is published again and again stays within a few times its size, and small on the disk."""
    path = Path(local.path(Day(ORG, DAY).canonical("users")))
    sizes = []
    for number in range(1, 31):
        made(source, number).publish(local)
        sweep(local, now=datetime.now(UTC) + LATER)
        sizes.append(path.stat().st_size)
    blocks = path.stat().st_blocks * 512

    assert max(sizes) < 3 * (2 << 20)
    assert blocks <= math.ceil(sizes[0] / 4096) * 4096 + 4 * 4096
    assert joined(local) == 30


def test_a_day_that_is_being_written_is_left_alone(staging: Storage, source: Storage) -> None:
    """A sweep never waits for a writer; it says that the day was busy."""
    for number in (1, 2):
        made(source, number).publish(staging)
        made(source, number + 10, org_id=OTHER_ORG).publish(staging)
    with lease(staging, Day(ORG, DAY).lease, wait_seconds=5):
        receipt = sweep(staging, now=datetime.now(UTC) + LATER)

    assert receipt["busy"] == 1
    assert staging.list("_generations", Day(ORG, DAY).partition)
    assert not staging.list("_generations", Day(OTHER_ORG, DAY).partition)


def test_one_org_can_be_swept_alone(staging: Storage, source: Storage) -> None:
    """The other org's remains stay."""
    for number in (1, 2):
        made(source, number).publish(staging)
        made(source, number + 10, org_id=OTHER_ORG).publish(staging)
    sweep(staging, org_id=OTHER_ORG, now=datetime.now(UTC) + LATER)

    assert staging.list("_generations", Day(ORG, DAY).partition)
    assert not staging.list("_generations", Day(OTHER_ORG, DAY).partition)
    assert number_of(reader.open_snapshot(staging, OTHER_ORG, DAY)) == 12


def test_a_publisher_sweeps_what_has_had_its_time(local: Storage, source: Storage) -> None:
    """Nobody has to think of it: the next publisher of the org clears away what the last days left."""
    made(source, 1).publish(local)
    made(source, 2).publish(local)
    tomorrow = DAY + timedelta(days=1)
    made(source, 3, day=tomorrow).publish(local, now=datetime.now(UTC) + LATER)

    assert files(local) == CANONICAL | {
        Day(ORG, tomorrow).canonical(path.partition("/")[0]) for path in CANONICAL
    }


def test_a_day_whose_row_is_torn_is_left_alone(staging: Storage, source: Storage) -> None:
    """Without a readable row nobody knows what is needed, so everything stays."""
    for number in (1, 2):
        made(source, number).publish(staging)
    staging.write_bytes(Day(ORG, DAY).canonical("snapshots"), b"torn")
    before = files(staging)
    receipt = sweep(staging, now=datetime.now(UTC) + LATER)

    assert (receipt["removed"], receipt["purged"]) == (0, 0)
    assert files(staging) == before


def test_remains_of_the_writable_check_go(staging: Storage) -> None:
    """A probe whose process was killed is removed later."""
    staging.write_bytes("_probe-0123", b"license-ledger")
    assert sweep(staging)["removed"] == 0
    assert sweep(staging, now=datetime.now(UTC) + LATER)["removed"] == 1
    assert files(staging) == set()


def test_uploads_that_broke_off_are_dropped(s3: Storage) -> None:
    """Parts of a multipart upload that nobody will complete cost money and are seen by nobody."""
    bucket, _, prefix = s3.root.partition("/")
    s3.fs.call_s3("create_multipart_upload", Bucket=bucket, Key=f"{prefix}/users/x")
    s3.fs.call_s3("create_multipart_upload", Bucket=bucket, Key="elsewhere/x")

    assert sweep(s3, now=datetime.now(UTC) + LATER)["uploads"] == 1
    [left] = s3.fs.call_s3("list_multipart_uploads", Bucket=bucket)["Uploads"]
    assert left["Key"] == "elsewhere/x"
