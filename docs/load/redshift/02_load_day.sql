-- Redshift. Written by `license-ledger statements --dialect redshift`.
-- Loads one published day from the staged Parquet, in place of what was loaded for it. A Jinja template for
-- Airflow's SQLExecuteQueryOperator: params staging and org_id; the day is the run's partition key, or the
-- param snapshot_date.
-- Needs staging in S3, and a default role of the cluster that may read it.
-- How it was tested: every statement is parsed by sqlglot as SQL of Redshift (COPY was compared with its
-- manual by eye alone). It was not run on Redshift, for want of one: try it in a schema of its own first,
-- and report what differs.

CREATE TEMPORARY TABLE staged_users (user_id VARCHAR(65535), username VARCHAR(65535), email VARCHAR(65535), email_domain VARCHAR(65535), "name" VARCHAR(65535), company_name VARCHAR(65535), department VARCHAR(65535), division VARCHAR(65535), "title" VARCHAR(65535), country VARCHAR(65535), employee_number VARCHAR(65535), federation_id VARCHAR(65535), user_type VARCHAR(65535), account_class VARCHAR(65535), scope_reason VARCHAR(65535), is_active BOOLEAN, is_frozen BOOLEAN, profile_id VARCHAR(65535), profile_name VARCHAR(65535), role_name VARCHAR(65535), license_id VARCHAR(65535), license_key VARCHAR(65535), license_name VARCHAR(65535), last_login_at TIMESTAMP, activity_band VARCHAR(65535), created_at TIMESTAMP, last_modified_at TIMESTAMP, "certainty" VARCHAR(65535));

CREATE TEMPORARY TABLE staged_licenses (license_layer VARCHAR(65535), license_id VARCHAR(65535), license_key VARCHAR(65535), license_name VARCHAR(65535), "status" VARCHAR(65535), is_unlimited BOOLEAN, total_count BIGINT, used_count BIGINT, available_count BIGINT, used_as_of TIMESTAMP, expires_on DATE, count_basis VARCHAR(65535), active_holder_count BIGINT, all_holder_count BIGINT, in_scope_count BIGINT, "certainty" VARCHAR(65535));

CREATE TEMPORARY TABLE staged_seats (user_id VARCHAR(65535), license_layer VARCHAR(65535), license_id VARCHAR(65535), license_key VARCHAR(65535), license_name VARCHAR(65535), assigned_at TIMESTAMP, is_active BOOLEAN, is_frozen BOOLEAN, activity_band VARCHAR(65535), account_class VARCHAR(65535), "cause" VARCHAR(65535), "certainty" VARCHAR(65535));

CREATE TEMPORARY TABLE staged_mismatches (license_layer VARCHAR(65535), license_id VARCHAR(65535), license_key VARCHAR(65535), license_name VARCHAR(65535), "cause" VARCHAR(65535), seat_count BIGINT, detail VARCHAR(65535), "certainty" VARCHAR(65535));

CREATE TEMPORARY TABLE staged_control_totals (license_layer VARCHAR(65535), license_id VARCHAR(65535), license_key VARCHAR(65535), metrics_on DATE, assigned_count BIGINT, active_count BIGINT, total_count BIGINT);

CREATE TEMPORARY TABLE staged_snapshots (snapshot_id VARCHAR(65535), provenance VARCHAR(65535), captured_at TIMESTAMP, org_name VARCHAR(65535), is_sandbox BOOLEAN, company_names SUPER, scope_hash VARCHAR(65535), api_version VARCHAR(65535), "rows" VARCHAR(65535), capabilities VARCHAR(65535), out_of_scope VARCHAR(65535), api_calls BIGINT, unexplained_count BIGINT, ledger_version VARCHAR(65535), schema_version VARCHAR(65535), built_at TIMESTAMP, derived_from VARCHAR(65535), "settings" VARCHAR(65535), is_partial BOOLEAN, "certainty" VARCHAR(65535), privacy_mode VARCHAR(65535), manifest VARCHAR(65535));

