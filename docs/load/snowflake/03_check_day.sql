-- Snowflake. Written by `license-ledger statements --dialect snowflake`.
-- Whether the day is whole: one row that is true, for SQLCheckOperator. If it is not, load the day again.
-- How it was tested: every statement is parsed by sqlglot as SQL of Snowflake. It was not run on Snowflake,
-- for want of one: try it in a schema of its own first, and report what differs.

SELECT (SELECT count(*) FROM users WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = PARSE_JSON("ROWS"):users::BIGINT
    AND (SELECT count(*) FROM licenses WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = PARSE_JSON("ROWS"):licenses::BIGINT
    AND (SELECT count(*) FROM seats WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = PARSE_JSON("ROWS"):seats::BIGINT
    AND (SELECT count(*) FROM mismatches WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = PARSE_JSON("ROWS"):mismatches::BIGINT
    AND (SELECT count(*) FROM control_totals WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}') = coalesce(PARSE_JSON("ROWS"):control_totals::BIGINT, 0) AS is_whole
FROM snapshots
WHERE org_id = '{{ params.org_id }}' AND snapshot_date = DATE '{{ dag_run.partition_key or params.snapshot_date }}';
