"""
From a storage URL to a :class:`~license_ledger.staging.storage.Storage`, with Airflow connections for
credentials.

``s3://bucket/prefix`` takes the credentials of the machine, ``s3://conn_id@bucket/prefix`` those of an
Airflow connection; the same for every other scheme that an installed provider serves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from license_ledger.errors import ConfigError

_AZURE_ACCOUNT = re.compile(r"\.(dfs|blob)\.")
"""In ``abfs://container@account.dfs.core.windows.net`` the part before the @ is no connection id."""

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from license_ledger.staging.storage import Storage


def open_storage(url: str) -> Storage:
    """
    Open the storage of a URL.

    Args:
        url: of the staging or landing root, as in the settings.

    Returns:
        The storage; nothing is read or written yet.

    Raises:
        ConfigError: when the scheme needs a provider that is not installed, or the connection does not exist.
    """
    from license_ledger.staging.storage import Storage

    plain, conn_id = split_connection(url)
    if conn_id is None:
        return Storage.from_url(plain)
    return Storage.from_url(plain, filesystem=_filesystem(urlsplit(plain).scheme, conn_id))


def split_connection(url: str) -> tuple[str, str | None]:
    """
    Take the connection id out of a URL.

    Returns:
        The URL without it, and the id; None when it names none.
    """
    parts = urlsplit(url)
    conn_id, at, rest = parts.netloc.partition("@")
    if not at or not conn_id or ("@" not in rest and _AZURE_ACCOUNT.search(rest)):
        return url, None
    return parts._replace(netloc=rest).geturl(), conn_id


def _filesystem(scheme: str, conn_id: str) -> AbstractFileSystem:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError
    from airflow.sdk.io import get_fs

    try:
        BaseHook.get_connection(conn_id)  # some providers go on without credentials when it is missing
        filesystem = get_fs(scheme, conn_id)
    except (AirflowException, AirflowRuntimeError, ValueError, ImportError) as error:
        raise ConfigError(
            f"storage {scheme}://{conn_id}@…",
            f"cannot be opened ({type(error).__name__})",
            f"create the connection {conn_id}, and install the Airflow provider of {scheme}",
        ) from error
    # Others write there too: a listing must never be remembered.
    filesystem.dircache.use_listings_cache = False
    return filesystem
