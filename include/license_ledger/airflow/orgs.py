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
from license_ledger.pools import org_pool

DEFAULT_ORG = "salesforce_default"
DAG_ID = "salesforce_license_snapshot"

_PREFIX = "LICENSE_LEDGER_"
_ORGS, _CONFIG = f"{_PREFIX}ORGS", f"{_PREFIX}CONFIG"
_POOLS = f"{_PREFIX}ORG_POOLS"
_TRUE = {"1", "true", "t", "yes", "y", "on"}
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
    value = parse_time_setting(_ORGS, env)
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


def pool(org: str, environ: Mapping[str, str] | None = None) -> str:
    """
    The Airflow pool of the tasks that ask an org.

    Read like the list of orgs, because a pool is part of the DAG.

    Raises:
        ConfigError: the settings file cannot be read.
    """
    value = parse_time_setting(_POOLS, os.environ if environ is None else environ)
    return org_pool(org) if str(value).strip().lower() in _TRUE else "default_pool"


def parse_time_setting(variable: str, environ: Mapping[str, str]) -> object:
    """
    Find a setting that the DAG itself depends on, as the settings would, without building their model.

    Args:
        variable: its environment variable.
        environ: where it is looked for; then in the TOML file that this names.

    Returns:
        What is written there; None when nothing is.

    Raises:
        ConfigError: the file cannot be read.
    """
    value: object = environ.get(variable)
    if value is None and environ.get(_CONFIG):
        value = _file(Path(environ[_CONFIG])).get(variable.removeprefix(_PREFIX).lower())
    return value


def _file(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"settings file {path}", str(error), f"correct {_CONFIG}") from None
