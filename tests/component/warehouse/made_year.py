"""A year of daily snapshots in a warehouse file, made by the database itself: people come, go and move."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
from made_snapshots import ORG

from license_ledger.schemas import TABLES
from license_ledger.warehouse import ddl
from license_ledger.warehouse.connection import configuration
from license_ledger.warehouse.duckdb import STORAGE_VERSION, prepare

FIRST = date(2025, 7, 1)

CHUNK = 15
"""Days that are made at a time."""

_DAYS = """
CREATE OR REPLACE TEMP TABLE days AS
SELECT CAST(age AS INTEGER) AS age, $first + CAST(age AS INTEGER) AS snapshot_date
FROM range($since, $upto) AS numbers (age)
"""
_PEOPLE = """
CREATE OR REPLACE TEMP TABLE people AS
SELECT
    age,
    snapshot_date,
    n,
    '005' || lpad(CAST(n AS VARCHAR), 12, '0') || 'AAA' AS user_id,
    NOT (n % 5 = 0 AND age >= n % 500) AS is_active,
    CASE WHEN n % 7 = 1 AND age >= n % 400 THEN 2 ELSE 1 END AS license,
    CASE WHEN n % 6 = 2 AND age >= n % 700 THEN 1 ELSE 0 END AS moved,
    TIMESTAMPTZ '2025-01-01 00:00:00+00'
        + to_days(CAST(CASE WHEN n % 50 = 3 THEN 181 + n % 365 ELSE 0 END AS INTEGER)) AS created_at
FROM days
CROSS JOIN range($users) AS numbers (n)
WHERE n % 50 <> 3 OR age > n % 365
ORDER BY age
"""
_ROWS = {
    "snapshots": """
        SELECT snapshot_date, 's' || age AS snapshot_id, 'observed' AS provenance,
            CAST(snapshot_date AS TIMESTAMPTZ) AS captured_at, 'Acme' AS org_name, FALSE AS is_sandbox,
            ['*'] AS company_names, 'scope' AS scope_hash, '64.0' AS api_version, '{}' AS "rows",
            '[]' AS capabilities, '{}' AS out_of_scope, 5 AS api_calls, 0 AS unexplained_count,
            '0' AS ledger_version, '1.0' AS schema_version, FALSE AS is_partial, '{}' AS manifest
        FROM days
    """,
    "users": """
        SELECT snapshot_date, user_id, 'user' || n || '@acme.com.login' AS username,
            'user' || n || '@acme.com' AS email, 'acme.com' AS email_domain, 'Person ' || n AS name,
            'Acme Corporation' AS company_name,
            'Department of things ' || (n % 50 + moved) AS department, 'Title ' || n % 200 AS title,
            'DE' AS country, 'Standard' AS user_type, 'employee' AS account_class, 'everyone' AS scope_reason,
            is_active, FALSE AS is_frozen, '00e00000000000' || license || 'AAA' AS profile_id,
            'Standard User ' || license AS profile_name, '10000000000000' || license || 'AAA' AS license_id,
            'SFDC' || license AS license_key, 'Salesforce ' || license AS license_name,
            CAST(snapshot_date AS TIMESTAMPTZ) AS last_login_at, '0-30' AS activity_band, created_at,
            'sure' AS certainty
        FROM people
    """,
    "seats": """
        SELECT snapshot_date, user_id, l.layer AS license_layer, l.id AS license_id, l.id AS license_key,
            l.id AS license_name, is_active, FALSE AS is_frozen, '0-30' AS activity_band,
            'employee' AS account_class,
            CASE WHEN is_active THEN 'in_scope' ELSE 'deactivated_holder' END AS cause, 'sure' AS certainty
        FROM people
        CROSS JOIN (
            VALUES
                ('user', '100000000000001AAA', 0), ('user', '100000000000002AAA', 0),
                ('permission_set', '0PL000000000001AAA', 1), ('permission_set', '0PL000000000002AAA', 2),
                ('package', '050000000000001AAA', 3)
        ) AS l (layer, id, share)
        WHERE CASE l.layer
            WHEN 'user' THEN is_active AND l.id = '10000000000000' || license || 'AAA'
            ELSE (n + moved) % l.share = 0
        END
    """,
    "licenses": """
        SELECT snapshot_date, license_layer, license_id, license_id AS license_key,
            license_id AS license_name, 'Active' AS status, FALSE AS is_unlimited,
            12000 + 10 * (age // 90) AS total_count, count(*) AS used_count,
            12000 + 10 * (age // 90) - count(*) AS available_count,
            CAST(snapshot_date AS TIMESTAMPTZ) AS used_as_of, DATE '2026-08-31' AS expires_on,
            'all_assignees' AS count_basis, count(CASE WHEN is_active THEN 1 END) AS active_holder_count,
            count(*) AS all_holder_count, count(CASE WHEN is_active THEN 1 END) AS in_scope_count,
            'sure' AS certainty
        FROM days
        INNER JOIN seats USING (snapshot_date)
        GROUP BY age, snapshot_date, license_layer, license_id
    """,
    "control_totals": """
        SELECT snapshot_date, license_layer, license_id, license_key,
            snapshot_date - CAST(back AS INTEGER) AS metrics_on, used_count AS assigned_count,
            used_count // 2 AS active_count, total_count
        FROM days
        INNER JOIN licenses USING (snapshot_date)
        CROSS JOIN range(120) AS metrics (back)
        WHERE license_layer <> 'package' AND (age = 0 OR back <= 35)
    """,
}


def made_year(path: Path, users: int, days: int) -> None:
    """Write that many days of that many users, from :data:`FIRST` on."""
    config = configuration("1GB", 2) | {"storage_compatibility_version": STORAGE_VERSION}
    with duckdb.connect(str(path), config=config) as connection:
        prepare(connection)
        connection.execute("SET TimeZone = 'UTC'")
        for since in range(0, days, CHUNK):
            connection.begin()
            upto = min(since + CHUNK, days)
            connection.execute(_DAYS, {"first": FIRST, "since": since, "upto": upto})
            connection.execute(_PEOPLE, {"users": users})
            for name, query in _ROWS.items():
                connection.execute(
                    f"INSERT INTO {ddl.quoted(name)} BY NAME SELECT $org AS org_id, * FROM ({query})",
                    {"org": ORG},
                )
            connection.commit()
    assert {*_ROWS, "mismatches"} == {table.name for table in TABLES}
