"""
The orgs this Airflow takes snapshots of, and the DAG id of each.

Imported when the DAG file is parsed, and therefore kept light.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from license_ledger.errors import ConfigError

DEFAULT_ORG = "salesforce_default"
DAG_ID = "salesforce_license_snapshot"

_ORGS, _CONFIG = "LICENSE_LEDGER_ORGS", "LICENSE_LEDGER_CONFIG"
_CONNECTION_ID = re.compile(r"[A-Za-z0-9_.-]{1,200}")


def configured_orgs(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """
    List the connection ids of the configured orgs, in the order written, each once.

    The only setting that is read while Airflow parses the DAG file. It is found as ``settings.Settings.orgs``
    is (environment over TOML file over default), without building that model.

    Raises:
        ConfigError: naming an id that cannot be part of a DAG id, or the settings file that cannot be read.
    """
    env = os.environ if environ is None else environ
    value: object = env.get(_ORGS)
    if value is None and env.get(_CONFIG):
        value = _from_file(Path(env[_CONFIG]))
    if value is None:
        return (DEFAULT_ORG,)
    orgs = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(orgs, list) or not orgs:
        raise ConfigError(f"setting {_ORGS}", "names no connection", "name one Airflow connection id per org")
    for org in orgs:
        if not isinstance(org, str) or not _CONNECTION_ID.fullmatch(org):
            raise ConfigError(
                f"setting {_ORGS}: {org!r}",
                "is not an Airflow connection id that can be part of a DAG id",
                "use letters, digits, dashes, dots and underscores",
            )
    return tuple(dict.fromkeys(orgs))


def dag_id(org: str) -> str:
    """The id of an org's DAG; the default org's has no suffix."""
    return DAG_ID if org == DEFAULT_ORG else f"{DAG_ID}__{org}"


def _from_file(path: Path) -> object:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("orgs")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"settings file {path}", str(error), f"correct {_CONFIG}") from None
