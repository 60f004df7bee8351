-- When will a license run out, if its use goes on as in the last 90 days? A straight line is fitted to
-- used_count (least squares). Told is the day on which it reaches what is bought, and the earliest and latest day
-- between which a single day's count reaches it, with 90 % probability if the days scatter around the line
-- independently. Where the line says nothing, the reason is told instead of a number.
-- Grain: a license of an org, as seen from its newest day.
-- reason: Why there is no forecast: no_counter, unlimited, no_total, too_few_points (fewer than 8 days with a
--   counter, or less than 14 days from the first to the last), not_growing (less than a seat in 90 days, or not
--   to be told from none), beyond_ten_years; exhausted when nothing is left today. Empty when there is one.
-- days_to_exhaustion: Days from snapshot_date until the line reaches total_count; 0 when exhausted.
-- earliest_days: Lower end of the interval.
-- latest_days: Upper end of the interval.
-- exhausted_on: The day that is days_to_exhaustion ahead.
-- earliest_on: The day that is earliest_days ahead.
-- latest_on: The day that is latest_days ahead.
-- seats_per_30_days: Slope of the line. Empty when there are too few points.
-- point_count: Days that the line was fitted to.
-- first_on: The first of them.
-- last_on: The last of them.
-- observed_count: Points whose snapshot was observed.
-- replayed_count: Points whose snapshot was replayed.
-- reconstructed_count: Points whose snapshot was reconstructed.
WITH newest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
points AS (
    SELECT
        l.org_id,
        l.license_layer,
        l.license_id,
        l.snapshot_date,
        s.provenance,
        CAST(l.snapshot_date - newest.snapshot_date AS DOUBLE PRECISION) AS x,
        CAST(l.used_count AS DOUBLE PRECISION) AS y
    FROM licenses AS l
    INNER JOIN newest ON newest.org_id = l.org_id
    INNER JOIN snapshots AS s ON s.org_id = l.org_id AND s.snapshot_date = l.snapshot_date
    WHERE l.used_count IS NOT NULL AND l.snapshot_date > newest.snapshot_date - 90
),
fitted AS (
    SELECT
        org_id,
        license_layer,
        license_id,
        count(*) AS point_count,
        min(snapshot_date) AS first_on,
        max(snapshot_date) AS last_on,
        count(CASE WHEN provenance = 'observed' THEN 1 END) AS observed_count,
        count(CASE WHEN provenance = 'replayed' THEN 1 END) AS replayed_count,
        count(CASE WHEN provenance = 'reconstructed' THEN 1 END) AS reconstructed_count,
        avg(x) AS mean_x,
        avg(y) AS mean_y,
        regr_slope(y, x) AS slope,
        regr_sxx(y, x) AS sxx,
        regr_syy(y, x) AS syy,
        regr_sxy(y, x) AS sxy
    FROM points
    GROUP BY org_id, license_layer, license_id
),
tested AS (
    SELECT
        f.*,
        -- The quantile of Student's t for 90 % is expanded around the normal one (Cornish and Fisher), which is
        -- within a thousandth of it from six degrees of freedom on.
        power(
            1.6448536 + 1.5237691 / (f.point_count - 2) + 1.4202029 / power(f.point_count - 2, 2)
            + 0.9830014 / power(f.point_count - 2, 3),
            2
        ) * greatest(f.syy - f.slope * f.sxy, 0) / (f.point_count - 2) AS spread
    FROM fitted AS f
    WHERE f.point_count >= 8 AND f.last_on - f.first_on >= 14
),
solved AS (
    SELECT
        l.org_id,
        l.license_layer,
        l.license_id,
        t.slope,
        t.slope * t.slope - t.spread / t.sxx AS determinant,
        t.mean_x,
        t.mean_x + (l.total_count - t.mean_y) / t.slope AS crossing,
        t.slope * (l.total_count - t.mean_y) AS middle,
        t.spread * (
            greatest(t.slope * t.slope - t.spread / t.sxx, 0) * (1 + CAST(1 AS DOUBLE PRECISION) / t.point_count)
            + power(l.total_count - t.mean_y, 2) / t.sxx
        ) AS half_squared
    FROM tested AS t
    INNER JOIN newest ON newest.org_id = t.org_id
    INNER JOIN licenses AS l
        ON l.org_id = t.org_id
        AND l.snapshot_date = newest.snapshot_date
        AND l.license_layer = t.license_layer
        AND l.license_id = t.license_id
    WHERE t.slope * 90 >= 1
),
bounded AS (
    SELECT
        org_id,
        license_layer,
        license_id,
        ceil(greatest(crossing, 0)) AS days,
        floor(greatest(mean_x + (middle - sqrt(half_squared)) / determinant, 0)) AS earliest,
        ceil(greatest(mean_x + (middle + sqrt(half_squared)) / determinant, 0)) AS latest
    FROM solved
    WHERE determinant > 0
),
reasoned AS (
    SELECT
        l.org_id,
        l.snapshot_date,
        l.license_layer,
        l.license_id,
        l.license_key,
        l.license_name,
        l.is_unlimited,
        l.total_count,
        l.used_count,
        l.available_count,
        CASE
            WHEN l.used_count IS NULL THEN 'no_counter'
            WHEN l.is_unlimited THEN 'unlimited'
            WHEN l.total_count IS NULL THEN 'no_total'
            WHEN l.used_count >= l.total_count THEN 'exhausted'
            WHEN t.point_count IS NULL THEN 'too_few_points'
            WHEN b.days IS NULL THEN 'not_growing'
            WHEN b.days > 3650 THEN 'beyond_ten_years'
        END AS reason,
        b.days,
        b.earliest,
        b.latest,
        t.slope,
        f.point_count,
        f.first_on,
        f.last_on,
        f.observed_count,
        f.replayed_count,
        f.reconstructed_count
    FROM licenses AS l
    INNER JOIN newest ON newest.org_id = l.org_id AND newest.snapshot_date = l.snapshot_date
    LEFT JOIN fitted AS f
        ON f.org_id = l.org_id AND f.license_layer = l.license_layer AND f.license_id = l.license_id
    LEFT JOIN tested AS t
        ON t.org_id = l.org_id AND t.license_layer = l.license_layer AND t.license_id = l.license_id
    LEFT JOIN bounded AS b
        ON b.org_id = l.org_id AND b.license_layer = l.license_layer AND b.license_id = l.license_id
),
told AS (
    SELECT
        r.*,
        CASE WHEN r.reason = 'exhausted' THEN 0 WHEN r.reason IS NULL THEN CAST(r.days AS INTEGER) END
            AS days_to_exhaustion,
        CASE WHEN r.reason IS NULL THEN CAST(r.earliest AS INTEGER) END AS earliest_days,
        CASE WHEN r.reason IS NULL AND r.latest <= 36500 THEN CAST(r.latest AS INTEGER) END AS latest_days
    FROM reasoned AS r
)
SELECT
    org_id,
    snapshot_date,
    license_layer,
    license_id,
    license_key,
    license_name,
    is_unlimited,
    total_count,
    used_count,
    available_count,
    reason,
    days_to_exhaustion,
    earliest_days,
    latest_days,
    snapshot_date + days_to_exhaustion AS exhausted_on,
    snapshot_date + earliest_days AS earliest_on,
    snapshot_date + latest_days AS latest_on,
    CAST(30 * slope AS NUMERIC(38, 1)) AS seats_per_30_days,
    coalesce(point_count, 0) AS point_count,
    first_on,
    last_on,
    coalesce(observed_count, 0) AS observed_count,
    coalesce(replayed_count, 0) AS replayed_count,
    coalesce(reconstructed_count, 0) AS reconstructed_count
FROM told
