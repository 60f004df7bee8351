-- Databricks. Written by `license-ledger statements --dialect databricks`.
-- Loads one published day from the staged Parquet, in place of what was loaded for it. A Jinja template for
-- Airflow's SQLExecuteQueryOperator: params staging and org_id; the day is the run's partition key, or the
-- param snapshot_date.
-- Needs staging in a location that the warehouse may read.
-- How it was tested: every statement is parsed by sqlglot as SQL of Databricks (REPLACE WHERE was compared
-- with its manual by eye alone). It was not run on Databricks, for want of one: try it in a schema of its
-- own first, and report what differs.

DELETE FROM snapshots WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';

INSERT INTO users REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(user_id AS STRING), CAST(username AS STRING), CAST(email AS STRING), CAST(email_domain AS STRING), CAST(`name` AS STRING), CAST(company_name AS STRING), CAST(department AS STRING), CAST(division AS STRING), CAST(`title` AS STRING), CAST(country AS STRING), CAST(employee_number AS STRING), CAST(federation_id AS STRING), CAST(user_type AS STRING), CAST(account_class AS STRING), CAST(scope_reason AS STRING), CAST(is_active AS BOOLEAN), CAST(is_frozen AS BOOLEAN), CAST(profile_id AS STRING), CAST(profile_name AS STRING), CAST(role_name AS STRING), CAST(license_id AS STRING), CAST(license_key AS STRING), CAST(license_name AS STRING), CAST(last_login_at AS TIMESTAMP), CAST(activity_band AS STRING), CAST(created_at AS TIMESTAMP), CAST(last_modified_at AS TIMESTAMP), CAST(`certainty` AS STRING)
FROM parquet.`{{ params.staging }}/users/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;

INSERT INTO licenses REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(license_layer AS STRING), CAST(license_id AS STRING), CAST(license_key AS STRING), CAST(license_name AS STRING), CAST(`status` AS STRING), CAST(is_unlimited AS BOOLEAN), CAST(total_count AS BIGINT), CAST(used_count AS BIGINT), CAST(available_count AS BIGINT), CAST(used_as_of AS TIMESTAMP), CAST(expires_on AS DATE), CAST(count_basis AS STRING), CAST(active_holder_count AS BIGINT), CAST(all_holder_count AS BIGINT), CAST(in_scope_count AS BIGINT), CAST(`certainty` AS STRING)
FROM parquet.`{{ params.staging }}/licenses/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;

INSERT INTO seats REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(user_id AS STRING), CAST(license_layer AS STRING), CAST(license_id AS STRING), CAST(license_key AS STRING), CAST(license_name AS STRING), CAST(assigned_at AS TIMESTAMP), CAST(is_active AS BOOLEAN), CAST(is_frozen AS BOOLEAN), CAST(activity_band AS STRING), CAST(account_class AS STRING), CAST(`cause` AS STRING), CAST(`certainty` AS STRING)
FROM parquet.`{{ params.staging }}/seats/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;

INSERT INTO mismatches REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(license_layer AS STRING), CAST(license_id AS STRING), CAST(license_key AS STRING), CAST(license_name AS STRING), CAST(`cause` AS STRING), CAST(seat_count AS BIGINT), CAST(detail AS STRING), CAST(`certainty` AS STRING)
FROM parquet.`{{ params.staging }}/mismatches/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;

INSERT INTO control_totals REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(license_layer AS STRING), CAST(license_id AS STRING), CAST(license_key AS STRING), CAST(metrics_on AS DATE), CAST(assigned_count AS BIGINT), CAST(active_count AS BIGINT), CAST(total_count AS BIGINT)
FROM parquet.`{{ params.staging }}/control_totals/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;

INSERT INTO snapshots REPLACE WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}'
SELECT '{{ params.org_id }}' AS org_id, DATE '{{ dag_run.partition_key or params.snapshot_date }}' AS snapshot_date, CAST(snapshot_id AS STRING), CAST(provenance AS STRING), CAST(captured_at AS TIMESTAMP), CAST(org_name AS STRING), CAST(is_sandbox AS BOOLEAN), CAST(company_names AS ARRAY<STRING>), CAST(scope_hash AS STRING), CAST(api_version AS STRING), CAST(`rows` AS STRING), CAST(capabilities AS STRING), CAST(out_of_scope AS STRING), CAST(api_calls AS BIGINT), CAST(unexplained_count AS BIGINT), CAST(ledger_version AS STRING), CAST(schema_version AS STRING), CAST(built_at AS TIMESTAMP), CAST(derived_from AS STRING), CAST(`settings` AS STRING), CAST(is_partial AS BOOLEAN), CAST(`certainty` AS STRING), CAST(privacy_mode AS STRING), CAST(manifest AS STRING)
FROM parquet.`{{ params.staging }}/snapshots/org_id={{ params.org_id }}/snapshot_date={{ dag_run.partition_key or params.snapshot_date }}/`;
