-- Redshift. Written by `license-ledger statements --dialect redshift`.
-- Makes the tables with types and comments. Run once, and again after an upgrade: what is there is not
-- changed.
-- How it was tested: every statement is parsed by sqlglot as SQL of Redshift. It was not run on Redshift,
-- for want of one: try it in a schema of its own first, and report what differs.

CREATE TABLE IF NOT EXISTS users (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    user_id VARCHAR(65535) NOT NULL,
    username VARCHAR(65535),
    email VARCHAR(65535),
    email_domain VARCHAR(65535),
    "name" VARCHAR(65535),
    company_name VARCHAR(65535),
    department VARCHAR(65535),
    division VARCHAR(65535),
    "title" VARCHAR(65535),
    country VARCHAR(65535),
    employee_number VARCHAR(65535),
    federation_id VARCHAR(65535),
    user_type VARCHAR(65535),
    account_class VARCHAR(65535) NOT NULL,
    scope_reason VARCHAR(65535) NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_frozen BOOLEAN,
    profile_id VARCHAR(65535),
    profile_name VARCHAR(65535),
    role_name VARCHAR(65535),
    license_id VARCHAR(65535),
    license_key VARCHAR(65535),
    license_name VARCHAR(65535),
    last_login_at TIMESTAMPTZ,
    activity_band VARCHAR(65535),
    created_at TIMESTAMPTZ,
    last_modified_at TIMESTAMPTZ,
    "certainty" VARCHAR(65535)
);

COMMENT ON TABLE users IS 'One row is an in-scope user, per org and day. Key: org_id, snapshot_date, user_id.';

COMMENT ON COLUMN users.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN users.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN users.user_id IS 'Salesforce id (18 characters) of the user. Source: User.Id.';

COMMENT ON COLUMN users.username IS 'Login name, unique across Salesforce. Source: User.Username.';

COMMENT ON COLUMN users.email IS 'E-mail address as Salesforce holds it. Source: User.Email.';

COMMENT ON COLUMN users.email_domain IS 'Domain of the normalized e-mail address; null when there is no usable address. Source: rule: User.Email.';

COMMENT ON COLUMN users."name" IS 'Full name. Source: User.Name.';

COMMENT ON COLUMN users.company_name IS 'Company name as typed on the user; not the filter. Source: User.CompanyName.';

COMMENT ON COLUMN users.department IS 'Department. Source: User.Department.';

COMMENT ON COLUMN users.division IS 'Division. Source: User.Division.';

COMMENT ON COLUMN users."title" IS 'Job title. Source: User.Title.';

COMMENT ON COLUMN users.country IS 'Country of the user''s address. Source: User.Country.';

COMMENT ON COLUMN users.employee_number IS 'Employee number. Source: User.EmployeeNumber.';

COMMENT ON COLUMN users.federation_id IS 'Identifier at the identity provider. Source: User.FederationIdentifier.';

COMMENT ON COLUMN users.user_type IS 'Salesforce''s own kind of user, as sent. Source: User.UserType.';

COMMENT ON COLUMN users.account_class IS 'What kind of account this is. One of: employee, contractor, external, integration, system, guest, unknown. Source: rule: User.UserType, Profile, license key, e-mail domain.';

COMMENT ON COLUMN users.scope_reason IS 'Why the user is in scope. One of: everyone, domain, subdomain, legal_entity. Source: rule: company filter.';

COMMENT ON COLUMN users.is_active IS 'Whether the user can log in at all. Source: User.IsActive.';

COMMENT ON COLUMN users.is_frozen IS 'Whether login is blocked for now; a frozen user keeps every seat. Null when UserLogin is not visible. Source: UserLogin.IsFrozen.';

COMMENT ON COLUMN users.profile_id IS 'Profile of the user. Source: User.ProfileId.';

COMMENT ON COLUMN users.profile_name IS 'Name of the profile. Source: Profile.Name.';

