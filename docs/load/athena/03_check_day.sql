-- Athena. Written by `license-ledger statements --dialect athena`.
-- Whether the day is whole: one row that is true, for SQLCheckOperator. If it is not, load the day again.
-- How it was tested: every statement is parsed by sqlglot as SQL of Athena. It was not run on Athena, for
-- want of one: try it in a schema of its own first, and report what differs.

SELECT (SELECT count(*) FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(json_extract_scalar("rows", '$.users') AS BIGINT)
    AND (SELECT count(*) FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(json_extract_scalar("rows", '$.licenses') AS BIGINT)
    AND (SELECT count(*) FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(json_extract_scalar("rows", '$.seats') AS BIGINT)
    AND (SELECT count(*) FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = CAST(json_extract_scalar("rows", '$.mismatches') AS BIGINT)
    AND (SELECT count(*) FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = coalesce(CAST(json_extract_scalar("rows", '$.control_totals') AS BIGINT), 0) AS is_whole
FROM snapshots
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';
