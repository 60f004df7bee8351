"""
Every error of the ledger, in one tree. May import nothing of the package.

::

    LedgerError
    ├── TransientError            Airflow retries
    │   ├── SalesforceUnavailable     the org, the login host or the network did not answer properly
    │   ├── RateLimited               too many requests at once
    │   ├── JobStalled                a bulk job did not finish in time
    │   ├── RefreshOutcomeUnknown     a token request was sent and its answer never arrived
    │   ├── StoreBusy                 another writer holds the lock of this day, or of this org's token
    │   ├── WarehouseUnavailable      the warehouse's server did not answer, or went away
    │   └── ProcessLost               one of several processes that share a work was killed
    ├── PermanentError            fails at once
    │   ├── ConfigError               a setting is missing, blank or wrong
    │   ├── UnsafeHost                an address that tokens must not be sent to
    │   ├── AuthRevoked               Salesforce no longer accepts the grant
    │   │   └── GrantLost             a rotated refresh token died with the worker that received it
    │   ├── AccessDenied              the integration user may not do this
    │   ├── BadQuery                  Salesforce does not understand the query
    │   ├── JobFailed                 Salesforce gave up on a bulk job
    │   ├── QuotaExhausted            the org's daily API allocation is used up, or nearly
    │   ├── SnapshotRefused           this day cannot be snapshot: it lies ahead, or has no such day
    │   │   └── DayOutOfReach         nothing can be made of this past day; its run is skipped
    │   ├── StagingUnwritable         the staging area refuses to be read or written
    │   └── InputRefused              a price list, crosswalk or directory cannot be used as it is
    └── DataError                 fails at once, the evidence is kept
        ├── SchemaDrift               an object or a field that the ledger cannot do without is not there
        ├── CorruptAnswer             an answer is truncated, malformed, or not what was announced
        ├── CheckFailed               rows that should not exist
        ├── ImplausibleSnapshot       an extract is empty, or has suddenly shrunk
        ├── Unexplained               the rest of the mismatch bridge is above the tolerance
        └── CorruptSnapshot           published files do not belong together

The base class decides what Airflow does. Each class has a heading in ``docs/runbook.md``.
"""

from __future__ import annotations

from typing import Self

__all__ = [
    "AccessDenied",
    "AuthRevoked",
    "BadQuery",
    "CheckFailed",
    "ConfigError",
    "CorruptAnswer",
    "CorruptSnapshot",
    "DataError",
    "DayOutOfReach",
    "GrantLost",
    "ImplausibleSnapshot",
    "InputRefused",
    "JobFailed",
    "JobStalled",
    "LedgerError",
    "PermanentError",
    "ProcessLost",
    "QuotaExhausted",
    "RateLimited",
    "RefreshOutcomeUnknown",
    "SalesforceUnavailable",
    "SchemaDrift",
    "SnapshotRefused",
    "StagingUnwritable",
    "StoreBusy",
    "TransientError",
    "Unexplained",
    "UnsafeHost",
    "WarehouseUnavailable",
]


class LedgerError(Exception):
    """
    The root of the tree.

    Args:
        asked: what was asked or attempted, naming the offending item.
        got: what came back instead. Never a token, a secret or a person's row.
        remedy: what the reader can do about it.
    """

    def __init__(self, asked: str, got: str = "", remedy: str = "") -> None:
        self.asked, self.got, self.remedy = asked, got, remedy
        super().__init__(asked, got, remedy)

    def within(self, what: str) -> Self:
        """The same error, saying first what it happened in, unless it says so already."""
        if what not in self.asked:
            self.asked = f"{what}, {self.asked}"
            self.args = (self.asked, self.got, self.remedy)
        return self

    def __str__(self) -> str:
        text = self.asked
        if self.got:
            text += f": {self.got}"
        if self.remedy:
            text += f" → {self.remedy}"
        return text


class TransientError(LedgerError):
    """The same call may succeed later; Airflow retries."""


class SalesforceUnavailable(TransientError):
    """The org, the login host or the network did not answer, or answered with an outage page."""


class RateLimited(TransientError):
    """Too many requests at once; the daily allocation is not the matter."""


class JobStalled(TransientError):
    """A bulk job did not finish within its deadline."""


class RefreshOutcomeUnknown(TransientError):
    """A token request was sent and its answer never arrived; it must not be repeated blindly."""


class StoreBusy(TransientError):
    """Another writer holds the lock of this day, or of this org's token; or the object store is silent."""


class WarehouseUnavailable(TransientError):
    """The server of the warehouse did not answer, restarted, or had no room for one more."""


class ProcessLost(TransientError):
    """One of several processes that did a part of the work ended before it had done it."""


class PermanentError(LedgerError):
    """The same call will fail again until somebody changes something; Airflow fails at once."""


class ConfigError(PermanentError):
    """A setting is missing, blank or wrong."""


class UnsafeHost(PermanentError):
    """An address that a token must not be sent to."""


class AuthRevoked(PermanentError):
    """Salesforce no longer accepts the grant: it has to be authorized again."""


class GrantLost(AuthRevoked):
    """A rotated refresh token died with the worker that received it, before it could be stored."""


class AccessDenied(PermanentError):
    """The integration user lacks a permission."""


class BadQuery(PermanentError):
    """Salesforce does not understand the query."""


class JobFailed(PermanentError):
    """Salesforce gave up on a bulk job, or somebody aborted it."""


class QuotaExhausted(PermanentError):
    """The org's daily API allocation is used up, or below the share that is kept for others."""


class SnapshotRefused(PermanentError):
    """No snapshot can be taken for this day: it lies ahead, or is no day at all."""


class DayOutOfReach(SnapshotRefused):
    """Nothing can be made of a past day, or nothing better than what is published; its run is skipped."""


class StagingUnwritable(PermanentError):
    """The landing or staging area refuses to be written, or to be read."""


class InputRefused(PermanentError):
    """A file that people keep, such as the price list, cannot be used as it is."""


class DataError(LedgerError):
    """What arrived is wrong; Airflow fails at once and the landing is kept as evidence."""


class SchemaDrift(DataError):
    """An object or a field that the ledger cannot do without is not there."""


class CorruptAnswer(DataError):
    """An answer is truncated, malformed, or not what was announced."""


class CheckFailed(DataError):
    """A check selected rows that should not exist."""


class ImplausibleSnapshot(DataError):
    """An extract is empty, or has shrunk so much that it would read as a mass of leavers."""


class Unexplained(DataError):
    """The rest of the mismatch bridge is above the configured tolerance."""


class CorruptSnapshot(DataError):
    """Published files do not belong together, or do not match their manifest."""