COMMENT ON COLUMN users.role_name IS 'Name of the role. Source: UserRole.Name.';

COMMENT ON COLUMN users.license_id IS 'User license of the profile. Source: Profile.UserLicenseId.';

COMMENT ON COLUMN users.license_key IS 'Key of the user license. Source: UserLicense.LicenseDefinitionKey.';

COMMENT ON COLUMN users.license_name IS 'Name of the user license. Source: UserLicense.MasterLabel.';

COMMENT ON COLUMN users.last_login_at IS 'Last login, interactive or by API. Null: never, or not shown. Source: User.LastLoginDate.';

COMMENT ON COLUMN users.activity_band IS 'Days since the last login at capture, in bands; `not_monitored` when the org does not show logins. Null in a reconstructed snapshot when the last login before that day is not remembered. Unit: days. One of: 0-30, 31-60, 61-90, 91-180, 181+, never, not_monitored. Source: User.LastLoginDate, LoginHistory.LoginTime.';

COMMENT ON COLUMN users.created_at IS 'When the user was created. Source: User.CreatedDate.';

COMMENT ON COLUMN users.last_modified_at IS 'When the user was last changed. Source: User.LastModifiedDate.';

COMMENT ON COLUMN users."certainty" IS 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.';

CREATE TABLE IF NOT EXISTS licenses (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    license_layer VARCHAR(65535) NOT NULL,
    license_id VARCHAR(65535) NOT NULL,
    license_key VARCHAR(65535),
    license_name VARCHAR(65535),
    "status" VARCHAR(65535),
    is_unlimited BOOLEAN NOT NULL,
    total_count BIGINT,
    used_count BIGINT,
    available_count BIGINT,
    used_as_of TIMESTAMPTZ,
    expires_on DATE,
    count_basis VARCHAR(65535) NOT NULL,
    active_holder_count BIGINT,
    all_holder_count BIGINT,
    in_scope_count BIGINT,
    "certainty" VARCHAR(65535)
);

COMMENT ON TABLE licenses IS 'One row is a license, per org and day. Key: org_id, snapshot_date, license_layer, license_id.';

COMMENT ON COLUMN licenses.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN licenses.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN licenses.license_layer IS 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.';

COMMENT ON COLUMN licenses.license_id IS 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.';

COMMENT ON COLUMN licenses.license_key IS 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.';

COMMENT ON COLUMN licenses.license_name IS 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.';

COMMENT ON COLUMN licenses."status" IS 'Salesforce''s status of the license, as sent. Source: UserLicense.Status, PermissionSetLicense.Status, PackageLicense.Status.';

COMMENT ON COLUMN licenses.is_unlimited IS 'Whether the number of seats is unlimited (-1 in Salesforce). Source: PackageLicense.AllowedLicenses.';

COMMENT ON COLUMN licenses.total_count IS 'Seats bought, org-wide. Null when unlimited or not told. Source: UserLicense.TotalLicenses, PermissionSetLicense.TotalLicenses, PackageLicense.AllowedLicenses, ActiveFeatureLicenseMetric.TotalLicenseCount, TenantUsageEntitlement.CurrentAmountAllowed.';

COMMENT ON COLUMN licenses.used_count IS 'Seats used by Salesforce''s own counter, org-wide; for usage the amount. Null when not told. Source: UserLicense.UsedLicenses, PermissionSetLicense.UsedLicenses, PackageLicense.UsedLicenses, ActiveFeatureLicenseMetric.AssignedUserCount, TenantUsageEntitlement.AmountUsed.';

COMMENT ON COLUMN licenses.available_count IS 'total_count - used_count; negative when over-allocated, null when either is null. Source: rule.';

COMMENT ON COLUMN licenses.used_as_of IS 'When Salesforce''s counter was taken; in large orgs up to a day before the snapshot. Source: UserLicense.UsedLicensesLastUpdated, ActiveFeatureLicenseMetric.MetricsDate, TenantUsageEntitlement.UsageDate, else the time of the query.';

