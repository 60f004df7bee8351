-- How did the seats of each license become as many as they are? seats_before_count + in_count - out_count =
-- seats_after_count for every license and day; seats are the rows of table seats, in-scope users holding the
-- license, whether Salesforce still counts them or not.
-- Grain: a license of an org on a day, from the org's second day on.
-- is_latest: Whether this is the newest day of the org.
-- previous_snapshot_date: The day that this one was compared with.
-- seats_before_count: Seats on the day before.
-- in_count: Seats taken since.
-- in_joiner_count: Of them, by users created since.
-- in_reactivated_count: By users who were deactivated.
-- in_assigned_count: By users who were there.
-- in_moved_count: By users who gave up another user license for it.
-- in_entered_scope_count: By users whom their own change brought into scope.
-- in_rescoped_count: By users whom a change of the company filter brought into scope.
-- in_unknown_count: Not to be told, because the day before did not see this layer whole.
-- out_count: Seats given up since.
-- out_leaver_count: Of them, by users who were deactivated.
-- out_unassigned_count: By users who are still there.
-- out_moved_count: By users who have another user license instead.
-- out_left_scope_count: By users whom their own change took out of scope.
-- out_rescoped_count: By users whom a change of the company filter took out of scope.
-- out_unknown_count: Not to be told, because this day does not see this layer whole.
-- seats_after_count: Seats on this day.
-- is_balanced: Whether the four numbers add up.
WITH pairs AS (
    SELECT p.org_id, p.snapshot_date, p.previous_snapshot_date, sight.days_back, sight.provenance
    FROM snapshot_pairs AS p
    INNER JOIN snapshot_sight AS sight
        ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
    WHERE p.previous_snapshot_date IS NOT NULL
),
named AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.previous_snapshot_date,
        p.days_back,
        p.provenance,
        l.license_layer,
        l.license_id,
        max(l.license_key) AS license_key,
        max(l.license_name) AS license_name
    FROM pairs AS p
    INNER JOIN licenses AS l
        ON l.org_id = p.org_id AND l.snapshot_date IN (p.snapshot_date, p.previous_snapshot_date)
    WHERE l.license_layer <> 'usage'
    GROUP BY
        p.org_id,
        p.snapshot_date,
        p.previous_snapshot_date,
        p.days_back,
        p.provenance,
        l.license_layer,
        l.license_id
),
counted AS (
    SELECT org_id, snapshot_date, license_layer, license_id, count(*) AS seat_count
    FROM seats
    GROUP BY org_id, snapshot_date, license_layer, license_id
),
moved AS (
    SELECT
        org_id,
        snapshot_date,
        days_back,
        license_layer,
        license_id,
        count(CASE WHEN direction = 'in' THEN 1 END) AS in_count,
        count(CASE WHEN direction = 'in' AND reason = 'joiner' THEN 1 END) AS in_joiner_count,
        count(CASE WHEN direction = 'in' AND reason = 'reactivated' THEN 1 END) AS in_reactivated_count,
        count(CASE WHEN direction = 'in' AND reason = 'assigned' THEN 1 END) AS in_assigned_count,
        count(CASE WHEN direction = 'in' AND reason = 'moved' THEN 1 END) AS in_moved_count,
        count(CASE WHEN direction = 'in' AND reason = 'entered_scope' THEN 1 END) AS in_entered_scope_count,
        count(CASE WHEN direction = 'in' AND reason = 'rescoped_in' THEN 1 END) AS in_rescoped_count,
        count(CASE WHEN direction = 'in' AND reason = 'unknown' THEN 1 END) AS in_unknown_count,
        count(CASE WHEN direction = 'out' THEN 1 END) AS out_count,
        count(CASE WHEN direction = 'out' AND reason = 'leaver' THEN 1 END) AS out_leaver_count,
        count(CASE WHEN direction = 'out' AND reason = 'unassigned' THEN 1 END) AS out_unassigned_count,
        count(CASE WHEN direction = 'out' AND reason = 'moved' THEN 1 END) AS out_moved_count,
        count(CASE WHEN direction = 'out' AND reason = 'left_scope' THEN 1 END) AS out_left_scope_count,
        count(CASE WHEN direction = 'out' AND reason = 'rescoped_out' THEN 1 END) AS out_rescoped_count,
        count(CASE WHEN direction = 'out' AND reason = 'unknown' THEN 1 END) AS out_unknown_count
    FROM seat_movements
    GROUP BY org_id, snapshot_date, days_back, license_layer, license_id
)
SELECT
    n.org_id,
    n.snapshot_date,
    n.days_back = 0 AS is_latest,
    n.previous_snapshot_date,
    n.license_layer,
    n.license_id,
    n.license_key,
    n.license_name,
    coalesce(b.seat_count, 0) AS seats_before_count,
    coalesce(m.in_count, 0) AS in_count,
    coalesce(m.in_joiner_count, 0) AS in_joiner_count,
    coalesce(m.in_reactivated_count, 0) AS in_reactivated_count,
    coalesce(m.in_assigned_count, 0) AS in_assigned_count,
    coalesce(m.in_moved_count, 0) AS in_moved_count,
    coalesce(m.in_entered_scope_count, 0) AS in_entered_scope_count,
    coalesce(m.in_rescoped_count, 0) AS in_rescoped_count,
    coalesce(m.in_unknown_count, 0) AS in_unknown_count,
    coalesce(m.out_count, 0) AS out_count,
    coalesce(m.out_leaver_count, 0) AS out_leaver_count,
    coalesce(m.out_unassigned_count, 0) AS out_unassigned_count,
    coalesce(m.out_moved_count, 0) AS out_moved_count,
    coalesce(m.out_left_scope_count, 0) AS out_left_scope_count,
    coalesce(m.out_rescoped_count, 0) AS out_rescoped_count,
    coalesce(m.out_unknown_count, 0) AS out_unknown_count,
    coalesce(a.seat_count, 0) AS seats_after_count,
    coalesce(b.seat_count, 0) + coalesce(m.in_count, 0) - coalesce(m.out_count, 0)
        = coalesce(a.seat_count, 0) AS is_balanced,
    n.provenance
FROM named AS n
LEFT JOIN counted AS b
    ON b.org_id = n.org_id
    AND b.snapshot_date = n.previous_snapshot_date
    AND b.license_layer = n.license_layer
    AND b.license_id = n.license_id
LEFT JOIN counted AS a
    ON a.org_id = n.org_id
    AND a.snapshot_date = n.snapshot_date
    AND a.license_layer = n.license_layer
    AND a.license_id = n.license_id
LEFT JOIN moved AS m
    ON m.org_id = n.org_id
    AND m.snapshot_date = n.snapshot_date
    AND m.days_back = n.days_back
    AND m.license_layer = n.license_layer
    AND m.license_id = n.license_id
