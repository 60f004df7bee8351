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
    "AnalyticsExternalDataSizeMB": 40_960,
    "CdpAiInferenceApiMonthlyLimit": 500_000_000,
    "ConcurrentAsyncGetReportInstances": 200,
    "ConcurrentEinsteinDataInsightsStoryCreation": 5,
    "ConcurrentEinsteinDiscoveryStoryCreation": 2,
    "ConcurrentSyncReportRuns": 20,
    "ContentDistBandwidthLimitMB": 0,
    "ContentDistViewLimit": 0,
    "ContentPublicationLimit": 36_000,
    "DailyAnalyticsDataflowJobExecutions": 60,
    "DailyAnalyticsUploadedFilesSizeMB": 51_200,
    "DailyApexCursorLimit": 10_000,
    "DailyApexCursorRowsLimit": 100_000_000,
    "DailyApexPCursorLimit": 200_000,
    "DailyAsyncApexExecutions": 250_000,
    "DailyAsyncApexTests": 500,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "DailyDataCloudCursorLimit": 10_000,
    "DailyDataCloudCursorRowsLimit": 100_000_000,
    "DailyDeliveredPlatformEvents": 50_000,
    "DailyDurableGenericStreamingApiEvents": 1_000_000,
    "DailyDurableStreamingApiEvents": 1_000_000,
    "DailyEinsteinDataInsightsStoryCreation": 1_000,
    "DailyEinsteinDiscoveryOptimizationJobRuns": 25,
    "DailyEinsteinDiscoveryPredictAPICalls": 50_000,
    "DailyEinsteinDiscoveryPredictionsByCDC": 500_000,
    "DailyEinsteinDiscoveryStoryCreation": 100,
    "DailyGenericStreamingApiEvents": 10_000,
    "DailyMetadataRetrievesWithDependencies": 100,
    "DailyStandardVolumePlatformEvents": 25_000,
    "DailyStreamingApiEvents": 1_000_000,
    "DailyWorkflowEmails": 100_000,
    "DurableStreamingApiConcurrentClients": 2_000,
    "ExternalServicesActiveObjects": 5_000,
    "ExternalServicesActiveOperations": 1_500,
    "ExternalServicesObjectProperties": 50_000,
    "ExternalServicesObjects": 10_000,
    "ExternalServicesOperations": 10_000,
    "ExternalServicesRegistrations": 500,
    "HourlyAsyncReportRuns": 1_200,
    "HourlyDashboardRefreshes": 200,
    "HourlyDashboardResults": 5_000,
    "HourlyDashboardStatuses": 999_999_999,
    "HourlyElevateAsyncReportRuns": 1_200,
    "HourlyElevateSyncReportRuns": 500,
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
    "MonthlyEinsteinDiscoveryStoryCreation": 500,
    "Package2VersionCreates": 6,
    "Package2VersionCreatesWithoutValidation": 500,
    "PlatformEventTriggersWithParallelProcessing": 5,
    "PrivateConnectOutboundCalloutHourlyLimitMB": 0,
    "PublishCallbackUsageInApex": 100_000,
    "ScheduledFlowRunLimit": 250_000,
    "ScheduledPathRunLimit": 1_000,
    "SingleEmail": 5_000,
    "StreamingApiConcurrentClients": 2_000,
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
    body["PermissionSets"] = {**_pair(_PERMISSION_SETS, 1_449), "CreateCustom": _pair(1_000, 967)}
    return dict(sorted(body.items()))


def _pair(most: int, remaining: int | None = None) -> dict[str, int]:
    return {"Max": most, "Remaining": most if remaining is None else remaining}