COMMENT ON COLUMN licenses.expires_on IS 'Last day of the license, where Salesforce tells one. Source: PermissionSetLicense.ExpirationDate, PackageLicense.ExpirationDate, TenantUsageEntitlement.EndDate.';

COMMENT ON COLUMN licenses.count_basis IS 'Which holders the counter counts, measured in this snapshot: equal to the active holders, to all assignees, to both, to neither; `not_counted` when there is no counter or it counts things. One of: active_only, all_assignees, both, neither, not_counted. Source: rule: used_count against the holders that were read.';

COMMENT ON COLUMN licenses.active_holder_count IS 'Active users who were seen to hold a seat. Source: rule.';

COMMENT ON COLUMN licenses.all_holder_count IS 'Users, active or not, who were seen to hold a seat. Source: rule.';

COMMENT ON COLUMN licenses.in_scope_count IS 'Seats in scope: cause `in_scope` of the mismatch bridge. Source: rule.';

COMMENT ON COLUMN licenses."certainty" IS 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.';

CREATE TABLE IF NOT EXISTS seats (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    user_id VARCHAR(65535) NOT NULL,
    license_layer VARCHAR(65535) NOT NULL,
    license_id VARCHAR(65535) NOT NULL,
    license_key VARCHAR(65535),
    license_name VARCHAR(65535),
    assigned_at TIMESTAMPTZ,
    is_active BOOLEAN NOT NULL,
    is_frozen BOOLEAN,
    activity_band VARCHAR(65535),
    account_class VARCHAR(65535) NOT NULL,
    "cause" VARCHAR(65535) NOT NULL,
    "certainty" VARCHAR(65535)
);

COMMENT ON TABLE seats IS 'One row is an in-scope user holding a license, per org and day. Key: org_id, snapshot_date, user_id, license_layer, license_id.';

COMMENT ON COLUMN seats.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN seats.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN seats.user_id IS 'Salesforce id (18 characters) of the user. Source: User.Id.';

COMMENT ON COLUMN seats.license_layer IS 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.';

COMMENT ON COLUMN seats.license_id IS 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.';

COMMENT ON COLUMN seats.license_key IS 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.';

COMMENT ON COLUMN seats.license_name IS 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.';

COMMENT ON COLUMN seats.assigned_at IS 'When the seat was assigned, where Salesforce tells it. Null for user and feature licenses. Source: PermissionSetLicenseAssign.CreatedDate, UserPackageLicense.CreatedDate.';

COMMENT ON COLUMN seats.is_active IS 'Whether the user can log in at all. Source: User.IsActive.';

COMMENT ON COLUMN seats.is_frozen IS 'Whether login is blocked for now; a frozen user keeps every seat. Null when UserLogin is not visible. Source: UserLogin.IsFrozen.';

COMMENT ON COLUMN seats.activity_band IS 'Days since the last login at capture, in bands; `not_monitored` when the org does not show logins. Null in a reconstructed snapshot when the last login before that day is not remembered. Unit: days. One of: 0-30, 31-60, 61-90, 91-180, 181+, never, not_monitored. Source: User.LastLoginDate, LoginHistory.LoginTime.';

COMMENT ON COLUMN seats.account_class IS 'What kind of account this is. One of: employee, contractor, external, integration, system, guest, unknown. Source: rule: User.UserType, Profile, license key, e-mail domain.';

COMMENT ON COLUMN seats."cause" IS 'Where the mismatch bridge books this seat. One of: in_scope, counter_timing, not_visible, deactivated_holder, system_user, external_user, service_account, no_email, unusable_email, other_company, third_party_domain, public_mailbox, unexplained. Source: rule.';

COMMENT ON COLUMN seats."certainty" IS 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.';

