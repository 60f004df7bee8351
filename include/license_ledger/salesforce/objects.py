"""
What is extracted, declared once. May import declarations only.

From here come the SELECT lists, the types of landing, the capability report and the permissions that the
documentation asks for. Facts: Object Reference, and describes of real orgs; which permission shows what is
documented for most objects and known from experience for the rest.
"""

from __future__ import annotations

from license_ledger.salesforce.declarations import Field, SalesforceObject

__all__ = ["HISTORY_OBJECTS", "OBJECTS", "VIEW_SETUP", "object_named"]

VIEW_SETUP = "View Setup and Configuration"
_ASSIGN = f"{VIEW_SETUP} or Assign Permission Sets"
_COMMUNITIES = "Digital Experiences is switched on, and View Setup and Configuration"
_EDITION = f"{VIEW_SETUP}, and API 52.0"

_STAMP = Field("SystemModstamp", "datetime")
_CREATED = Field("CreatedDate", "datetime", costs="when the seat was assigned")

USER = SalesforceObject(
    "User",
    (
        Field("Id", required=True, personal="pseudonym"),
        Field("Username", required=True, personal="identity"),
        Field("Email", required=True, personal="identity", permission="View User PII"),
        Field("Name", personal="identity", costs="names of people"),
        Field("FirstName", personal="identity"),
        Field("LastName", personal="identity"),
        Field("Alias", personal="identity"),
        Field("CompanyName", personal="attribute", costs="company as typed on the user"),
        Field("Department", personal="attribute", costs="views by department"),
        Field("Division", personal="attribute", costs="views by division"),
        Field("Title", personal="attribute", costs="job titles"),
        Field("City", personal="attribute"),
        Field("Country", personal="attribute", costs="views by country"),
        Field("EmployeeNumber", personal="identity", costs="the link to HR data"),
        Field("FederationIdentifier", personal="identity", costs="the link to the identity provider"),
        Field("UserType", required=True, personal="attribute"),
        Field("IsActive", "boolean", required=True, personal="attribute"),
        Field("ProfileId", required=True, personal="attribute"),
        Field("UserRoleId", personal="attribute", costs="role names"),
        Field("ManagerId", personal="attribute", costs="managers"),
        Field(
            "ContactId",
            personal="attribute",
            permission="Digital Experiences is switched on",
            costs="contacts of external users",
        ),
        Field(
            "AccountId",
            personal="attribute",
            permission="Digital Experiences is switched on",
            costs="accounts of external users",
        ),
        Field("LocaleSidKey", personal="attribute"),
        Field("TimeZoneSidKey", personal="attribute"),
        Field("LanguageLocaleKey", personal="attribute"),
        Field(
            "LastLoginDate", "datetime", personal="activity", costs="activity of users: every band is unknown"
        ),
        Field("LastPasswordChangeDate", "datetime", personal="activity"),
        Field("CreatedDate", "datetime", personal="attribute", costs="when users were created"),
        Field("LastModifiedDate", "datetime", personal="attribute", costs="evidence for late counters"),
        Field("SystemModstamp", "datetime", personal="attribute"),
    ),
    permission="View All Users",
    costs="everything",
    unlocks="users, seats",
    group="people",
    required=True,
    never_empty=True,
    large=True,
    flag_prefix="UserPermissions",
    # A preference of call-center users, no license.
    flag_exceptions=frozenset({"UserPermissionsCallCenterAutoLogin"}),
)

PROFILE = SalesforceObject(
    "Profile",
    (
        Field("Id", required=True),
        Field("Name", required=True),
        Field("UserLicenseId", required=True),
        Field("UserType"),
        _STAMP,
    ),
    permission="View All Profiles",
    costs="which user license a user is on",
    unlocks="seats of user licenses",
    group="people",
    required=True,
    never_empty=True,
)

USER_ROLE = SalesforceObject(
    "UserRole",
    (
        Field("Id", required=True),
        Field("Name", required=True),
        Field("DeveloperName"),
        Field("ParentRoleId"),
        Field("PortalType", permission="Digital Experiences is switched on"),
    ),
    permission="View Roles and Role Hierarchy",
    costs="role names",
    unlocks="users.role_name",
    group="people",
)

