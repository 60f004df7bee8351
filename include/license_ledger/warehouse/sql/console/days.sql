-- Which days of an org are there, and what are they made of? One row is a snapshot, the newest first.
SELECT
    s.snapshot_date,
    s.snapshot_id,
    s.provenance,
    s.is_partial,
    s.captured_at,
    s.built_at,
    s.certainty,
    coalesce(s.privacy_mode, 'named') AS privacy_mode,
    s.unexplained_count,
    s.api_calls,
    s.ledger_version,
    coalesce(
        s.scope_hash <> lag(s.scope_hash) OVER (ORDER BY s.snapshot_date), FALSE
    ) AS is_scope_changed,
    CAST(s.snapshot_date - lag(s.snapshot_date) OVER (ORDER BY s.snapshot_date) AS BIGINT) - 1
        AS missing_days_before
FROM snapshots AS s
WHERE s.org_id = $org_id
ORDER BY s.snapshot_date DESC