CREATE TABLE IF NOT EXISTS mismatches (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    license_layer VARCHAR(65535) NOT NULL,
    license_id VARCHAR(65535) NOT NULL,
    license_key VARCHAR(65535),
    license_name VARCHAR(65535),
    "cause" VARCHAR(65535) NOT NULL,
    seat_count BIGINT NOT NULL,
    detail VARCHAR(65535),
    "certainty" VARCHAR(65535)
);

COMMENT ON TABLE mismatches IS 'One row is a license and a cause, per org and day. Key: org_id, snapshot_date, license_layer, license_id, cause.';

COMMENT ON COLUMN mismatches.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN mismatches.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN mismatches.license_layer IS 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.';

COMMENT ON COLUMN mismatches.license_id IS 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.';

COMMENT ON COLUMN mismatches.license_key IS 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.';

COMMENT ON COLUMN mismatches.license_name IS 'Display name of the license. Source: UserLicense.MasterLabel or Name, PermissionSetLicense.MasterLabel, PackageLicense.NamespacePrefix, TenantUsageEntitlement.MasterLabel, feature label.';

COMMENT ON COLUMN mismatches."cause" IS 'Why these seats count or do not count. One of: in_scope, counter_timing, not_visible, deactivated_holder, system_user, external_user, service_account, no_email, unusable_email, other_company, third_party_domain, public_mailbox, unexplained. Source: rule.';

COMMENT ON COLUMN mismatches.seat_count IS 'Signed number of seats; over all causes of a license they add up to its used_count. Source: rule.';

COMMENT ON COLUMN mismatches.detail IS 'The evidence in words, without personal data. Source: rule.';

COMMENT ON COLUMN mismatches."certainty" IS 'How far the row can be relied on: `sure` in observed and replayed snapshots; in reconstructed ones also `likely`, deduced from evidence that leaves one explanation, and `unsure`, where others remain. One of: sure, likely, unsure. Source: rule.';

CREATE TABLE IF NOT EXISTS control_totals (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    license_layer VARCHAR(65535) NOT NULL,
    license_id VARCHAR(65535) NOT NULL,
    license_key VARCHAR(65535),
    metrics_on DATE NOT NULL,
    assigned_count BIGINT,
    active_count BIGINT,
    total_count BIGINT
);

COMMENT ON TABLE control_totals IS 'One row is a license and a day that Salesforce''s own metrics counted, per org and day. Key: org_id, snapshot_date, license_layer, license_id, metrics_on.';

COMMENT ON COLUMN control_totals.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN control_totals.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN control_totals.license_layer IS 'Kind of license. One of: user, permission_set, package, feature, usage. Source: rule: layer of the object it comes from.';

COMMENT ON COLUMN control_totals.license_id IS 'Salesforce id (18 characters) of the license; for feature licenses, which have none, the feature type. Source: UserLicense.Id, PermissionSetLicense.Id, PackageLicense.Id, TenantUsageEntitlement.Id, ActiveFeatureLicenseMetric.FeatureType.';

COMMENT ON COLUMN control_totals.license_key IS 'Stable business key of the license; keys and names repeat, the id does not. Source: UserLicense.LicenseDefinitionKey, PermissionSetLicense.PermissionSetLicenseKey, PackageLicense.NamespacePrefix, TenantUsageEntitlement.Setting, feature type.';

COMMENT ON COLUMN control_totals.metrics_on IS 'Day that Salesforce''s metric is of. The first snapshot of an org has every day that Salesforce remembers, later ones repeat the last weeks. Source: ActiveProfileMetric.MetricsDate, ActivePermSetLicenseMetric.MetricsDate, ActiveFeatureLicenseMetric.MetricsDate.';

COMMENT ON COLUMN control_totals.assigned_count IS 'Users whom Salesforce counted as holders on that day, org-wide; of a user license over all its profiles. Source: ActiveProfileMetric.AssignedUserCount, ActivePermSetLicenseMetric.AssignedUserCount, ActiveFeatureLicenseMetric.AssignedUserCount.';