USER_LOGIN = SalesforceObject(
    "UserLogin",
    (
        Field("Id", required=True),
        Field("UserId", required=True, personal="pseudonym"),
        Field("IsFrozen", "boolean", required=True, personal="attribute"),
        Field("IsPasswordLocked", "boolean", personal="attribute"),
        Field("LastModifiedDate", "datetime", personal="attribute"),
    ),
    permission="Manage Users",
    costs="whether a user is frozen",
    unlocks="users.is_frozen, seats.is_frozen",
    group="people",
    where="IsFrozen = true",
)

USER_LICENSE = SalesforceObject(
    "UserLicense",
    (
        Field("Id", required=True),
        Field("Name", required=True),
        Field("MasterLabel", costs="labels of user licenses"),
        Field("LicenseDefinitionKey", required=True),
        Field("Status", required=True),
        Field("TotalLicenses", "int", required=True),
        Field("UsedLicenses", "int", required=True),
        Field("UsedLicensesLastUpdated", "datetime", costs="when Salesforce counted"),
        Field("MonthlyLoginsUsed", "int", permission=_COMMUNITIES, costs="use of login-based licenses"),
        Field(
            "MonthlyLoginsEntitlement", "int", permission=_COMMUNITIES, costs="use of login-based licenses"
        ),
        Field("CreatedDate", "datetime"),
        Field("LastModifiedDate", "datetime"),
        _STAMP,
    ),
    permission=VIEW_SETUP,
    costs="Salesforce's own count of user licenses",
    unlocks="licenses and mismatches",
    group="licenses",
    required=True,
    never_empty=True,
)

PERMISSION_SET_LICENSE = SalesforceObject(
    "PermissionSetLicense",
    (
        Field("Id", required=True),
        Field("DeveloperName", permission=f"{VIEW_SETUP} or View DeveloperName"),
        Field("MasterLabel", required=True),
        Field("PermissionSetLicenseKey", costs="stable keys of permission set licenses"),
        Field("Status", costs="status of permission set licenses"),
        Field("TotalLicenses", "int", required=True),
        Field("UsedLicenses", "int", required=True),
        Field("ExpirationDate", "date", costs="when permission set licenses expire"),
        Field("IsAvailableForIntegrations", "boolean"),
        _STAMP,
    ),
    permission=VIEW_SETUP,
    costs="permission set licenses",
    unlocks="licenses of layer permission_set",
    group="licenses",
)

PERMISSION_SET_LICENSE_ASSIGN = SalesforceObject(
    "PermissionSetLicenseAssign",
    (
        Field("Id", required=True),
        Field("AssigneeId", required=True, personal="pseudonym"),
        Field("PermissionSetLicenseId", required=True),
        _CREATED,
        _STAMP,
    ),
    permission=_ASSIGN,
    costs="who holds permission set licenses",
    unlocks="seats of layer permission_set",
    group="licenses",
    large=True,
)

PACKAGE_LICENSE = SalesforceObject(
    "PackageLicense",
    (
        Field("Id", required=True),
        Field("NamespacePrefix", required=True),
        Field("Status", costs="status of package licenses"),
        Field("AllowedLicenses", "int", required=True),
        Field("UsedLicenses", "int", required=True),
        Field("ExpirationDate", "datetime", costs="when package licenses expire"),
        _STAMP,
    ),
    permission=VIEW_SETUP,
    costs="licenses of managed packages",
    unlocks="licenses of layer package",
    group="licenses",
)

USER_PACKAGE_LICENSE = SalesforceObject(
    "UserPackageLicense",
    (
        Field("Id", required=True),
        Field("UserId", required=True, personal="pseudonym"),
        Field("PackageLicenseId", required=True),
        _CREATED,
        _STAMP,
    ),
    permission=f"{VIEW_SETUP} or Manage Package Licenses",
    costs="who holds licenses of managed packages",
    unlocks="seats of layer package",
    group="licenses",
    large=True,
)

TENANT_USAGE_ENTITLEMENT = SalesforceObject(
    "TenantUsageEntitlement",
    (
        Field("Id", required=True),
        Field("Setting", required=True),
        Field("MasterLabel"),
        Field("ResourceGroupKey"),
        Field("CurrentAmountAllowed", "double", required=True),
        Field("AmountUsed", "double", costs="amounts used"),
        Field("UsageDate", "datetime", costs="when the amounts were taken"),
        Field("StartDate", "date"),
        Field("EndDate", "date", costs="when entitlements end"),
        Field("Frequency"),
    ),
    permission=VIEW_SETUP,
    costs="usage-based entitlements",
    unlocks="licenses of layer usage",
    group="licenses",
)

