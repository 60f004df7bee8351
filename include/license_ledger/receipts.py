"""What the steps of the walk hand on: small plain values, never a row or a token. Imports nothing of ours."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Unit(TypedDict):
    """
    Objects that one extract task lands.

    Attributes:
        label: for people, such as ``User (Bulk API 2.0)``.
        objects: API names, in the order they are extracted.
        share: number, from 0, and count of the tasks that land the one object; absent where one does alone.
    """

    label: str
    objects: list[str]
    share: NotRequired[list[int]]


class Source(TypedDict):
    """
    What the tables of a day are made of.

    Attributes:
        provenance: ``observed``, ``replayed`` or ``reconstructed``.
        org_id: 18 characters; empty while nothing but Salesforce could tell it.
        landing_date: ISO day of the landing that is read; of today where this run extracts it.
        landing_run: run key of that landing.
        extracts: whether this run extracts that landing itself.
        snapshot_id: of what will be published.
        reason: why, in words.
    """

    provenance: str
    org_id: str
    landing_date: str
    landing_run: str
    extracts: bool
    snapshot_id: str
    reason: str


class TokenReceipt(TypedDict):
    """Which org the token opens. ``instance`` is a host name; ``on_standby``: the first grant was lost."""

    org_id: str
    instance: str
    on_standby: bool


class InspectReceipt(TypedDict):
    """
    What an inspection found; the whole of it lies in the run folder.

    ``api_calls`` it has made itself; of those that are left and allowed to the org in a day, None where
    Salesforce does not tell.
    """

    org_id: str
    snapshot_id: str
    api_version: str
    units: list[Unit]
    missing: list[str]
    api_calls: int
    api_calls_remaining: int | None
    api_calls_allowed: int | None


class ExtractReceipt(TypedDict):
    """Rows landed per object of a unit."""

    unit: str
    rows: dict[str, int]
    bytes: int
    api_calls: int


class TransformReceipt(TypedDict):
    """Rows of the work files, and users left out per scope reason."""

    people: int
    users: int
    seats: int
    out_of_scope: dict[str, int]


class ReconcileReceipt(TypedDict):
    """Licenses, bridge rows, and the sum of unexplained seats whichever their sign."""

    licenses: int
    mismatches: int
    unexplained: int


class CheckReceipt(TypedDict):
    """How many checks ran; each selected no row. ``warnings`` are findings that the settings tolerate."""

    checks: int
    warnings: list[str]


class PublishReceipt(TypedDict):
    """What was published where; ``rows`` per table."""

    org_id: str
    snapshot_date: str
    snapshot_id: str
    staging: str
    rows: dict[str, int]
    unexplained: int
    api_calls: int


class LoadReceipt(TypedDict):
    """What the warehouse holds of the day; ``loaded`` is False when it held this snapshot already."""

    org_id: str
    snapshot_date: str
    snapshot_id: str
    warehouse: str
    rows: dict[str, int]
    loaded: bool
