"""What is deployed to an org is what the ledger reads with, and no right to change anything."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from license_ledger.salesforce.credentials import DEFAULT_API_VERSION
from license_ledger.salesforce.declarations import SalesforceObject
from license_ledger.salesforce.objects import OBJECTS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "salesforce"
GUIDE = (ROOT / "docs" / "salesforce.md").read_text("utf-8")
NAMESPACE = {"m": "http://soap.sforce.com/2006/04/metadata"}
API_NAMES = {
    "API Enabled": "ApiEnabled",
    "View All Users": "ViewAllUsers",
    "View All Profiles": "ViewAllProfiles",
    "View Roles and Role Hierarchy": "ViewRoles",
    "View Setup and Configuration": "ViewSetup",
}
LEFT_OUT = {"Manage Users"}
"""Permissions that the guide leaves to the administrator."""


def granted() -> dict[str, bool]:
    """System permissions of the permission set."""
    path = SOURCE / "main" / "default" / "permissionsets" / "License_Ledger.permissionset-meta.xml"
    root = ElementTree.parse(path).getroot()
    return {
        str(each.findtext("m:name", namespaces=NAMESPACE)): each.findtext("m:enabled", namespaces=NAMESPACE)
        == "true"
        for each in root.findall("m:userPermissions", NAMESPACE)
    }


@pytest.mark.parametrize("declared", OBJECTS, ids=lambda declared: declared.name)
def test_every_object_can_be_read_or_is_left_out_on_purpose(declared: SalesforceObject) -> None:
    """The first way in that an object declares is granted, or the guide says why it is not."""
    first = declared.permission.split(" or ")[0].split(", and ")[0]

    assert first in LEFT_OUT or granted()[API_NAMES[first]]
    assert f"| {first} |" in GUIDE


def test_nothing_is_granted_that_changes_something() -> None:
    """Reading permissions and nothing else: each is in the guide, by both of its names."""
    assert granted() == dict.fromkeys(API_NAMES.values(), True)
    for label, name in API_NAMES.items():
        assert f"| {label} | `{name}` |" in GUIDE


def test_the_project_deploys_with_the_version_that_the_ledger_asks() -> None:
    """One API version for both."""
    project = json.loads((SOURCE / "sfdx-project.json").read_text("utf-8"))

    assert project["sourceApiVersion"] == DEFAULT_API_VERSION
    assert [(SOURCE / each["path"]).is_dir() for each in project["packageDirectories"]] == [True]
