-- Which departments hold which licenses, and do they use them? For people who pay by department and need not
-- know who is in it. Departments of fewer than five people in scope are told together, as small departments;
-- if those are fewer than five people, the next larger department is told with them, and when there is none,
-- nothing is told of any. People without a department are told together as well, and count as a department.
-- Grain: a department and license, of an org on a day; small departments are one row per license.
-- is_latest: Whether this is the newest day of the org.
-- is_small_departments: Whether the row is of several departments, which are not named.
-- department_people_count: Active people in scope in the department, or departments, whatever they hold.
-- active_seat_count: Active seats in scope: those of people who are not deactivated.
-- seen_in_30_days_count: Of them, seats of people who logged in within 30 days.
-- not_seen_in_90_days_count: Of them, seats of people without a login in the last 90 days, or ever.
-- frozen_count: Of them, seats of people whose login is blocked for now.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
departments AS (
    SELECT
        org_id,
        snapshot_date,
        coalesce(department, '') AS department,
        count(*) AS people_count
    FROM users
    WHERE is_active
    GROUP BY org_id, snapshot_date, coalesce(department, '')
),
ordered AS (
    SELECT
        org_id,
        snapshot_date,
        department,
        people_count,
        sum(CASE WHEN people_count < 5 THEN people_count ELSE 0 END) OVER (PARTITION BY org_id, snapshot_date)
            AS small_people_count,
        row_number() OVER (
            PARTITION BY org_id, snapshot_date, people_count < 5 ORDER BY people_count, department
        ) AS place
    FROM departments
),
folded AS (
    SELECT
        org_id,
        snapshot_date,
        department,
        people_count,
        people_count < 5 OR (place = 1 AND small_people_count > 0 AND small_people_count < 5) AS is_small
    FROM ordered
),
told AS (
    SELECT
        org_id,
        snapshot_date,
        is_small,
        CASE WHEN NOT is_small THEN department END AS department,
        CAST(sum(people_count) AS BIGINT) AS people_count
    FROM folded
    GROUP BY org_id, snapshot_date, is_small, CASE WHEN NOT is_small THEN department END
)
SELECT
    g.org_id,
    g.snapshot_date,
    g.snapshot_date = max(latest.snapshot_date) AS is_latest,
    nullif(g.department, '') AS department,
    g.is_small AS is_small_departments,
    g.people_count AS department_people_count,
    seats.license_layer,
    seats.license_id,
    max(seats.license_key) AS license_key,
    max(seats.license_name) AS license_name,
    count(*) AS active_seat_count,
    count(CASE WHEN seats.activity_band = '0-30' THEN 1 END) AS seen_in_30_days_count,
    count(CASE WHEN seats.activity_band IN ('91-180', '181+', 'never') THEN 1 END)
        AS not_seen_in_90_days_count,
    count(CASE WHEN seats.is_frozen THEN 1 END) AS frozen_count
FROM users
INNER JOIN folded AS f
    ON f.org_id = users.org_id
    AND f.snapshot_date = users.snapshot_date
    AND f.department = coalesce(users.department, '')
INNER JOIN told AS g
    ON g.org_id = f.org_id
    AND g.snapshot_date = f.snapshot_date
    AND g.is_small = f.is_small
    AND (g.is_small OR g.department = f.department)
INNER JOIN seats
    ON seats.org_id = users.org_id
    AND seats.snapshot_date = users.snapshot_date
    AND seats.user_id = users.user_id
INNER JOIN latest ON latest.org_id = g.org_id
WHERE seats.is_active AND g.people_count >= 5
GROUP BY
    g.org_id,
    g.snapshot_date,
    g.department,
    g.is_small,
    g.people_count,
    seats.license_layer,
    seats.license_id
