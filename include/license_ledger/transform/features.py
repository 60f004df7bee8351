"""
Feature licenses: check boxes on the user, one per feature that the org offers. Constants and names only.

Source: Object Reference, User.UserPermissions… and ActiveFeatureLicenseMetric.FeatureType.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PREFIX = "UserPermissions"
_PREFERENCES = frozenset({"UserPermissionsCallCenterAutoLogin"})
_LABELS = {
    "AvantgoUser": "AvantGo User",
    "ChatterAnswersUser": "Chatter Answers User",
    "InteractionUser": "Flow User",
    "JigsawProspectingUser": "Data.com User",
    "KnowledgeUser": "Knowledge User",
    "LiveAgentUser": "Chat User",
    "MarketingUser": "Marketing User",
    "MobileUser": "Apex Mobile User",
    "OfflineUser": "Offline User",
    "SFContentUser": "Salesforce CRM Content User",
    "SiteforceContributorUser": "Site.com Contributor User",
    "SiteforcePublisherUser": "Site.com Publisher User",
    "SupportUser": "Service Cloud User",
    "WirelessUser": "Wireless User",
    "WorkDotComUserFeature": "WDC User",
}


def feature_flags(fields: Iterable[str]) -> tuple[str, ...]:
    """
    Pick the feature licenses among the fields of User.

    Args:
        fields: API names that the org offers.

    Returns:
        The names that are feature licenses, sorted; ``UserPermissionsCallCenterAutoLogin`` is a preference.
    """
    return tuple(
        sorted(name for name in set(fields) if name.startswith(_PREFIX) and name not in _PREFERENCES)
    )


def feature_type(flag: str) -> str:
    """The feature type of a flag, which is id and key of the license: its name without the prefix."""
    return flag.removeprefix(_PREFIX)


def feature_label(feature: str) -> str:
    """The name Setup shows for a feature type; an unknown type is spelled out word by word."""
    return _LABELS.get(feature) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", feature)
