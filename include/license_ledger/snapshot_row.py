"""The row of table ``snapshots``: where a snapshot comes from and which settings made it. No Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from license_ledger import __version__
from license_ledger.privacy.concealment import stricter
from license_ledger.run import RunContext
from license_ledger.settings import Settings
from license_ledger.transform.scope import ScopeRules, parse_rules

DECIDING = ("external_users", "service_accounts", "retain_out_of_scope", "mismatch_tolerance")
"""Settings besides the filter and the legal entities that decide what the tables say."""

HOLDING = ("User", "Profile", "PermissionSetLicenseAssign", "UserPackageLicense")
"""Objects that list people or holders; without one of them somebody who is missing may still be there."""


def scope_rules(context: RunContext) -> ScopeRules:
    """The company filter of a run. Raises ConfigError naming the entry that is wrong."""
    settings = context.settings
    return parse_rules(
        context.company_names,
        settings.legal_entities,
        external_users=settings.external_users,
        service_accounts=settings.service_accounts,
    )


def snapshot_row(
    context: RunContext,
    *,
    out_of_scope: Mapping[str, int],
    unexplained: int,
    api_calls: int,
    certainty: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """
    Describe a snapshot.

    Args:
        context: of the run that made it.
        out_of_scope: users left out, per scope reason.
        unexplained: unexplained seats of all licenses, whichever their sign.
        api_calls: spent by this run.
        certainty: what a reconstruction says of itself; None for other snapshots.

    Returns:
        The row, without what publishing decides.
    """
    rules, inspection = scope_rules(context), context.landed.inspection
    gaps = [gap["object"] for gap in inspection["capabilities"] if not gap["field"]]
    return {
        "provenance": context.provenance,
        "captured_at": context.landed.captured_at,
        "org_name": inspection["org_name"],
        "is_sandbox": inspection["is_sandbox"],
        "company_names": list(rules.company_names),
        "scope_hash": rules.scope_hash,
        "api_version": inspection["api_version"],
        "capabilities": json.dumps(inspection["capabilities"], sort_keys=True),
        "out_of_scope": json.dumps(dict(out_of_scope), sort_keys=True),
        "api_calls": api_calls,
        "unexplained_count": unexplained,
        "ledger_version": __version__,
        "built_at": context.clock(),
        "derived_from": json.dumps(landing_of(context), sort_keys=True),
        "settings": json.dumps(deciding_settings(context.settings), sort_keys=True),
        "is_partial": any(name in HOLDING for name in gaps),
        "privacy_mode": stricter(context.settings.privacy_mode, context.landed.privacy_mode),
        "certainty": None if certainty is None else json.dumps(dict(certainty), sort_keys=True),
    }


def landing_of(context: RunContext) -> dict[str, str]:
    """The landing that a run's tables are made of, as the column ``derived_from`` names it."""
    folder = context.extracted.folder
    return {"run": folder.key, "snapshot_date": folder.day.snapshot_date.isoformat()}


def deciding_settings(settings: Settings) -> dict[str, Any]:
    """The settings that decide what the tables say, besides the company filter; plain values."""
    entities = [entity.model_dump(mode="json") for entity in settings.legal_entities]
    return {"legal_entities": entities, **{name: getattr(settings, name) for name in DECIDING}}
