"""Usage entitlements: amounts of things, not of people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entitlement:
    """
    One row of TenantUsageEntitlement.

    Attributes:
        setting: `Setting`, the stable key.
        label: `MasterLabel`.
        group: `ResourceGroupKey`.
        frequency: How often the allowance starts afresh; None where Salesforce leaves it empty.
        allowed: `CurrentAmountAllowed`.
        rate: Share of the allowance which is used by the end of a period; above 1 it is overdrawn; None means
            that usage was never measured.
        persistent: Usage does not start afresh.
        open_ended: No `EndDate`.
    """

    setting: str
    label: str
    group: str
    frequency: str | None
    allowed: float
    rate: float | None
    persistent: bool = False
    open_ended: bool = False


ENTITLEMENTS: tuple[Entitlement, ...] = (
    Entitlement("MonthlyApiRequests", "API Requests per Month", "Api", "Monthly", 3_000_000.0, 0.62),
    Entitlement("DailyMassEmail", "Mass E-mails per Day", "Email", "Daily", 5_000.0, 0.2),
    Entitlement("WeeklyPartnerLogins", "Partner Logins per Week", "Community", "Weekly", 400.0, 0.9),
    Entitlement("FortnightlyDataExport", "Data Exports", "Export", "Fortnightly", 2.0, 0.5),
    Entitlement("QuarterlyPredictions", "Einstein Predictions", "Einstein", "Quarterly", 1_000.0, 4.3),
    Entitlement("YearlySurveyResponses", "Survey Responses per Year", "Survey", "Yearly", 300.0, 0.81),
    Entitlement("CommunityMemberLogins", "Community Member Logins", "Community", "Monthly", 2_000.0, 1.1),
    Entitlement("DataStorageMB", "Data Storage (MB)", "Storage", "Once", 10_240.0, 0.4431, True, True),
    Entitlement("FileStorageMB", "File Storage (MB)", "Storage", "Once", 102_400.0, 1.0173, True, True),
    Entitlement("HeadlessBrowserHours", "Headless Browser Hours", "Sandbox", None, 40.0, None),
)
"""Row order is id order."""
