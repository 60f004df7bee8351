"""
Every published table, declared once. May import pyarrow and nothing of the package.

From these declarations come the Arrow schema that is the gate of staging, the warehouse's DDL and comments,
``docs/tables.md``, the fields asked of Salesforce, the console's masking and the erase command. The partition
columns ``org_id`` and ``snapshot_date`` are carried by the Hive path and therefore not inside the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

SCHEMA_VERSION = "1.0"
"""Version of the staging contract: major.minor; within a major version only compatible changes."""

Personal = Literal["none", "pseudonym", "identity", "attribute", "activity"]
"""
How a column relates to a person. ``pseudonym``: names a row without saying who it is; ``identity``: says who
it is; ``attribute``: describes the person's position; ``activity``: says what the person did.
"""

LAYERS = ("user", "permission_set", "package", "feature", "usage")
CAUSES = (
    "in_scope",
    "counter_timing",
    "not_visible",
    "deactivated_holder",
    "system_user",
    "external_user",
    "service_account",
    "no_email",
    "unusable_email",
    "other_company",
    "third_party_domain",
    "public_mailbox",
    "unexplained",
)
SCOPE_REASONS = (
    "everyone",
    "domain",
    "subdomain",
    "legal_entity",
    "system_user",
    "external_user",
    "service_account",
    "no_email",
    "unusable_email",
    "other_company",
    "third_party_domain",
    "public_mailbox",
)
IN_SCOPE_REASONS = SCOPE_REASONS[:4]
ACCOUNT_CLASSES = ("employee", "contractor", "external", "integration", "system", "guest", "unknown")
ACTIVITY_BANDS = ("0-30", "31-60", "61-90", "91-180", "181+", "never", "not_monitored")
COUNT_BASES = ("active_only", "all_assignees", "both", "neither", "not_counted")
PROVENANCES = ("observed", "replayed", "reconstructed")
PRIVACY_MODES = ("named", "pseudonymous", "aggregate")
CERTAINTIES = ("sure", "likely", "unsure")
"""How far a row can be relied on, best first. Everything observed is sure."""

TIMESTAMP = pa.timestamp("us", tz="UTC")
PARTITION_COLUMNS = ("org_id", "snapshot_date")


@dataclass(frozen=True)
class Column:
    """
    One published column.

    Attributes:
        name: snake_case, unique in its table; the same name means the same thing in every table.
        type: the Arrow type; timestamps are UTC microseconds.
        description: one sentence for the warehouse comment and the data dictionary.
        source: where the value comes from, as ``Object.Field``, or the rule that makes it.
        nullable: whether "not known" or "does not apply" can occur.
        personal: how the column relates to a person.
        unit: unit of a number, when it is not a plain count.
        values: the closed vocabulary, when there is one.
    """

    name: str
    type: pa.DataType
    description: str
    source: str
    nullable: bool = True
    personal: Personal = "none"
    unit: str | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """
    One published table.

    Attributes:
        name: the directory below the staging root and the table's name in every warehouse.
        grain: what one row is.
        key: the columns that make a row unique within an org and a day.
        columns: in published order; keys first.
        is_optional: whether a snapshot may lack the table; it then reads as empty.
        is_daily: whether rows belong to an org and a day, which are then their partition.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    is_optional: bool = False
    is_daily: bool = True

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema every file of this table has, without the partition columns."""
        return pa.schema(
            [
                pa.field(c.name, c.type, c.nullable, {"description": c.description, "source": c.source})
                for c in self.columns
            ]
        )

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")


_TEXT, _COUNT, _FLAG, _DAY = pa.string(), pa.int64(), pa.bool_(), pa.date32()

_LAYER = Column(
    "license_layer",
    _TEXT,
    "Kind of license.",
    "rule: layer of the object it comes from",
    False,
    values=LAYERS,
)
_LICENSE_ID = Column(
    "license_id",
    _TEXT,
    "Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type.",
    "UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, "
    "ActiveFeatureLicenseMetric.FeatureType",
    False,
)
_LICENSE_KEY = Column(
    "license_key",
    _TEXT,
    "Stable business key of the license; keys and names repeat, the id does not.",
    "UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, "
    "PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type",
)
_LICENSE_NAME = Column(
    "license_name",
    _TEXT,
    "Display name of the license.",
    "UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, "
    "TenantUsageEntitlement.MasterLabel, feature label",
)
_USER_ID = Column(
    "user_id", _TEXT, "Salesforce id (18 characters) of the user.", "User.Id", False, "pseudonym"
)
_IS_ACTIVE = Column(
    "is_active", _FLAG, "Whether the user can log in at all.", "User.IsActive", False, "attribute"
)
_IS_FROZEN = Column(
    "is_frozen",
    _FLAG,
    "Whether login is blocked for now; a frozen user keeps every seat. Null when UserLogin is not visible.",
    "UserLogin.IsFrozen",
    personal="attribute",
)
_BAND = Column(
    "activity_band",
    _TEXT,
    "Days since the last login at capture, in bands; `not_monitored` when the org does not show logins. "
    "Null in a reconstructed snapshot when the last login before that day is not remembered.",
    "User.LastLoginDate, LoginHistory.LoginTime",
    personal="activity",
    unit="days",
    values=ACTIVITY_BANDS,
)
_CLASS = Column(
    "account_class",
    _TEXT,
    "What kind of account this is.",
    "rule: User.UserType, Profile, license key, e-mail domain",
    False,
    "attribute",
    values=ACCOUNT_CLASSES,
)
_CERTAINTY = Column(
    "certainty",
    _TEXT,
    "How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also "
    "`likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain.",
    "rule",
    values=CERTAINTIES,
)


def _person(name: str, description: str, field: str, personal: Personal = "attribute") -> Column:
    return Column(name, _TEXT, description, f"User.{field}", personal=personal)


USERS = Table(
    "users",
    "an in-scope user",
    ("user_id",),
    (
        _USER_ID,
        Column(
            "username", _TEXT, "Login name, unique across Salesforce.", "User.Username", personal="identity"
        ),
        Column("email", _TEXT, "E-mail address as Salesforce holds it.", "User.Email", personal="identity"),
        Column(
            "email_domain",
            _TEXT,
            "Domain of the normalized e-mail address; null when there is no usable address.",
            "rule: User.Email",
            personal="attribute",
        ),
        _person("name", "Full name.", "Name", "identity"),
        _person("company_name", "Company name as typed on the user; not the filter.", "CompanyName"),
        _person("department", "Department.", "Department"),
        _person("division", "Division.", "Division"),
        _person("title", "Job title.", "Title"),
        _person("country", "Country of the user's address.", "Country"),
        _person("employee_number", "Employee number.", "EmployeeNumber", "identity"),
        _person("federation_id", "Identifier at the identity provider.", "FederationIdentifier", "identity"),
        Column(
            "user_type",
            _TEXT,
            "Salesforce's own kind of user, as sent.",
            "User.UserType",
            personal="attribute",
        ),
        _CLASS,
        Column(
            "scope_reason",
            _TEXT,
            "Why the user is in scope.",
            "rule: company filter",
            False,
            "attribute",
            values=IN_SCOPE_REASONS,
        ),
        _IS_ACTIVE,
        _IS_FROZEN,
        Column("profile_id", _TEXT, "Profile of the user.", "User.ProfileId", personal="attribute"),
        Column("profile_name", _TEXT, "Name of the profile.", "Profile.Name", personal="attribute"),
        Column("role_name", _TEXT, "Name of the role.", "UserRole.Name", personal="attribute"),
        Column(
            "license_id", _TEXT, "User license of the profile.", "Profile.UserLicenseId", personal="attribute"
        ),
        Column(
            "license_key",
            _TEXT,
            "Key of the user license.",
            "UserLicense.LicenseDefinitionKey",
            personal="attribute",
        ),
        Column(
            "license_name",
            _TEXT,
            "Name of the user license.",
            "UserLicense.MasterLabel",
            personal="attribute",
        ),
        Column(
            "last_login_at",
            TIMESTAMP,
            "Last login, interactive or by API. Null: never, or not shown.",
            "User.LastLoginDate",
            personal="activity",
        ),
        _BAND,
        Column(
            "created_at", TIMESTAMP, "When the user was created.", "User.CreatedDate", personal="attribute"
        ),
        Column(
            "last_modified_at",
            TIMESTAMP,
            "When the user was last changed.",
            "User.LastModifiedDate",
            personal="attribute",
        ),
        _CERTAINTY,
    ),
)

LICENSES = Table(
    "licenses",
    "a license",
    ("license_layer", "license_id"),
    (
        _LAYER,
        _LICENSE_ID,
        _LICENSE_KEY,
        _LICENSE_NAME,
        Column(
            "status",
            _TEXT,
            "Salesforce's status of the license, as sent.",
            "UserLicense.Status, PermissionSetLicense.Status, PackageLicense.Status",
        ),
        Column(
            "is_unlimited",
            _FLAG,
            "Whether the number of seats is unlimited (-1 in Salesforce).",
            "PackageLicense.AllowedLicenses",
            False,
        ),
        Column(
            "total_count",
            _COUNT,
            "Seats bought, org-wide. Null when unlimited or not told.",
            "UserLicense.TotalLicenses, PermissionSetLicense.TotalLicenses, PackageLicense.AllowedLicenses, "
            "ActiveFeatureLicenseMetric.TotalLicenseCount, TenantUsageEntitlement.CurrentAmountAllowed",
        ),
        Column(
            "used_count",
            _COUNT,
            "Seats used by Salesforce's own counter, org-wide; for usage the amount. Null when not told.",
            "UserLicense.UsedLicenses, PermissionSetLicense.UsedLicenses, PackageLicense.UsedLicenses, "
            "ActiveFeatureLicenseMetric.AssignedUserCount, TenantUsageEntitlement.AmountUsed",
        ),
        Column(
            "available_count",
            _COUNT,
            "total_count - used_count; negative when over-allocated, null when either is null.",
            "rule",
        ),
        Column(
            "used_as_of",
            TIMESTAMP,
            "When Salesforce's counter was taken; in large orgs up to a day before the snapshot.",
            "UserLicense.UsedLicensesLastUpdated, ActiveFeatureLicenseMetric.MetricsDate, "
            "TenantUsageEntitlement.UsageDate, else the time of the query",
        ),
        Column(
            "expires_on",
            _DAY,
            "Last day of the license, where Salesforce tells one.",
            "PermissionSetLicense.ExpirationDate, PackageLicense.ExpirationDate, "
            "TenantUsageEntitlement.EndDate",
        ),
        Column(
            "count_basis",
            _TEXT,
            "Which holders the counter counts, measured in this snapshot: equal to the active holders, to "
            "all assignees, to both, to neither; `not_counted` when there is no counter or it counts things.",
            "rule: used_count against the holders that were read",
            False,
            values=COUNT_BASES,
        ),
        Column("active_holder_count", _COUNT, "Active users who were seen to hold a seat.", "rule"),
        Column("all_holder_count", _COUNT, "Users, active or not, who were seen to hold a seat.", "rule"),
        Column("in_scope_count", _COUNT, "Seats in scope: cause `in_scope` of the mismatch bridge.", "rule"),
        _CERTAINTY,
    ),
)

SEATS = Table(
    "seats",
    "an in-scope user holding a license",
    ("user_id", "license_layer", "license_id"),
    (
        _USER_ID,
        _LAYER,
        _LICENSE_ID,
        _LICENSE_KEY,
        _LICENSE_NAME,
        Column(
            "assigned_at",
            TIMESTAMP,
            "When the seat was assigned, where Salesforce tells it. Null for user and feature licenses.",
            "PermissionSetLicenseAssign.CreatedDate, UserPackageLicense.CreatedDate",
            personal="attribute",
        ),
        _IS_ACTIVE,
        _IS_FROZEN,
        _BAND,
        _CLASS,
        Column(
            "cause",
            _TEXT,
            "Where the mismatch bridge books this seat.",
            "rule",
            False,
            values=CAUSES,
        ),
        _CERTAINTY,
    ),
)

MISMATCHES = Table(
    "mismatches",
    "a license and a cause",
    ("license_layer", "license_id", "cause"),
    (
        _LAYER,
        _LICENSE_ID,
        _LICENSE_KEY,
        _LICENSE_NAME,
        Column("cause", _TEXT, "Why these seats count or do not count.", "rule", False, values=CAUSES),
        Column(
            "seat_count",
            _COUNT,
            "Signed number of seats; over all causes of a license they add up to its used_count.",
            "rule",
            False,
        ),
        Column("detail", _TEXT, "The evidence in words, without personal data.", "rule"),
        _CERTAINTY,
    ),
)

CONTROL_TOTALS = Table(
    "control_totals",
    "a license and a day that Salesforce's own metrics counted",
    ("license_layer", "license_id", "metrics_on"),
    (
        _LAYER,
        _LICENSE_ID,
        _LICENSE_KEY,
        Column(
            "metrics_on",
            _DAY,
            "Day that Salesforce's metric is of. The first snapshot of an org has every day that Salesforce "
            "remembers, later ones repeat the last weeks.",
            "ActiveProfileMetric.MetricsDate, ActivePermSetLicenseMetric.MetricsDate, "
            "ActiveFeatureLicenseMetric.MetricsDate",
            False,
        ),
        Column(
            "assigned_count",
            _COUNT,
            "Users whom Salesforce counted as holders on that day, org-wide; of a user license over all its "
            "profiles.",
            "ActiveProfileMetric.AssignedUserCount, ActivePermSetLicenseMetric.AssignedUserCount, "
            "ActiveFeatureLicenseMetric.AssignedUserCount",
        ),
        Column(
            "active_count",
            _COUNT,
            "Of them, users who logged in within the thirty days before.",
            "ActiveProfileMetric.ActiveUserCount, ActivePermSetLicenseMetric.ActiveUserCount, "
            "ActiveFeatureLicenseMetric.ActiveUserCount",
        ),
        Column(
            "total_count",
            _COUNT,
            "Seats bought on that day. Null for user licenses, and when unlimited or not told.",
            "ActivePermSetLicenseMetric.TotalLicenses, ActiveFeatureLicenseMetric.TotalLicenseCount",
        ),
    ),
    is_optional=True,
)

SNAPSHOTS = Table(
    "snapshots",
    "a snapshot",
    (),
    (
        Column(
            "snapshot_id",
            _TEXT,
            "Identifies this writing of the day; changes with each re-run.",
            "rule",
            False,
        ),
        Column("provenance", _TEXT, "Where the snapshot comes from.", "rule", False, values=PROVENANCES),
        Column(
            "captured_at",
            TIMESTAMP,
            "The moment the snapshot shows: when the extract began; midnight UTC of a reconstructed day.",
            "rule",
            False,
        ),
        Column("org_name", _TEXT, "Name of the org.", "Organization.Name"),
        Column("is_sandbox", _FLAG, "Whether the org is a sandbox.", "Organization.IsSandbox"),
        Column(
            "company_names",
            pa.list_(_TEXT),
            "The company filter that was applied.",
            "setting company_names",
            False,
        ),
        Column(
            "scope_hash",
            _TEXT,
            "Fingerprint of everything that decides scope: filter, legal entities, policies.",
            "rule",
            False,
        ),
        Column(
            "api_version", _TEXT, "Salesforce API version used.", "setting, lowered to what the org offers"
        ),
        Column("rows", _TEXT, "Rows per published table, as JSON.", "rule", False),
        Column(
            "capabilities",
            _TEXT,
            "What was not visible, what that costs and what would unlock it, as JSON.",
            "describe",
            False,
        ),
        Column(
            "out_of_scope",
            _TEXT,
            "Users left out, counted per scope reason, as JSON.",
            "rule",
            False,
        ),
        Column("api_calls", _COUNT, "API calls spent on this snapshot.", "rule"),
        Column("unexplained_count", _COUNT, "Sum of |unexplained| over all licenses.", "rule", False),
        Column("ledger_version", _TEXT, "Version of this software.", "rule", False),
        Column("schema_version", _TEXT, "Version of the staging contract.", "rule", False),
        Column("built_at", TIMESTAMP, "When the tables were made: for a replay later than capture.", "rule"),
        Column(
            "derived_from",
            _TEXT,
            "The landing that the tables were made of, as JSON: `snapshot_date` and `run`.",
            "rule",
        ),
        Column(
            "settings",
            _TEXT,
            "The settings that decided scope and seats besides the company filter, as JSON.",
            "settings",
        ),
        Column(
            "is_partial",
            _FLAG,
            "Whether an object that lists people or holders could not be read: nobody leaves by such a "
            "snapshot.",
            "describe",
        ),
        Column(
            "certainty",
            _TEXT,
            "Rows per table and certainty, and the audit entries that could not be told apart, as JSON; null "
            "unless reconstructed.",
            "rule",
        ),
        Column(
            "privacy_mode",
            _TEXT,
            "Whether people are in it by name, as pseudonyms, or not at all. Null, in older ones: by name.",
            "setting privacy_mode",
            values=PRIVACY_MODES,
        ),
        Column(
            "manifest",
            _TEXT,
            "Files of the snapshot with rows and SHA-256, as JSON.",
            "rule",
            False,
        ),
    ),
)

TABLES: tuple[Table, ...] = (USERS, LICENSES, SEATS, MISMATCHES, CONTROL_TOTALS, SNAPSHOTS)


def table(name: str) -> Table:
    """The published table of that name. Raises KeyError when there is none."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no published table is called {name}")
