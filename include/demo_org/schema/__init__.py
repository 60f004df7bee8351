"""
Objects and fields of the demo org.

Declarations only. `OBJECTS` is keyed by API name. A field or object with a `permission` is hidden unless
the running user has that permission (`ViewSetup`, `ManageUsers`, `ViewAllUsers`, ...) or the org that
feature (`World.features`: `DigitalExperiences`, `MultiCurrency`, `FeatureLicense.MarketingUser`, ...). Some
requirements are alternatives, written `A|B`: ask `visible_to(granted)` and `all_rows_visible_to(granted)`
instead of comparing.
"""

from __future__ import annotations

from demo_org.schema.access import ACCESS_OBJECTS
from demo_org.schema.crm import CRM_OBJECTS
from demo_org.schema.definitions import ChildRelationship, FieldDef
from demo_org.schema.history import HISTORY_OBJECTS
from demo_org.schema.licenses import LICENSE_OBJECTS
from demo_org.schema.objects import ObjectDef
from demo_org.schema.organization import ORGANIZATION
from demo_org.schema.user import USER

__all__ = ["OBJECTS", "ChildRelationship", "FieldDef", "ObjectDef"]

OBJECTS: dict[str, ObjectDef] = {
    item.name: item
    for item in sorted(
        (USER, ORGANIZATION, *LICENSE_OBJECTS, *ACCESS_OBJECTS, *HISTORY_OBJECTS, *CRM_OBJECTS),
        key=lambda item: item.name,
    )
}
"""Every object of the org, by API name, in the alphabetical order of the global describe call."""