COMMENT ON COLUMN control_totals.active_count IS 'Of them, users who logged in within the thirty days before. Source: ActiveProfileMetric.ActiveUserCount, ActivePermSetLicenseMetric.ActiveUserCount, ActiveFeatureLicenseMetric.ActiveUserCount.';

COMMENT ON COLUMN control_totals.total_count IS 'Seats bought on that day. Null for user licenses, and when unlimited or not told. Source: ActivePermSetLicenseMetric.TotalLicenses, ActiveFeatureLicenseMetric.TotalLicenseCount.';

CREATE TABLE IF NOT EXISTS snapshots (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    snapshot_id VARCHAR(65535) NOT NULL,
    provenance VARCHAR(65535) NOT NULL,
    captured_at TIMESTAMPTZ NOT NULL,
    org_name VARCHAR(65535),
    is_sandbox BOOLEAN,
    company_names SUPER NOT NULL,
    scope_hash VARCHAR(65535) NOT NULL,
    api_version VARCHAR(65535),
    "rows" VARCHAR(65535) NOT NULL,
    capabilities VARCHAR(65535) NOT NULL,
    out_of_scope VARCHAR(65535) NOT NULL,
    api_calls BIGINT,
    unexplained_count BIGINT NOT NULL,
    ledger_version VARCHAR(65535) NOT NULL,
    schema_version VARCHAR(65535) NOT NULL,
    built_at TIMESTAMPTZ,
    derived_from VARCHAR(65535),
    "settings" VARCHAR(65535),
    is_partial BOOLEAN,
    "certainty" VARCHAR(65535),
    privacy_mode VARCHAR(65535),
    manifest VARCHAR(65535) NOT NULL
);

COMMENT ON TABLE snapshots IS 'One row is a snapshot, per org and day. Key: org_id, snapshot_date.';

COMMENT ON COLUMN snapshots.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN snapshots.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN snapshots.snapshot_id IS 'Identifies this writing of the day; changes with each re-run. Source: rule.';

COMMENT ON COLUMN snapshots.provenance IS 'Where the snapshot comes from. One of: observed, replayed, reconstructed. Source: rule.';

COMMENT ON COLUMN snapshots.captured_at IS 'The moment the snapshot shows: when the extract began; midnight UTC of a reconstructed day. Source: rule.';

COMMENT ON COLUMN snapshots.org_name IS 'Name of the org. Source: Organization.Name.';

COMMENT ON COLUMN snapshots.is_sandbox IS 'Whether the org is a sandbox. Source: Organization.IsSandbox.';

COMMENT ON COLUMN snapshots.company_names IS 'The company filter that was applied. Source: setting company_names.';

COMMENT ON COLUMN snapshots.scope_hash IS 'Fingerprint of everything that decides scope: filter, legal entities, policies. Source: rule.';

COMMENT ON COLUMN snapshots.api_version IS 'Salesforce API version used. Source: setting, lowered to what the org offers.';

COMMENT ON COLUMN snapshots."rows" IS 'Rows per published table, as JSON. Source: rule.';

COMMENT ON COLUMN snapshots.capabilities IS 'What was not visible, what that costs and what would unlock it, as JSON. Source: describe.';

COMMENT ON COLUMN snapshots.out_of_scope IS 'Users left out, counted per scope reason, as JSON. Source: rule.';

COMMENT ON COLUMN snapshots.api_calls IS 'API calls spent on this snapshot. Source: rule.';

COMMENT ON COLUMN snapshots.unexplained_count IS 'Sum of |unexplained| over all licenses. Source: rule.';

COMMENT ON COLUMN snapshots.ledger_version IS 'Version of this software. Source: rule.';

COMMENT ON COLUMN snapshots.schema_version IS 'Version of the staging contract. Source: rule.';

COMMENT ON COLUMN snapshots.built_at IS 'When the tables were made: for a replay later than capture. Source: rule.';

