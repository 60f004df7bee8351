"""The license objects: what was bought, what Salesforce counts as used, who holds what."""

from __future__ import annotations

from demo_org.schema.definitions import ChildRelationship
from demo_org.schema.notation import (
    amount,
    audit,
    choice,
    day,
    flag,
    identifier,
    make,
    modified,
    moment,
    plain_flag,
    reference,
    stamp,
    text,
    whole,
)
from demo_org.schema.objects import ObjectDef
from demo_org.schema.permissions import PERMISSIONS
from demo_org.schema.user import LANGUAGES

FREQUENCIES = ("Once", "Daily", "Weekly", "Fortnightly", "Monthly", "Quarterly", "Yearly")
METRIC_FEATURES = (
    "AvantgoUser",
    "ChatterAnswersUser",
    "InteractionUser",
    "JigsawProspectingUser",
    "KnowledgeUser",
    "LiveAgentUser",
    "MarketingUser",
    "MobileUser",
    "OfflineUser",
    "SFContentUser",
    "SiteforceContributorUser",
    "SiteforcePublisherUser",
    "SupportUser",
    "WirelessUser",
    "WorkDotComUserFeature",
)

USER_LICENSE = ObjectDef(
    "UserLicense",
    "User License",
    "User Licenses",
    "100",
    (
        identifier(),
        text("LicenseDefinitionKey", 40, label="License Def. ID", nillable=False),
        whole("TotalLicenses", nillable=False),
        choice("Status", ("Active", "Disabled"), nillable=False, restricted=True),
        whole("UsedLicenses", nillable=False),
        moment("UsedLicensesLastUpdated"),
        text("Name", 40, nillable=False, id_lookup=True, name_field=True),
        text("MasterLabel", 80, label="License Label", nillable=False),
        whole(
            "MonthlyLoginsUsed",
            filterable=False,
            groupable=False,
            sortable=False,
            permission="DigitalExperiences",
        ),
        whole("MonthlyLoginsEntitlement", permission="DigitalExperiences"),
        *audit(by=False),
    ),
    permission="ViewSetup",
    child_relationships=(ChildRelationship("Profile", "UserLicenseId", None),),
)

PERMISSION_SET_LICENSE = ObjectDef(
    "PermissionSetLicense",
    "Permission Set License",
    "Permission Set Licenses",
    "0PL",
    (
        identifier(),
        flag("IsDeleted"),
        text("DeveloperName", 80, nillable=False, permission="ViewDeveloperName|ViewSetup"),
        choice("Language", LANGUAGES, nillable=False, restricted=True),
        text("MasterLabel", 80, label="Permission Set License Label", nillable=False, name_field=True),
        *audit(),
        text("PermissionSetLicenseKey", 81, nillable=False, id_lookup=True),
        whole("TotalLicenses", nillable=False),
        choice("Status", ("Active", "Disabled"), nillable=False, restricted=True),
        day("ExpirationDate"),
        *(plain_flag(f"MaximumPermissions{name}") for name in PERMISSIONS),
        whole("UsedLicenses", nillable=False),
        whole("MigratableLicenses", nillable=False, default=0),
        flag("IsAvailableForIntegrations"),
        choice("LicenseExpirationPolicy", ("BlockAccess", "RetainAccess")),
        flag("IsSupplementLicense"),
    ),
    permission="ViewSetup",
    child_relationships=(
        ChildRelationship(
            "PermissionSetLicenseAssign", "PermissionSetLicenseId", "PermissionSetLicenseAssignments"
        ),
        ChildRelationship("PermissionSet", "LicenseId", None),
        ChildRelationship("ActivePermSetLicenseMetric", "PermissionSetLicenseId", None),
    ),
)

PERMISSION_SET_LICENSE_ASSIGN = ObjectDef(
    "PermissionSetLicenseAssign",
    "Permission Set License Assignment",
    "Permission Set License Assignments",
    "2LA",
    (
        identifier(),
        flag("IsDeleted"),
        *audit(),
        reference("PermissionSetLicenseId", "PermissionSetLicense", nillable=False, createable=True),
        reference("AssigneeId", "User", nillable=False, createable=True),
    ),
    createable=True,
    deletable=True,
    permission="ViewSetup|AssignPermissionSets",
)

