"""The tables of what was bought: user licenses, permission set licenses, packages, usage entitlements."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from demo_org.world.catalogue.entitlements import ENTITLEMENTS, Entitlement
from demo_org.world.catalogue.grants import Grant
from demo_org.world.catalogue.user_licenses import LICENSES
from demo_org.world.counters import Counters, month_start
from demo_org.world.population import Population
from demo_org.world.tables.columns import MOMENT, Source, small
from demo_org.world.timelines import DAY

TEXT, COUNT, FLAG, DATE, AMOUNT = pa.string(), pa.int64(), pa.bool_(), pa.date32(), pa.float64()
FOUNDED_DAYS = 2_555
PERIOD_DAYS = {"Daily": 1, "Weekly": 7, "Fortnightly": 14, "Monthly": 30, "Quarterly": 91, "Yearly": 365}


def at(seconds: int) -> datetime:
    """Return UTC seconds as a date-time."""
    return datetime.fromtimestamp(seconds, UTC)


class Licenses:
    """License tables at a moment."""

    def __init__(self, people: Population, counters: Counters, moment: int) -> None:
        self._people, self._counters, self._moment = people, counters, moment
        self._today = at(moment).date()

    def user_licenses(self) -> Source:
        """Return `UserLicense`: counters as old as the options say, and off by as much as they say."""
        options = self._people.options
        as_of = self._moment - options.stale_counter_days * DAY
        used = self._counters.user_licenses(as_of)
        size = len(LICENSES)
        drift = [options.counter_drift.get(kind.name, 0) for kind in LICENSES]
        monthly = [
            None if kind.logins_per_month is None else self._counters.logins_this_month(index, self._moment)
            for index, kind in enumerate(LICENSES)
        ]
        scale = max(1, self._people.users // 2_000)
        entitled = [kind.logins_per_month and kind.logins_per_month * scale for kind in LICENSES]
        return small(
            {
                "Id": (self._ids("100", size), TEXT),
                "LicenseDefinitionKey": ([kind.key for kind in LICENSES], TEXT),
                "TotalLicenses": (self._counters.user_license_totals(self._moment), COUNT),
                "Status": ([kind.status for kind in LICENSES], TEXT),
                "UsedLicenses": ([n + more for n, more in zip(used, drift, strict=True)], COUNT),
                "UsedLicensesLastUpdated": ([at(as_of)] * size, MOMENT),
                "Name": ([kind.name for kind in LICENSES], TEXT),
                "MasterLabel": ([kind.name for kind in LICENSES], TEXT),
                "MonthlyLoginsUsed": (monthly, COUNT),
                "MonthlyLoginsEntitlement": (entitled, COUNT),
                **self._stamps(size),
            }
        )

    def permission_set_licenses(self) -> Source:
        """Return `PermissionSetLicense`; past its expiry one is Disabled, and still counts its holders."""
        holdings = self._people.psls
        grants, size = holdings.grants, len(holdings.grants)
        integration = ["Integration" in grant.label for grant in grants]
        return small(
            {
                "Id": (self._ids("0PL", size), TEXT),
                "DeveloperName": ([grant.key for grant in grants], TEXT),
                "Language": (["en_US"] * size, TEXT),
                "MasterLabel": ([grant.label for grant in grants], TEXT),
                "PermissionSetLicenseKey": ([grant.key for grant in grants], TEXT),
                "TotalLicenses": (self._counters.grant_totals(holdings, self._moment), COUNT),
                "Status": ([self._status(grant, "Disabled") for grant in grants], TEXT),
                "ExpirationDate": ([self._expiry(grant) for grant in grants], DATE),
                "UsedLicenses": (self._counters.grants(holdings, self._moment), COUNT),
                "MigratableLicenses": ([0] * size, COUNT),
                "IsAvailableForIntegrations": (integration, FLAG),
                "LicenseExpirationPolicy": (
                    ["BlockAccess" if grant.expires_after else None for grant in grants],
                    TEXT,
                ),
                "MaximumPermissionsApiEnabled": ([True] * size, FLAG),
                "MaximumPermissionsApiUserOnly": (integration, FLAG),
                "CreatedById": ([self._people.admin_id] * size, TEXT),
                "LastModifiedById": ([self._people.admin_id] * size, TEXT),
                **self._stamps(size),
            }
        )

    def packages(self) -> Source:
        """Return `PackageLicense`; `AllowedLicenses` -1 is a site license."""
        holdings = self._people.packages
        grants, size = holdings.grants, len(holdings.grants)
        expiries = [self._expiry(grant) for grant in grants]
        return small(
            {
                "Id": (self._ids("050", size), TEXT),
                "Status": ([self._status(grant, "Expired") for grant in grants], TEXT),
                "IsProvisioned": ([True] * size, FLAG),
                "AllowedLicenses": (self._counters.grant_totals(holdings, self._moment), COUNT),
                "UsedLicenses": (self._counters.grants(holdings, self._moment), COUNT),
                "ExpirationDate": (
                    [day and datetime(day.year, day.month, day.day, tzinfo=UTC) for day in expiries],
                    MOMENT,
                ),
                "NamespacePrefix": ([grant.key for grant in grants], TEXT),
                **self._stamps(size),
            }
        )

    def entitlements(self) -> Source:
        """Return `TenantUsageEntitlement`: one row per setting, in its current period."""
        size = len(ENTITLEMENTS)
        periods = [self._period(kind) for kind in ENTITLEMENTS]
        measured = at(self._moment - self._moment % 3600)
        return small(
            {
                "Id": (self._ids("0UT", size), TEXT),
                "ResourceGroupKey": ([kind.group for kind in ENTITLEMENTS], TEXT),
                "Setting": ([kind.setting for kind in ENTITLEMENTS], TEXT),
                "StartDate": ([start for start, _ in periods], DATE),
                "EndDate": ([end for _, end in periods], DATE),
                "CurrentAmountAllowed": ([kind.allowed for kind in ENTITLEMENTS], AMOUNT),
                "Frequency": ([kind.frequency for kind in ENTITLEMENTS], TEXT),
                "IsPersistentResource": ([kind.persistent for kind in ENTITLEMENTS], FLAG),
                "HasRollover": ([kind.frequency == "Yearly" for kind in ENTITLEMENTS], FLAG),
                "OverageGrace": ([None if kind.open_ended else 10.0 for kind in ENTITLEMENTS], AMOUNT),
                "AmountUsed": ([self._amount(kind) for kind in ENTITLEMENTS], AMOUNT),
                "UsageDate": ([None if kind.rate is None else measured for kind in ENTITLEMENTS], MOMENT),
                "MasterLabel": ([kind.label for kind in ENTITLEMENTS], TEXT),
                "CreatedById": ([self._people.admin_id] * size, TEXT),
                "LastModifiedById": ([self._people.admin_id] * size, TEXT),
                **self._stamps(size),
            }
        )

    def _ids(self, prefix: str, size: int) -> list[str]:
        return [self._people.id_of(prefix, counter) for counter in range(1, size + 1)]

    def _stamps(self, size: int) -> dict[str, tuple[list[datetime], pa.DataType]]:
        founded = at(self._people.anchor - FOUNDED_DAYS * DAY)
        changed = at(month_start(self._moment))
        return {
            "CreatedDate": ([founded] * size, MOMENT),
            "LastModifiedDate": ([changed] * size, MOMENT),
            "SystemModstamp": ([changed] * size, MOMENT),
        }

    def _expiry(self, grant: Grant) -> date | None:
        if grant.expires_after is None:
            return None
        day = at(self._people.anchor).date() + timedelta(days=grant.expires_after)
        while grant.renews and day < self._today:
            day += timedelta(days=365)
        return day

    def _status(self, grant: Grant, expired: str) -> str:
        day = self._expiry(grant)
        return expired if day is not None and day < self._today else grant.status

    def _period(self, kind: Entitlement) -> tuple[date, date | None]:
        days = PERIOD_DAYS.get(kind.frequency or "")
        if days is None:
            first = at(self._people.anchor).date() - timedelta(days=400)
            return first, None if kind.open_ended else first + timedelta(days=730)
        first = self._today - timedelta(days=(self._today.toordinal() % days))
        return first, first + timedelta(days=days - 1)

    def _amount(self, kind: Entitlement) -> float | None:
        """Return the amount used: it grows evenly through the period, a storage amount stands still."""
        if kind.rate is None:
            return None
        days = PERIOD_DAYS.get(kind.frequency or "")
        if days is None:
            return round(kind.allowed * kind.rate, 1) + 0.25
        elapsed = (self._today.toordinal() % days + self._moment % DAY / DAY) / days
        return round(kind.allowed * kind.rate * (0.3 + 0.7 * elapsed), 1) + 0.25
