-- BigQuery. Written by `license-ledger statements --dialect bigquery`.
-- Loads one published day from the staged Parquet, in place of what was loaded for it. A Jinja template for
-- Airflow's SQLExecuteQueryOperator: params staging and org_id; the day is the run's partition key, or the
-- param snapshot_date.
-- Needs staging in Cloud Storage, in the region of the data set.
-- How it was tested: every statement is parsed by sqlglot as SQL of BigQuery (CREATE EXTERNAL TABLE was
-- compared with its manual by eye alone). It was not run on BigQuery, for want of one: try it in a schema
-- of its own first, and report what differs.

CREATE OR REPLACE EXTERNAL TABLE staged_users
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/users/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/users', enable_list_inference = TRUE);

CREATE OR REPLACE EXTERNAL TABLE staged_licenses
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/licenses/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/licenses', enable_list_inference = TRUE);

CREATE OR REPLACE EXTERNAL TABLE staged_seats
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/seats/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/seats', enable_list_inference = TRUE);

CREATE OR REPLACE EXTERNAL TABLE staged_mismatches
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/mismatches/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/mismatches', enable_list_inference = TRUE);

CREATE OR REPLACE EXTERNAL TABLE staged_control_totals
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/control_totals/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/control_totals', enable_list_inference = TRUE);

CREATE OR REPLACE EXTERNAL TABLE staged_snapshots
WITH PARTITION COLUMNS (org_id STRING, snapshot_date DATE)
OPTIONS (format = 'PARQUET', uris = ['{{ params.staging }}/snapshots/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/*.parquet'], hive_partition_uri_prefix = '{{ params.staging }}/snapshots', enable_list_inference = TRUE);

BEGIN TRANSACTION;

DELETE FROM snapshots WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO users (org_id, snapshot_date, user_id, username, email, email_domain, `name`, company_name, department, division, `title`, country, employee_number, federation_id, user_type, account_class, scope_reason, is_active, is_frozen, profile_id, profile_name, role_name, license_id, license_key, license_name, last_login_at, activity_band, created_at, last_modified_at, `certainty`)
SELECT org_id, snapshot_date, user_id, username, email, email_domain, `name`, company_name, department, division, `title`, country, employee_number, federation_id, user_type, account_class, scope_reason, is_active, is_frozen, profile_id, profile_name, role_name, license_id, license_key, license_name, last_login_at, activity_band, created_at, last_modified_at, `certainty` FROM staged_users
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO licenses (org_id, snapshot_date, license_layer, license_id, license_key, license_name, `status`, is_unlimited, total_count, used_count, available_count, used_as_of, expires_on, count_basis, active_holder_count, all_holder_count, in_scope_count, `certainty`)
SELECT org_id, snapshot_date, license_layer, license_id, license_key, license_name, `status`, is_unlimited, total_count, used_count, available_count, used_as_of, expires_on, count_basis, active_holder_count, all_holder_count, in_scope_count, `certainty` FROM staged_licenses
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO seats (org_id, snapshot_date, user_id, license_layer, license_id, license_key, license_name, assigned_at, is_active, is_frozen, activity_band, account_class, `cause`, `certainty`)
SELECT org_id, snapshot_date, user_id, license_layer, license_id, license_key, license_name, assigned_at, is_active, is_frozen, activity_band, account_class, `cause`, `certainty` FROM staged_seats
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO mismatches (org_id, snapshot_date, license_layer, license_id, license_key, license_name, `cause`, seat_count, detail, `certainty`)
SELECT org_id, snapshot_date, license_layer, license_id, license_key, license_name, `cause`, seat_count, detail, `certainty` FROM staged_mismatches
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO control_totals (org_id, snapshot_date, license_layer, license_id, license_key, metrics_on, assigned_count, active_count, total_count)
SELECT org_id, snapshot_date, license_layer, license_id, license_key, metrics_on, assigned_count, active_count, total_count FROM staged_control_totals
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO snapshots (org_id, snapshot_date, snapshot_id, provenance, captured_at, org_name, is_sandbox, company_names, scope_hash, api_version, `rows`, capabilities, out_of_scope, api_calls, unexplained_count, ledger_version, schema_version, built_at, derived_from, `settings`, is_partial, `certainty`, privacy_mode, manifest)
SELECT org_id, snapshot_date, snapshot_id, provenance, captured_at, org_name, is_sandbox, company_names, scope_hash, api_version, `rows`, capabilities, out_of_scope, api_calls, unexplained_count, ledger_version, schema_version, built_at, derived_from, `settings`, is_partial, `certainty`, privacy_mode, manifest FROM staged_snapshots
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

COMMIT TRANSACTION;
