"""What the org may still do today, and roughly how many records it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo_org.calls import Reply, json_reply
from demo_org.errors import ApiError
from demo_org.options import OrgOptions
from demo_org.org import Usage

if TYPE_CHECKING:
    from demo_org.rest import Request

_FIXED: dict[str, int] = {
    "ActiveScratchOrgs": 40,
    "AnalyticsExternalDataSizeMB": 40_960,
    "BOZosCalloutHourlyLimit": 20_000,
    "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDeliveredPlatformEvents": 50_000,
    "DailyDurableGenericStreamingApiEvents": 1_000_000,
    "DailyDurableStreamingApiEvents": 1_000_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyFunctionsApiCallLimit": 235_000,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyScratchOrgs": 80,
    "DailyStandardVolumePlatformEvents": 25_000,
    "DailyStreamingApiEvents": 1_000_000,
    "DailyWorkflowEmails": 100_000,
    "DurableStreamingApiConcurrentClients": 2_000,
    "EventMonitoringDailyExports": 1_000,
    "EinsteinDiscoveryMonthlyPredictions": 1_000_000,
    "FlowInterviewsPaused": 50_000,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyLongTermIdMapping": 100_000,
    "HourlyManagedContentPublicRequests": 50_000,
    "HourlyODataCallout": 20_000,
    "HourlyPublishedPlatformEvents": 250_000,
    "HourlyPublishedStandardVolumePlatformEvents": 100_000,
    "HourlyShortTermIdMapping": 100_000,
    "HourlySyncReportRuns": 500,
    "HourlyTimeBasedWorkflow": 1_000,
    "MassEmail": 5_000,
    "MaxContentDocumentsLimit": 30_000_000,
    "MobilePushNotificationsDaily": 20_000,
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "MonthlyPlatformEvents": 3_000_000,
    "MonthlyPlatformEventsUsageEntitlement": 0,
    "OmniStudioCalloutsDaily": 100_000,
    "OrchestrationRunsMonthly": 600,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 100_000,
    "SandboxDeveloper": 25,
    "SandboxDeveloperPro": 5,
    "SandboxFull": 1,
    "SandboxPartial": 1,
    "ScratchOrgSnapshots": 40,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 2_000,
    "SurveyResponses": 300,
    "WorkflowTimeTriggersHourly": 1_000,
}
_PERMISSION_SETS = 1_500


def limits(request: Request) -> Reply:
    """Answer ``/limits``; needs View Setup, and Manage Users for the storage."""
    org = request.org
    _needs_view_setup(request)
    return json_reply(_body(org.options, org.usage, "ManageUsers" in org.permissions), request.call)


def record_count(request: Request) -> Reply:
    """Answer ``/limits/recordCount``: for the named objects, or for all that the user may see."""
    org = request.org
    _needs_view_setup(request)
    catalog, store = org.catalog(), org.store()
    asked = request.call.query.get("sObjects", "")
    entities = (
        [catalog.entity(name.strip()) for name in asked.split(",")] if asked else catalog.entities.values()
    )
    counts = [
        {"count": store.count(entity.name), "name": entity.name} for entity in entities if entity is not None
    ]
    return json_reply({"sObjects": counts}, request.call)


def _needs_view_setup(request: Request) -> None:
    if "ViewSetup" not in request.org.permissions:
        raise ApiError(403, "API_DISABLED_FOR_ORG", "limits resource is not enabled for this user")


def _body(options: OrgOptions, usage: Usage, sees_storage: bool) -> dict[str, Any]:
    daily, jobs = options.daily_requests, options.bulk_jobs_per_day
    body: dict[str, Any] = {name: _pair(most) for name, most in _FIXED.items()}
    body["DailyApiRequests"] = _pair(daily, daily - usage.calls)
    body["DailyBulkV2QueryJobs"] = _pair(jobs, jobs - usage.jobs)
    body["DailyBulkApiBatches"] = _pair(15_000, 15_000 - usage.jobs)
    body["DataStorageMB"] = _pair(11_264, 11_201 if sees_storage else 0)
    body["FileStorageMB"] = _pair(12_288, 12_271 if sees_storage else 0)
    body["MonthlyEinsteinRequests"] = _pair(0)
    body["PermissionSets"] = {**_pair(_PERMISSION_SETS, 1_449), "CreateCustom": _pair(1_000, 967)}
    return dict(sorted(body.items()))


def _pair(most: int, remaining: int | None = None) -> dict[str, int]:
    return {"Max": most, "Remaining": most if remaining is None else remaining}