COMMENT ON COLUMN snapshots.derived_from IS 'The landing that the tables were made of, as JSON: `snapshot_date` and `run`. Source: rule.';

COMMENT ON COLUMN snapshots."settings" IS 'The settings that decided scope and seats besides the company filter, as JSON. Source: settings.';

COMMENT ON COLUMN snapshots.is_partial IS 'Whether an object that lists people or holders could not be read: nobody leaves by such a snapshot. Source: describe.';

COMMENT ON COLUMN snapshots."certainty" IS 'Rows per table and certainty, and the audit entries that could not be told apart, as JSON; null unless reconstructed. Source: rule.';

COMMENT ON COLUMN snapshots.privacy_mode IS 'Whether people are in it by name, as pseudonyms, or not at all. Null, in older ones: by name. One of: named, pseudonymous, aggregate. Source: setting privacy_mode.';

COMMENT ON COLUMN snapshots.manifest IS 'Files of the snapshot with rows and SHA-256, as JSON. Source: rule.';

CREATE TABLE IF NOT EXISTS prices (
    product VARCHAR(65535) NOT NULL,
    contract_id VARCHAR(65535),
    org_id VARCHAR(65535),
    currency VARCHAR(65535) NOT NULL,
    unit_price DECIMAL(18, 6) NOT NULL,
    list_unit_price DECIMAL(18, 6),
    billing_period VARCHAR(65535) NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE,
    contract_quantity BIGINT,
    price_basis VARCHAR(65535)
);

COMMENT ON TABLE prices IS 'One row is a line of the price list.';

COMMENT ON COLUMN prices.product IS 'Product code of the order form. Source: file.';

COMMENT ON COLUMN prices.contract_id IS 'Contract or order form of the line; tells lines of a product apart that hold at the same time. Source: file.';

COMMENT ON COLUMN prices.org_id IS 'Salesforce id (18 characters) of the org that the row is for. Empty: for every org. Source: file.';

COMMENT ON COLUMN prices.currency IS 'Currency of the prices, by its ISO 4217 code. Source: file.';

COMMENT ON COLUMN prices.unit_price IS 'Price of one seat for one billing period. Source: file.';

COMMENT ON COLUMN prices.list_unit_price IS 'The same without the negotiated discount. Source: file.';

COMMENT ON COLUMN prices.billing_period IS 'What the unit price is for. One of: month, quarter, year. Source: file.';

COMMENT ON COLUMN prices.starts_on IS 'First day the line holds. Source: file.';

COMMENT ON COLUMN prices.ends_on IS 'Last day the line holds. Empty: until further notice. Source: file.';

COMMENT ON COLUMN prices.contract_quantity IS 'Seats bought by the line. Empty: not told. Source: file.';

COMMENT ON COLUMN prices.price_basis IS 'Where the price comes from. Empty: from the contract. One of: contract, list, estimate. Source: file.';

CREATE TABLE IF NOT EXISTS license_products (
    license_layer VARCHAR(65535) NOT NULL,
    license_id VARCHAR(65535),
    license_key VARCHAR(65535),
    org_id VARCHAR(65535),
    product VARCHAR(65535) NOT NULL,
    confidence VARCHAR(65535) NOT NULL,
    price_share DECIMAL(18, 6),
    evidence VARCHAR(65535)
);

COMMENT ON TABLE license_products IS 'One row is a product that a license was bought as.';

COMMENT ON COLUMN license_products.license_layer IS 'Kind of license. One of: user, permission_set, package, feature, usage. Source: file.';

COMMENT ON COLUMN license_products.license_id IS 'Salesforce id (18 characters) of the license, or its feature type. Empty: the key tells it. Source: file.';

COMMENT ON COLUMN license_products.license_key IS 'Key of the license. Empty: the id tells it. Source: file.';

COMMENT ON COLUMN license_products.org_id IS 'Salesforce id (18 characters) of the org that the row is for. Empty: for every org. Source: file.';

