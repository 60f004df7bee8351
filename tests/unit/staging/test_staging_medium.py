"""What errors of disks and of object stores' clients are in the ledger's words."""

from __future__ import annotations

import errno

import pytest
from aiohttp.client_exceptions import ClientPayloadError
from botocore.exceptions import ConnectionClosedError, NoCredentialsError, ReadTimeoutError

from license_ledger.errors import CheckFailed, LedgerError, StagingUnwritable, StoreBusy
from license_ledger.staging.medium import failures, refusals
from license_ledger.staging.parquet import corruption

SILENT = [
    ReadTimeoutError(endpoint_url="https://s3"),  # one of the OSErrors that have no number
    ConnectionClosedError(endpoint_url="https://s3"),
    ClientPayloadError("half of it"),
    ConnectionResetError(errno.ECONNRESET, "reset"),
    OSError(errno.EBUSY, "SlowDown"),
]
REFUSED = [
    PermissionError("Access Denied"),  # as s3fs makes them
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.ENOSPC, "No space left on device"),
    NoCredentialsError(),
]


@pytest.mark.parametrize("error", SILENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("told", [refusals, failures])
def test_a_store_that_is_silent_is_asked_later(error: Exception, told: type) -> None:
    """In writing and in reading."""
    with pytest.raises(StoreBusy, match="does not answer"), told("bucket/staging"):
        raise error


@pytest.mark.parametrize("error", REFUSED, ids=str)
@pytest.mark.parametrize("told", [refusals, failures])
def test_a_place_that_refuses_is_named(error: Exception, told: type) -> None:
    """In writing and in reading, with the reason and what to do."""
    with (
        pytest.raises(StagingUnwritable, match=r"bucket/staging: .+ → check") as caught,
        told("bucket/staging"),
    ):
        raise error
    assert (getattr(error, "strerror", None) or str(error)) in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError("gone"), CheckFailed("rows"), ValueError("a mistake")],
    ids=lambda error: str(error),
)
def test_what_is_no_failure_of_the_place_stays_what_it_is(error: Exception) -> None:
    """A file that is not there, the ledger's own errors, and mistakes."""
    with pytest.raises(type(error)) as caught, failures("bucket/staging"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", [*SILENT, *REFUSED], ids=lambda error: type(error).__name__)
def test_a_file_that_cannot_be_had_is_not_called_torn(error: Exception) -> None:
    """Whatever the place does while Parquet is read is no damage of the file."""
    with pytest.raises(type(error)) as caught, corruption("users.parquet"):
        raise error
    assert not isinstance(caught.value, LedgerError)