COPY staged_users FROM '{{ params.staging }}/users/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET;

COPY staged_licenses FROM '{{ params.staging }}/licenses/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET;

COPY staged_seats FROM '{{ params.staging }}/seats/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET;

COPY staged_mismatches FROM '{{ params.staging }}/mismatches/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET;

COPY staged_control_totals FROM '{{ params.staging }}/control_totals/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET;

COPY staged_snapshots FROM '{{ params.staging }}/snapshots/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/'
IAM_ROLE DEFAULT FORMAT AS PARQUET SERIALIZETOJSON;

BEGIN;

DELETE FROM snapshots WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO users (org_id, snapshot_date, user_id, username, email, email_domain, "name", company_name, department, division, "title", country, employee_number, federation_id, user_type, account_class, scope_reason, is_active, is_frozen, profile_id, profile_name, role_name, license_id, license_key, license_name, last_login_at, activity_band, created_at, last_modified_at, "certainty")
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', user_id, username, email, email_domain, "name", company_name, department, division, "title", country, employee_number, federation_id, user_type, account_class, scope_reason, is_active, is_frozen, profile_id, profile_name, role_name, license_id, license_key, license_name, last_login_at AT TIME ZONE 'UTC', activity_band, created_at AT TIME ZONE 'UTC', last_modified_at AT TIME ZONE 'UTC', "certainty"
FROM staged_users;

INSERT INTO licenses (org_id, snapshot_date, license_layer, license_id, license_key, license_name, "status", is_unlimited, total_count, used_count, available_count, used_as_of, expires_on, count_basis, active_holder_count, all_holder_count, in_scope_count, "certainty")
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', license_layer, license_id, license_key, license_name, "status", is_unlimited, total_count, used_count, available_count, used_as_of AT TIME ZONE 'UTC', expires_on, count_basis, active_holder_count, all_holder_count, in_scope_count, "certainty"
FROM staged_licenses;

INSERT INTO seats (org_id, snapshot_date, user_id, license_layer, license_id, license_key, license_name, assigned_at, is_active, is_frozen, activity_band, account_class, "cause", "certainty")
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', user_id, license_layer, license_id, license_key, license_name, assigned_at AT TIME ZONE 'UTC', is_active, is_frozen, activity_band, account_class, "cause", "certainty"
FROM staged_seats;

INSERT INTO mismatches (org_id, snapshot_date, license_layer, license_id, license_key, license_name, "cause", seat_count, detail, "certainty")
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', license_layer, license_id, license_key, license_name, "cause", seat_count, detail, "certainty"
FROM staged_mismatches;

INSERT INTO control_totals (org_id, snapshot_date, license_layer, license_id, license_key, metrics_on, assigned_count, active_count, total_count)
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', license_layer, license_id, license_key, metrics_on, assigned_count, active_count, total_count
FROM staged_control_totals;

INSERT INTO snapshots (org_id, snapshot_date, snapshot_id, provenance, captured_at, org_name, is_sandbox, company_names, scope_hash, api_version, "rows", capabilities, out_of_scope, api_calls, unexplained_count, ledger_version, schema_version, built_at, derived_from, "settings", is_partial, "certainty", privacy_mode, manifest)
SELECT '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}', snapshot_id, provenance, captured_at AT TIME ZONE 'UTC', org_name, is_sandbox, company_names, scope_hash, api_version, "rows", capabilities, out_of_scope, api_calls, unexplained_count, ledger_version, schema_version, built_at AT TIME ZONE 'UTC', derived_from, "settings", is_partial, "certainty", privacy_mode, manifest
FROM staged_snapshots;

COMMIT;

DROP TABLE staged_users;

DROP TABLE staged_licenses;

DROP TABLE staged_seats;

DROP TABLE staged_mismatches;

DROP TABLE staged_control_totals;

DROP TABLE staged_snapshots;
