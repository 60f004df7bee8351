-- Snowflake. Written by `license-ledger statements --dialect snowflake`.
-- Loads one published day from the staged Parquet, in place of what was loaded for it. A Jinja template for
-- Airflow's SQLExecuteQueryOperator: params staging and org_id; the day is the run's partition key, or the
-- param snapshot_date.
-- Needs a stage license_ledger_staging over the staging root.
-- How it was tested: every statement is parsed by sqlglot as SQL of Snowflake (COPY INTO was compared with
-- its manual by eye alone). It was not run on Snowflake, for want of one: try it in a schema of its own
-- first, and report what differs.

BEGIN;

DELETE FROM snapshots WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

DELETE FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

COPY INTO users (org_id, snapshot_date, user_id, username, email, email_domain, "NAME", company_name, department, division, "TITLE", country, employee_number, federation_id, user_type, account_class, scope_reason, is_active, is_frozen, profile_id, profile_name, role_name, license_id, license_key, license_name, last_login_at, activity_band, created_at, last_modified_at, "CERTAINTY")
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:user_id::VARCHAR,
    $1:username::VARCHAR,
    $1:email::VARCHAR,
    $1:email_domain::VARCHAR,
    $1:name::VARCHAR,
    $1:company_name::VARCHAR,
    $1:department::VARCHAR,
    $1:division::VARCHAR,
    $1:title::VARCHAR,
    $1:country::VARCHAR,
    $1:employee_number::VARCHAR,
    $1:federation_id::VARCHAR,
    $1:user_type::VARCHAR,
    $1:account_class::VARCHAR,
    $1:scope_reason::VARCHAR,
    $1:is_active::BOOLEAN,
    $1:is_frozen::BOOLEAN,
    $1:profile_id::VARCHAR,
    $1:profile_name::VARCHAR,
    $1:role_name::VARCHAR,
    $1:license_id::VARCHAR,
    $1:license_key::VARCHAR,
    $1:license_name::VARCHAR,
    $1:last_login_at::TIMESTAMP_TZ(6),
    $1:activity_band::VARCHAR,
    $1:created_at::TIMESTAMP_TZ(6),
    $1:last_modified_at::TIMESTAMP_TZ(6),
    $1:certainty::VARCHAR
    FROM @license_ledger_staging/users/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COPY INTO licenses (org_id, snapshot_date, license_layer, license_id, license_key, license_name, "STATUS", is_unlimited, total_count, used_count, available_count, used_as_of, expires_on, count_basis, active_holder_count, all_holder_count, in_scope_count, "CERTAINTY")
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:license_layer::VARCHAR,
    $1:license_id::VARCHAR,
    $1:license_key::VARCHAR,
    $1:license_name::VARCHAR,
    $1:status::VARCHAR,
    $1:is_unlimited::BOOLEAN,
    $1:total_count::BIGINT,
    $1:used_count::BIGINT,
    $1:available_count::BIGINT,
    $1:used_as_of::TIMESTAMP_TZ(6),
    $1:expires_on::DATE,
    $1:count_basis::VARCHAR,
    $1:active_holder_count::BIGINT,
    $1:all_holder_count::BIGINT,
    $1:in_scope_count::BIGINT,
    $1:certainty::VARCHAR
    FROM @license_ledger_staging/licenses/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COPY INTO seats (org_id, snapshot_date, user_id, license_layer, license_id, license_key, license_name, assigned_at, is_active, is_frozen, activity_band, account_class, "CAUSE", "CERTAINTY")
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:user_id::VARCHAR,
    $1:license_layer::VARCHAR,
    $1:license_id::VARCHAR,
    $1:license_key::VARCHAR,
    $1:license_name::VARCHAR,
    $1:assigned_at::TIMESTAMP_TZ(6),
    $1:is_active::BOOLEAN,
    $1:is_frozen::BOOLEAN,
    $1:activity_band::VARCHAR,
    $1:account_class::VARCHAR,
    $1:cause::VARCHAR,
    $1:certainty::VARCHAR
    FROM @license_ledger_staging/seats/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COPY INTO mismatches (org_id, snapshot_date, license_layer, license_id, license_key, license_name, "CAUSE", seat_count, detail, "CERTAINTY")
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:license_layer::VARCHAR,
    $1:license_id::VARCHAR,
    $1:license_key::VARCHAR,
    $1:license_name::VARCHAR,
    $1:cause::VARCHAR,
    $1:seat_count::BIGINT,
    $1:detail::VARCHAR,
    $1:certainty::VARCHAR
    FROM @license_ledger_staging/mismatches/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COPY INTO control_totals (org_id, snapshot_date, license_layer, license_id, license_key, metrics_on, assigned_count, active_count, total_count)
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:license_layer::VARCHAR,
    $1:license_id::VARCHAR,
    $1:license_key::VARCHAR,
    $1:metrics_on::DATE,
    $1:assigned_count::BIGINT,
    $1:active_count::BIGINT,
    $1:total_count::BIGINT
    FROM @license_ledger_staging/control_totals/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COPY INTO snapshots (org_id, snapshot_date, snapshot_id, provenance, captured_at, org_name, is_sandbox, company_names, scope_hash, api_version, "ROWS", capabilities, out_of_scope, api_calls, unexplained_count, ledger_version, schema_version, built_at, derived_from, "SETTINGS", is_partial, "CERTAINTY", privacy_mode, manifest)
FROM (
    SELECT
    '{{ params.org_id }}', DATE '{{ dag_run.partition_key or params.snapshot_date }}',
    $1:snapshot_id::VARCHAR,
    $1:provenance::VARCHAR,
    $1:captured_at::TIMESTAMP_TZ(6),
    $1:org_name::VARCHAR,
    $1:is_sandbox::BOOLEAN,
    $1:company_names::ARRAY,
    $1:scope_hash::VARCHAR,
    $1:api_version::VARCHAR,
    $1:rows::VARCHAR,
    $1:capabilities::VARCHAR,
    $1:out_of_scope::VARCHAR,
    $1:api_calls::BIGINT,
    $1:unexplained_count::BIGINT,
    $1:ledger_version::VARCHAR,
    $1:schema_version::VARCHAR,
    $1:built_at::TIMESTAMP_TZ(6),
    $1:derived_from::VARCHAR,
    $1:settings::VARCHAR,
    $1:is_partial::BOOLEAN,
    $1:certainty::VARCHAR,
    $1:privacy_mode::VARCHAR,
    $1:manifest::VARCHAR
    FROM @license_ledger_staging/snapshots/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/
)
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)
PATTERN = '.*[.]parquet'
FORCE = TRUE;

COMMIT;
