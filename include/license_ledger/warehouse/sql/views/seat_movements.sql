-- Which seats were taken and given up since the snapshot before, and why? Every seat that is there now and was
-- not, and every one that was there and is not, is a row; so for every license the seats of a day are those of
-- the day before, plus the rows in, minus the rows out. A seat that could not be seen on one of the two days
-- moved for a reason that is unknown; so did every seat where the privacy mode has changed.
-- Grain: a user, a license and a direction, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- days_back: Days from this one to the newest day of the org.
-- previous_snapshot_date: The day that this one was compared with.
-- direction: in, or out.
-- reason: In: joiner, reactivated, assigned, moved, entered_scope, rescoped_in, unknown. Out: leaver,
--   unassigned, moved, left_scope, rescoped_out, unknown. moved: the user has another user license instead.
-- previous_provenance: Where the snapshot that it was compared with comes from.
WITH pairs AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.previous_snapshot_date,
        sight.days_back,
        sight.provenance,
        earlier.provenance AS previous_provenance,
        earlier.captured_at AS previous_captured_at,
        sight.scope_hash <> earlier.scope_hash AS is_rescoped,
        sight.sees_people AND sight.privacy_mode = earlier.privacy_mode AS sees_people,
        sight.sees_user_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_user_seats,
        sight.sees_permission_set_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_permission_set_seats,
        sight.sees_package_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_package_seats,
        earlier.sees_people AND sight.privacy_mode = earlier.privacy_mode AS saw_people,
        earlier.sees_user_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_user_seats,
        earlier.sees_permission_set_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_permission_set_seats,
        earlier.sees_package_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_package_seats
    FROM snapshot_pairs AS p
    INNER JOIN snapshot_sight AS sight
        ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
    INNER JOIN snapshot_sight AS earlier
        ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.previous_snapshot_date
),
-- Seats are many, and are compared by the number of their license and their user alone. Day and days_back go with
-- them, so that whoever asks for a few days, or for the latest, reads no others.
numbered AS (
    SELECT
        org_id,
        license_layer,
        license_id,
        row_number() OVER (ORDER BY org_id, license_layer, license_id) AS number
    FROM (SELECT DISTINCT org_id, license_layer, license_id FROM licenses) AS l
),
-- Before and after are written out both on purpose: shared, DuckDB keeps them, and a year does not fit its memory.
held AS NOT MATERIALIZED (
    SELECT
        n.number,
        n.org_id,
        n.license_layer,
        n.license_id,
        p.snapshot_date,
        p.days_back,
        seats.user_id,
        seats.license_key,
        seats.license_name,
        seats.account_class,
        seats.certainty
    FROM pairs AS p
    INNER JOIN seats ON seats.org_id = p.org_id AND seats.snapshot_date = p.snapshot_date
    INNER JOIN numbered AS n
        ON n.org_id = seats.org_id
        AND n.license_layer = seats.license_layer
        AND n.license_id = seats.license_id
),
keys_before AS NOT MATERIALIZED (
    SELECT n.number, p.snapshot_date, p.days_back, seats.user_id
    FROM pairs AS p
    INNER JOIN seats ON seats.org_id = p.org_id AND seats.snapshot_date = p.previous_snapshot_date
    INNER JOIN numbered AS n
        ON n.org_id = seats.org_id
        AND n.license_layer = seats.license_layer
        AND n.license_id = seats.license_id
),
held_before AS NOT MATERIALIZED (
    SELECT
        n.number,
        n.org_id,
        n.license_layer,
        n.license_id,
        p.snapshot_date,
        p.days_back,
        seats.user_id,
        seats.license_key,
        seats.license_name,
        seats.account_class,
        seats.certainty
    FROM pairs AS p
    INNER JOIN seats ON seats.org_id = p.org_id AND seats.snapshot_date = p.previous_snapshot_date
    INNER JOIN numbered AS n
        ON n.org_id = seats.org_id
        AND n.license_layer = seats.license_layer
        AND n.license_id = seats.license_id
),
keys_now AS NOT MATERIALIZED (
    SELECT n.number, p.snapshot_date, p.days_back, seats.user_id
    FROM pairs AS p
    INNER JOIN seats ON seats.org_id = p.org_id AND seats.snapshot_date = p.snapshot_date
    INNER JOIN numbered AS n
        ON n.org_id = seats.org_id
        AND n.license_layer = seats.license_layer
        AND n.license_id = seats.license_id
),
turned AS (
    SELECT held.*, 'in' AS direction
    FROM held
    LEFT JOIN keys_before
        ON keys_before.number = held.number
        AND keys_before.snapshot_date = held.snapshot_date
        AND keys_before.days_back = held.days_back
        AND keys_before.user_id = held.user_id
    WHERE keys_before.user_id IS NULL
    UNION ALL
    SELECT held_before.*, 'out' AS direction
    FROM held_before
    LEFT JOIN keys_now
        ON keys_now.number = held_before.number
        AND keys_now.snapshot_date = held_before.snapshot_date
        AND keys_now.days_back = held_before.days_back
        AND keys_now.user_id = held_before.user_id
    WHERE keys_now.user_id IS NULL
),
people_now AS NOT MATERIALIZED (
    SELECT p.org_id, p.snapshot_date, p.days_back, users.user_id, users.created_at, users.is_active, users.license_id
    FROM pairs AS p
    INNER JOIN users ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
),
people_before AS NOT MATERIALIZED (
    SELECT p.org_id, p.snapshot_date, p.days_back, users.user_id, users.is_active, users.license_id
    FROM pairs AS p
    INNER JOIN users ON users.org_id = p.org_id AND users.snapshot_date = p.previous_snapshot_date
),
judged AS (
    SELECT
        t.*,
        p.previous_snapshot_date,
        p.previous_captured_at,
        p.provenance,
        p.previous_provenance,
        p.is_rescoped,
        CASE t.license_layer
            WHEN 'user' THEN p.sees_user_seats
            WHEN 'permission_set' THEN p.sees_permission_set_seats
            WHEN 'package' THEN p.sees_package_seats
            ELSE p.sees_people
        END AS sees_seats,
        CASE t.license_layer
            WHEN 'user' THEN p.saw_user_seats
            WHEN 'permission_set' THEN p.saw_permission_set_seats
            WHEN 'package' THEN p.saw_package_seats
            ELSE p.saw_people
        END AS saw_seats
    FROM turned AS t
    INNER JOIN pairs AS p
        ON p.org_id = t.org_id AND p.snapshot_date = t.snapshot_date AND p.days_back = t.days_back
)
SELECT
    t.org_id,
    t.snapshot_date,
    t.days_back = 0 AS is_latest,
    t.days_back,
    t.previous_snapshot_date,
    t.user_id,
    t.license_layer,
    t.license_id,
    t.license_key,
    t.license_name,
    t.direction,
    CASE
        WHEN t.direction = 'in' THEN CASE
            WHEN was.user_id IS NULL AND users.created_at > t.previous_captured_at THEN 'joiner'
            WHEN NOT t.saw_seats THEN 'unknown'
            WHEN was.user_id IS NULL AND t.is_rescoped THEN 'rescoped_in'
            WHEN was.user_id IS NULL AND users.created_at IS NULL THEN 'joiner'
            WHEN was.user_id IS NULL THEN 'entered_scope'
            WHEN users.is_active AND NOT was.is_active THEN 'reactivated'
            WHEN t.license_layer = 'user' AND was.is_active AND was.license_id <> t.license_id THEN 'moved'
            ELSE 'assigned'
        END
        WHEN NOT t.sees_seats THEN 'unknown'
        WHEN users.user_id IS NULL AND t.is_rescoped THEN 'rescoped_out'
        WHEN users.user_id IS NULL THEN 'left_scope'
        WHEN was.is_active AND NOT users.is_active THEN 'leaver'
        WHEN t.license_layer = 'user' AND users.is_active AND users.license_id <> t.license_id THEN 'moved'
        ELSE 'unassigned'
    END AS reason,
    t.account_class,
    t.provenance,
    t.previous_provenance,
    coalesce(t.certainty, 'sure') AS certainty
FROM judged AS t
LEFT JOIN people_now AS users
    ON users.org_id = t.org_id
    AND users.snapshot_date = t.snapshot_date
    AND users.days_back = t.days_back
    AND users.user_id = t.user_id
LEFT JOIN people_before AS was
    ON was.org_id = t.org_id
    AND was.snapshot_date = t.snapshot_date
    AND was.days_back = t.days_back
    AND was.user_id = t.user_id
