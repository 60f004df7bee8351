-- Athena. Written by `license-ledger statements --dialect athena`.
-- Makes the tables with types and comments. Run once, and again after an upgrade: what is there is not
-- changed.
-- How it was tested: every statement is parsed by sqlglot as SQL of Athena. It was not run on Athena, for
-- want of one: try it in a schema of its own first, and report what differs.

CREATE EXTERNAL TABLE IF NOT EXISTS users (
    user_id STRING COMMENT 'Salesforce id (18 characters) of the user. Source: User.Id.',
    username STRING COMMENT 'Login name, unique across Salesforce. Source: User.Username.',
    email STRING COMMENT 'E-mail address as Salesforce holds it. Source: User.Email.',
    email_domain STRING COMMENT 'Domain of the normalized e-mail address; null when there is no usable address. Source: rule: User.Email.',
    `name` STRING COMMENT 'Full name. Source: User.Name.',
    company_name STRING COMMENT 'Company name as typed on the user; not the filter. Source: User.CompanyName.',
    department STRING COMMENT 'Department. Source: User.Department.',
    division STRING COMMENT 'Division. Source: User.Division.',
    `title` STRING COMMENT 'Job title. Source: User.Title.',
    country STRING COMMENT 'Country of the user\'s address. Source: User.Country.',
    employee_number STRING COMMENT 'Employee number. Source: User.EmployeeNumber.',
    federation_id STRING COMMENT 'Identifier at the identity provider. Source: User.FederationIdentifier.',
    user_type STRING COMMENT 'Salesforce\'s own kind of user, as sent. Source: User.UserType.',
    account_class STRING COMMENT 'What kind of account this is. One of: employee, contractor, external, integration, system, guest, unknown. Source: rule: User.UserType, Profile, license key, e-mail domain.',
    scope_reason STRING COMMENT 'Why the user is in scope. One of: everyone, domain, subdomain, legal_entity. Source: rule: company filter.',
    is_active BOOLEAN COMMENT 'Whether the user can log in at all. Source: User.IsActive.',
    is_frozen BOOLEAN COMMENT 'Whether login is blocked for now; a frozen user keeps every seat. Null when UserLogin is not visible. Source: UserLogin.IsFrozen.',
    profile_id STRING COMMENT 'Profile of the user. Source: User.ProfileId.',
    profile_name STRING COMMENT 'Name of the profile. Source: Profile.Name.',
    role_name STRING COMMENT 'Name of the role. Source: UserRole.Name.',
    license_id STRING COMMENT 'User license of the profile. Source: Profile.UserLicenseId.',
    license_key STRING COMMENT 'Key of the user license. Source: UserLicense.LicenseDefinitionKey.',
    license_name STRING COMMENT 'Name of the user license. Source: UserLicense.MasterLabel.',
    last_login_at TIMESTAMP COMMENT 'Last login, interactive or by API. Null: never, or not shown. Source: User.LastLoginDate.',
    activity_band STRING COMMENT 'Days since the last login at capture, in bands; `not_monitored` when the org does not show logins. Null in a reconstructed snapshot when the last login before that day is not remembered. Unit: days. One of: 0-30, 31-60, 61-90, 91-180, 181+, never, not_monitored. Source: User.LastLoginDate, LoginHistory.LoginTime.',
    created_at TIMESTAMP COMMENT 'When the user was created. Source: User.CreatedDate.',
    last_modified_at TIMESTAMP COMMENT 'When the user was last changed. Source: User.LastModifiedDate.',
    `certainty` STRING COMMENT 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.'
)
COMMENT 'One row is an in-scope user, per org and day. Key: org_id, snapshot_date, user_id.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/users/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/users/org_id=${org_id}/snapshot_date=${snapshot_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS licenses (
    license_layer STRING COMMENT 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.',
    license_id STRING COMMENT 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.',
    license_key STRING COMMENT 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.',
    license_name STRING COMMENT 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.',
    `status` STRING COMMENT 'Salesforce\'s status of the license, as sent. Source: UserLicense.Status, PermissionSetLicense.Status, PackageLicense.Status.',
    is_unlimited BOOLEAN COMMENT 'Whether the number of seats is unlimited (-1 in Salesforce). Source: PackageLicense.AllowedLicenses.',
    total_count BIGINT COMMENT 'Seats bought, org-wide. Null when unlimited or not told. Source: UserLicense.TotalLicenses, PermissionSetLicense.TotalLicenses, PackageLicense.AllowedLicenses, ActiveFeatureLicenseMetric.TotalLicenseCount, TenantUsageEntitlement.CurrentAmountAllowed.',
    used_count BIGINT COMMENT 'Seats used by Salesforce\'s own counter, org-wide; for usage the amount. Null when not told. Source: UserLicense.UsedLicenses, PermissionSetLicense.UsedLicenses, PackageLicense.UsedLicenses, ActiveFeatureLicenseMetric.AssignedUserCount, TenantUsageEntitlement.AmountUsed.',
    available_count BIGINT COMMENT 'total_count - used_count; negative when over-allocated, null when either is null. Source: rule.',
    used_as_of TIMESTAMP COMMENT 'When Salesforce\'s counter was taken; in large orgs up to a day before the snapshot. Source: UserLicense.UsedLicensesLastUpdated, ActiveFeatureLicenseMetric.MetricsDate, TenantUsageEntitlement.UsageDate, else the time of the query.',
    expires_on DATE COMMENT 'Last day of the license, where Salesforce tells one. Source: PermissionSetLicense.ExpirationDate, PackageLicense.ExpirationDate, TenantUsageEntitlement.EndDate.',
    count_basis STRING COMMENT 'Which holders the counter counts, measured in this snapshot: equal to the active holders, to all assignees, to both, to neither; `not_counted` when there is no counter or it counts things. One of: active_only, all_assignees, both, neither, not_counted. Source: rule: used_count against the holders that were read.',
    active_holder_count BIGINT COMMENT 'Active users who were seen to hold a seat. Source: rule.',
    all_holder_count BIGINT COMMENT 'Users, active or not, who were seen to hold a seat. Source: rule.',
    in_scope_count BIGINT COMMENT 'Seats in scope: cause `in_scope` of the mismatch bridge. Source: rule.',
    `certainty` STRING COMMENT 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.'
)
COMMENT 'One row is a license, per org and day. Key: org_id, snapshot_date, license_layer, license_id.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/licenses/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/licenses/org_id=${org_id}/snapshot_date=${snapshot_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS seats (
    user_id STRING COMMENT 'Salesforce id (18 characters) of the user. Source: User.Id.',
    license_layer STRING COMMENT 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.',
    license_id STRING COMMENT 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.',
    license_key STRING COMMENT 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.',
    license_name STRING COMMENT 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.',
    assigned_at TIMESTAMP COMMENT 'When the seat was assigned, where Salesforce tells it. Null for user and feature licenses. Source: PermissionSetLicenseAssign.CreatedDate, UserPackageLicense.CreatedDate.',
    is_active BOOLEAN COMMENT 'Whether the user can log in at all. Source: User.IsActive.',
    is_frozen BOOLEAN COMMENT 'Whether login is blocked for now; a frozen user keeps every seat. Null when UserLogin is not visible. Source: UserLogin.IsFrozen.',
    activity_band STRING COMMENT 'Days since the last login at capture, in bands; `not_monitored` when the org does not show logins. Null in a reconstructed snapshot when the last login before that day is not remembered. Unit: days. One of: 0-30, 31-60, 61-90, 91-180, 181+, never, not_monitored. Source: User.LastLoginDate, LoginHistory.LoginTime.',
    account_class STRING COMMENT 'What kind of account this is. One of: employee, contractor, external, integration, system, guest, unknown. Source: rule: User.UserType, Profile, license key, e-mail domain.',
    `cause` STRING COMMENT 'Where the mismatch bridge books this seat. One of: in_scope, counter_timing, not_visible, deactivated_holder, system_user, external_user, service_account, no_email, unusable_email, other_company, third_party_domain, public_mailbox, unexplained. Source: rule.',
    `certainty` STRING COMMENT 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.'
)
COMMENT 'One row is an in-scope user holding a license, per org and day. Key: org_id, snapshot_date, user_id, license_layer, license_id.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/seats/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/seats/org_id=${org_id}/snapshot_date=${snapshot_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS mismatches (
    license_layer STRING COMMENT 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.',
    license_id STRING COMMENT 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.',
    license_key STRING COMMENT 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.',
    license_name STRING COMMENT 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.',
    `cause` STRING COMMENT 'Why these seats count or do not count. One of: in_scope, counter_timing, not_visible, deactivated_holder, system_user, external_user, service_account, no_email, unusable_email, other_company, third_party_domain, public_mailbox, unexplained. Source: rule.',
    seat_count BIGINT COMMENT 'Signed number of seats; over all causes of a license they add up to its used_count. Source: rule.',
    detail STRING COMMENT 'The evidence in words, without personal data. Source: rule.',
    `certainty` STRING COMMENT 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.'
)
COMMENT 'One row is a license and a cause, per org and day. Key: org_id, snapshot_date, license_layer, license_id, cause.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/mismatches/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/mismatches/org_id=${org_id}/snapshot_date=${snapshot_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS control_totals (
    license_layer STRING COMMENT 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.',
    license_id STRING COMMENT 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.',
    license_key STRING COMMENT 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.',
    metrics_on DATE COMMENT 'Day that Salesforce\'s metric is of. The first snapshot of an org has every day that Salesforce remembers, later ones repeat the last weeks. Source: ActiveProfileMetric.MetricsDate, ActivePermSetLicenseMetric.MetricsDate, ActiveFeatureLicenseMetric.MetricsDate.',
    assigned_count BIGINT COMMENT 'Users whom Salesforce counted as holders on that day, org-wide; of a user license over all its profiles. Source: ActiveProfileMetric.AssignedUserCount, ActivePermSetLicenseMetric.AssignedUserCount, ActiveFeatureLicenseMetric.AssignedUserCount.',
    active_count BIGINT COMMENT 'Of them, users who logged in within the thirty days before. Source: ActiveProfileMetric.ActiveUserCount, ActivePermSetLicenseMetric.ActiveUserCount, ActiveFeatureLicenseMetric.ActiveUserCount.',
    total_count BIGINT COMMENT 'Seats bought on that day. Null for user licenses, and when unlimited or not told. Source: ActivePermSetLicenseMetric.TotalLicenses, ActiveFeatureLicenseMetric.TotalLicenseCount.'
)
COMMENT 'One row is a license and a day that Salesforce\'s own metrics counted, per org and day. Key: org_id, snapshot_date, license_layer, license_id, metrics_on.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/control_totals/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/control_totals/org_id=${org_id}/snapshot_date=${snapshot_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS snapshots (
    snapshot_id STRING COMMENT 'Identifies this writing of the day; changes with each re-run. Source: rule.',
    provenance STRING COMMENT 'Where the snapshot comes from. One of: observed, replayed, reconstructed. Source: rule.',
    captured_at TIMESTAMP COMMENT 'The moment the snapshot shows: when the extract began; midnight UTC of a reconstructed day. Source: rule.',
    org_name STRING COMMENT 'Name of the org. Source: Organization.Name.',
    is_sandbox BOOLEAN COMMENT 'Whether the org is a sandbox. Source: Organization.IsSandbox.',
    company_names ARRAY<STRING> COMMENT 'The company filter that was applied. Source: setting company_names.',
    scope_hash STRING COMMENT 'Fingerprint of everything that decides scope: filter, legal entities, policies. Source: rule.',
    api_version STRING COMMENT 'Salesforce API version used. Source: setting, lowered to what the org offers.',
    `rows` STRING COMMENT 'Rows per published table, as JSON. Source: rule.',
    capabilities STRING COMMENT 'What was not visible, what that costs and what would unlock it, as JSON. Source: describe.',
    out_of_scope STRING COMMENT 'Users left out, counted per scope reason, as JSON. Source: rule.',
    api_calls BIGINT COMMENT 'API calls spent on this snapshot. Source: rule.',
    unexplained_count BIGINT COMMENT 'Sum of |unexplained| over all licenses. Source: rule.',
    ledger_version STRING COMMENT 'Version of this software. Source: rule.',
    schema_version STRING COMMENT 'Version of the staging contract. Source: rule.',
    built_at TIMESTAMP COMMENT 'When the tables were made: for a replay later than capture. Source: rule.',
    derived_from STRING COMMENT 'The landing that the tables were made of, as JSON: `snapshot_date` and `run`. Source: rule.',
    `settings` STRING COMMENT 'The settings that decided scope and seats besides the company filter, as JSON. Source: settings.',
    is_partial BOOLEAN COMMENT 'Whether an object that lists people or holders could not be read: nobody leaves by such a snapshot. Source: describe.',
    `certainty` STRING COMMENT 'Rows per table and certainty, and the audit entries that could not be told apart, as JSON; null unless reconstructed. Source: rule.',
    privacy_mode STRING COMMENT 'Whether people are in it by name, as pseudonyms, or not at all. Null, in older ones: by name. One of: named, pseudonymous, aggregate. Source: setting privacy_mode.',
    manifest STRING COMMENT 'Files of the snapshot with rows and SHA-256, as JSON. Source: rule.'
)
COMMENT 'One row is a snapshot, per org and day. Key: org_id, snapshot_date.'
PARTITIONED BY (org_id STRING, snapshot_date DATE)
STORED AS PARQUET
LOCATION '{{ params.staging }}/snapshots/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.org_id.type' = 'injected',
    'projection.snapshot_date.type' = 'date',
    'projection.snapshot_date.format' = 'yyyy-MM-dd',
    'projection.snapshot_date.range' = '{{ params.first_day }},NOW',
    'storage.location.template' = '{{ params.staging }}/snapshots/org_id=${org_id}/snapshot_date=${snapshot_date}'
);