ORGANIZATION = SalesforceObject(
    "Organization",
    (
        Field("Id", required=True),
        Field("Name", required=True),
        Field("IsSandbox", "boolean", required=True),
        Field("OrganizationType"),
        Field("InstanceName"),
        Field("NamespacePrefix"),
        Field("TrialExpirationDate", "datetime"),
        Field("LanguageLocaleKey"),
        Field("TimeZoneSidKey"),
    ),
    permission="API Enabled",
    costs="which org this is",
    unlocks="everything",
    group="licenses",
    required=True,
    never_empty=True,
)


def _metric(name: str, *own: Field, costs: str, unlocks: str) -> SalesforceObject:
    fields = (
        Field("Id", required=True),
        Field("MetricsDate", "date", required=True),
        *own,
        Field("AssignedUserCount", "int", required=True),
        Field("ActiveUserCount", "int", costs="users active within thirty days, as Salesforce counts them"),
        _STAMP,
    )
    return SalesforceObject(
        name,
        fields,
        permission=_EDITION,
        costs=costs,
        unlocks=unlocks,
        group="licenses",
        newest_by="MetricsDate",
    )


ACTIVE_PROFILE_METRIC = _metric(
    "ActiveProfileMetric",
    Field("UserLicenseId", required=True),
    Field("ProfileId"),
    costs="control totals of users per profile",
    unlocks="evidence for the cause not_visible",
)
ACTIVE_PERM_SET_LICENSE_METRIC = _metric(
    "ActivePermSetLicenseMetric",
    Field("PermissionSetLicenseId", required=True),
    Field("DeveloperName"),
    Field("MasterLabel"),
    Field("TotalLicenses", "int"),
    costs="control totals of permission set licenses",
    unlocks="evidence for the cause not_visible",
)
ACTIVE_FEATURE_LICENSE_METRIC = _metric(
    "ActiveFeatureLicenseMetric",
    Field("FeatureType", required=True),
    Field("TotalLicenseCount", "int", costs="how many feature licenses there are"),
    costs="totals of feature licenses",
    unlocks="total_count and used_count of layer feature",
)

OBJECTS: tuple[SalesforceObject, ...] = (
    USER,
    PROFILE,
    USER_ROLE,
    USER_LOGIN,
    USER_LICENSE,
    PERMISSION_SET_LICENSE,
    PERMISSION_SET_LICENSE_ASSIGN,
    PACKAGE_LICENSE,
    USER_PACKAGE_LICENSE,
    TENANT_USAGE_ENTITLEMENT,
    ORGANIZATION,
    ACTIVE_PROFILE_METRIC,
    ACTIVE_PERM_SET_LICENSE_METRIC,
    ACTIVE_FEATURE_LICENSE_METRIC,
)
"""Everything that is extracted every day."""

LOGIN_HISTORY = SalesforceObject(
    "LoginHistory",
    (
        Field("Id", required=True),
        Field("UserId", required=True, personal="pseudonym"),
        Field("LoginTime", "datetime", required=True, personal="activity"),
        Field("Status", required=True, personal="activity"),
    ),
    permission="Monitor Login History",
    costs="last logins as of past days: their activity bands are null",
    unlocks="activity_band and last_login_at of reconstructed snapshots",
    group="history",
    large=True,
    since="LoginTime",
)

SETUP_AUDIT_TRAIL = SalesforceObject(
    "SetupAuditTrail",
    (
        Field("Id", required=True),
        Field("Action", required=True),
        Field("Section"),
        Field("Display", required=True, personal="identity"),
        Field("CreatedDate", "datetime", required=True),
        Field("CreatedById", personal="pseudonym"),
        Field("DelegateUser", personal="identity"),
    ),
    permission=VIEW_SETUP,
    costs="changes of users in the past",
    unlocks="reconstructed snapshots of past days",
    group="history",
)

HISTORY_OBJECTS: tuple[SalesforceObject, ...] = (LOGIN_HISTORY, SETUP_AUDIT_TRAIL)
"""What Salesforce itself remembers of the past; extracted only where a past day is to be reconstructed."""


def object_named(name: str) -> SalesforceObject:
    """The declared object of that name. Raises KeyError when there is none."""
    for candidate in (*OBJECTS, *HISTORY_OBJECTS):
        if candidate.name == name:
            return candidate
    raise KeyError(f"no object called {name} is extracted")
