"""
Views that sqlglot cannot translate, written by hand for each dialect. May import nothing of the package.

They read lists of JSON, for which every database has words of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_GAP = ("object", "field", "missing_permission", "costs", "unlocks")
_LATEST = "(SELECT org_id, MAX(snapshot_date) AS snapshot_date FROM snapshots GROUP BY org_id)"


def _gaps(value: str, source: str) -> str:
    """The view `capability_gaps`; ``value`` takes the name of a value, ``source`` has every gap as a row."""
    columns = [
        f"  {value.format(name)} AS {name if '_' in name or name in ('costs', 'unlocks') else f'{name}_name'}"
        for name in _GAP
    ]
    listed = ",\n".join(columns)
    return (
        "SELECT\n  s.org_id,\n  s.snapshot_date,\n"
        f"  s.snapshot_date = latest.snapshot_date AS is_latest,\n{listed}\nFROM {source}"
    )


_JOINED = f"snapshots AS s\nINNER JOIN {_LATEST} AS latest\n  ON latest.org_id = s.org_id"

BY_HAND: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "snowflake": {
            "capability_gaps": _gaps(
                "gap.value:{}::VARCHAR",
                f"{_JOINED}\nCROSS JOIN LATERAL FLATTEN(input => PARSE_JSON(s.capabilities)) AS gap",
            )
        },
        "bigquery": {
            "capability_gaps": _gaps(
                "JSON_VALUE(gap, '$.{}')",
                f"{_JOINED}\nCROSS JOIN UNNEST(JSON_QUERY_ARRAY(s.capabilities)) AS gap",
            )
        },
        "redshift": {
            "capability_gaps": _gaps(
                'CAST(gap."{}" AS VARCHAR)',
                "(SELECT org_id, snapshot_date, JSON_PARSE(capabilities) AS gaps FROM snapshots) AS s\n"  # noqa: S608
                f"INNER JOIN {_LATEST} AS latest\n  ON latest.org_id = s.org_id,\n  s.gaps AS gap",
            )
        },
        "athena": {
            "capability_gaps": _gaps(
                "JSON_EXTRACT_SCALAR(gap, '$.{}')",
                f"{_JOINED}\nCROSS JOIN UNNEST(CAST(JSON_PARSE(s.capabilities) AS ARRAY(JSON))) AS t(gap)",
            )
        },
        "databricks": {
            "capability_gaps": _gaps(
                "gap['{}']",
                f"{_JOINED}\nLATERAL VIEW EXPLODE(FROM_JSON(s.capabilities, 'ARRAY<MAP<STRING, STRING>>')) "
                "g AS gap",
            )
        },
    }
)
"""Statements of views by dialect and name."""
