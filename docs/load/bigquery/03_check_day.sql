-- BigQuery. Written by `license-ledger statements --dialect bigquery`.
-- Whether the day is whole: one row that is true, for SQLCheckOperator. If it is not, load the day again.
-- How it was tested: every statement is parsed by sqlglot as SQL of BigQuery. It was not run on BigQuery,
-- for want of one: try it in a schema of its own first, and report what differs.

SELECT (SELECT count(*) FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(JSON_VALUE(`rows`, '$.users') AS INT64)
    AND (SELECT count(*) FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(JSON_VALUE(`rows`, '$.licenses') AS INT64)
    AND (SELECT count(*) FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(JSON_VALUE(`rows`, '$.seats') AS INT64)
    AND (SELECT count(*) FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(JSON_VALUE(`rows`, '$.mismatches') AS INT64)
    AND (SELECT count(*) FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = coalesce(CAST(JSON_VALUE(`rows`, '$.control_totals') AS INT64), 0) AS is_whole
FROM snapshots
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';