COMMENT ON COLUMN license_products.product IS 'Product code of the order form. Source: file.';

COMMENT ON COLUMN license_products.confidence IS 'How sure it is that the license was bought as this product. One of: sure, likely, unsure. Source: file.';

COMMENT ON COLUMN license_products.price_share IS 'Part of the product''s price that the license stands for, above 0, at most 1. Empty: all of it. Source: file.';

COMMENT ON COLUMN license_products.evidence IS 'Why it is believed, in words. Source: file.';

CREATE TABLE IF NOT EXISTS input_files (
    input_name VARCHAR(65535) NOT NULL,
    sha256 VARCHAR(65535) NOT NULL,
    row_count BIGINT NOT NULL,
    read_at TIMESTAMPTZ NOT NULL
);

COMMENT ON TABLE input_files IS 'One row is a file that was read. Key: input_name.';

COMMENT ON COLUMN input_files.input_name IS 'Which input it is. One of: prices, license_products, directory. Source: rule.';

COMMENT ON COLUMN input_files.sha256 IS 'Fingerprint of the file. Source: rule.';

COMMENT ON COLUMN input_files.row_count IS 'Rows or entries of the file. Source: rule.';

COMMENT ON COLUMN input_files.read_at IS 'When this version of the file was read first. Source: rule.';

CREATE TABLE IF NOT EXISTS directory_checks (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    read_at TIMESTAMPTZ NOT NULL,
    entry_count BIGINT NOT NULL,
    compared_count BIGINT NOT NULL,
    present_count BIGINT NOT NULL,
    inactive_count BIGINT NOT NULL,
    missing_count BIGINT NOT NULL,
    no_identifier_count BIGINT NOT NULL
);

COMMENT ON TABLE directory_checks IS 'One row is a comparison of a snapshot''s users with the directory, per org and day. Key: org_id, snapshot_date.';

COMMENT ON COLUMN directory_checks.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN directory_checks.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN directory_checks.read_at IS 'When the directory was read. Source: rule.';

COMMENT ON COLUMN directory_checks.entry_count IS 'Entries of the directory. Source: rule.';

COMMENT ON COLUMN directory_checks.compared_count IS 'Users in scope who were looked for: employees, contractors, and accounts of no known kind. Source: rule.';

COMMENT ON COLUMN directory_checks.present_count IS 'Of them, found with an active entry. Source: rule.';

COMMENT ON COLUMN directory_checks.inactive_count IS 'Of them, found with entries that are not active. Source: rule.';

COMMENT ON COLUMN directory_checks.missing_count IS 'Of them, not found. Source: rule.';

COMMENT ON COLUMN directory_checks.no_identifier_count IS 'Of them, those who have neither address, login name, federation id nor employee number. Source: rule.';

CREATE TABLE IF NOT EXISTS directory_findings (
    org_id VARCHAR(65535) NOT NULL,
    snapshot_date DATE NOT NULL,
    user_id VARCHAR(65535) NOT NULL,
    finding VARCHAR(65535) NOT NULL,
    matched_by VARCHAR(65535)
);

COMMENT ON TABLE directory_findings IS 'One row is a user in scope without an active entry in the directory, per org and day. Key: org_id, snapshot_date, user_id.';

COMMENT ON COLUMN directory_findings.org_id IS 'Salesforce id (18 characters) of the org. Source: Organization.Id.';

COMMENT ON COLUMN directory_findings.snapshot_date IS 'UTC day of the snapshot. Source: the run.';

COMMENT ON COLUMN directory_findings.user_id IS 'Salesforce id (18 characters) of the user. Source: User.Id.';

COMMENT ON COLUMN directory_findings.finding IS 'What the directory says: no such entry, none that is active, or nothing to look for. One of: missing, inactive, no_identifier. Source: rule.';

COMMENT ON COLUMN directory_findings.matched_by IS 'What the entry was found by. Empty: it was not. One of: federation_id, email, username, employee_number. Source: rule.';