PACKAGE_LICENSE = ObjectDef(
    "PackageLicense",
    "Package License",
    "Package Licenses",
    "050",
    (
        identifier(),
        choice("Status", ("Active", "Expired", "Free", "Trial"), nillable=False, restricted=True),
        flag("IsProvisioned"),
        whole("AllowedLicenses", nillable=False),
        whole("UsedLicenses", nillable=False),
        flag("IsAvailableForIntegrations"),
        moment("ExpirationDate"),
        *audit(by=False),
        text("NamespacePrefix", 40, nillable=False, name_field=True),
    ),
    child_relationships=(ChildRelationship("UserPackageLicense", "PackageLicenseId", None),),
)

USER_PACKAGE_LICENSE = ObjectDef(
    "UserPackageLicense",
    "User Package License",
    "User Package Licenses",
    "051",
    (
        identifier(),
        reference("PackageLicenseId", "PackageLicense", nillable=False, createable=True),
        reference("UserId", "User", nillable=False, createable=True),
        *audit(),
    ),
    createable=True,
    deletable=True,
    permission="ViewSetup|ManagePackageLicenses",
)

TENANT_USAGE_ENTITLEMENT = ObjectDef(
    "TenantUsageEntitlement",
    "Tenant Usage Entitlement",
    "Tenant Usage Entitlements",
    "0UT",
    (
        identifier(),
        flag("IsDeleted"),
        *audit(),
        text("ResourceGroupKey", 255, nillable=False),
        text("Setting", 255, nillable=False),
        day("StartDate", nillable=False),
        day("EndDate"),
        amount("CurrentAmountAllowed", 18, 2, nillable=False),
        choice("Frequency", FREQUENCIES, restricted=True),
        flag("IsPersistentResource"),
        flag("HasRollover"),
        make("OverageGrace", "percent", precision=5, scale=2, groupable=False),
        amount("AmountUsed", 18, 2),
        moment("UsageDate"),
        text("MasterLabel", 255, filterable=False, groupable=False, sortable=False),
    ),
    permission="ViewSetup",
)

ACTIVE_PROFILE_METRIC = ObjectDef(
    "ActiveProfileMetric",
    "Active Profile Metric",
    "Active Profile Metrics",
    "5H0",
    (
        identifier(),
        day("MetricsDate", nillable=False),
        reference("UserLicenseId", "UserLicense", nillable=False),
        reference("ProfileId", "Profile"),
        stamp(),
        whole("AssignedUserCount"),
        whole("ActiveUserCount"),
    ),
    permission="ViewSetup",
)

ACTIVE_PERM_SET_LICENSE_METRIC = ObjectDef(
    "ActivePermSetLicenseMetric",
    "Active Permission Set License Metric",
    "Active Permission Set License Metrics",
    "5H1",
    (
        identifier(),
        day("MetricsDate", nillable=False),
        reference("PermissionSetLicenseId", "PermissionSetLicense", nillable=False),
        stamp(),
        whole("AssignedUserCount"),
        whole("ActiveUserCount"),
        text("DeveloperName", 80),
        text("MasterLabel", 80),
        whole("TotalLicenses"),
    ),
    permission="ViewSetup",
)

ACTIVE_FEATURE_LICENSE_METRIC = ObjectDef(
    "ActiveFeatureLicenseMetric",
    "Active Feature License Metric",
    "Active Feature License Metrics",
    "5H2",
    (
        identifier(),
        day("MetricsDate", nillable=False),
        choice("FeatureType", METRIC_FEATURES, nillable=False),
        stamp(),
        whole("AssignedUserCount"),
        whole("ActiveUserCount"),
        whole("TotalLicenseCount"),
    ),
    permission="ViewSetup",
)

USER_LOGIN = ObjectDef(
    "UserLogin",
    "User Login",
    "User Logins",
    "0Yw",
    (
        identifier(),
        reference("UserId", "User", relationship="User"),
        flag("IsFrozen", label="Frozen", updateable=True),
        flag("IsPasswordLocked", updateable=True),
        *modified(),
    ),
    updateable=True,
    permission="ManageUsers",
)

LICENSE_OBJECTS: tuple[ObjectDef, ...] = (
    USER_LICENSE,
    PERMISSION_SET_LICENSE,
    PERMISSION_SET_LICENSE_ASSIGN,
    PACKAGE_LICENSE,
    USER_PACKAGE_LICENSE,
    TENANT_USAGE_ENTITLEMENT,
    ACTIVE_PROFILE_METRIC,
    ACTIVE_PERM_SET_LICENSE_METRIC,
    ACTIVE_FEATURE_LICENSE_METRIC,
    USER_LOGIN,
)
