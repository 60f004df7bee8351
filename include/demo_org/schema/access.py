"""Profiles, roles and permission sets: what decides which license a user is on."""

from __future__ import annotations

from demo_org.schema.definitions import ChildRelationship
from demo_org.schema.notation import (
    audit,
    choice,
    flag,
    identifier,
    modified,
    moment,
    plain_flag,
    reference,
    stamp,
    text,
    viewed,
)
from demo_org.schema.objects import ObjectDef
from demo_org.schema.permissions import ON_PROFILES, PERMISSIONS
from demo_org.schema.user import LANGUAGES, USER_TYPES

SEE_PERMISSION_SETS = (
    "ViewSetup|ManageSessionPermissionSets|AssignPermissionSets|ManageProfilesPermissionsets"
)

PROFILE = ObjectDef(
    "Profile",
    "Profile",
    "Profiles",
    "00e",
    (
        identifier(),
        text("Name", 255, nillable=False, name_field=True, id_lookup=True, updateable=True),
        *(plain_flag(f"Permissions{ON_PROFILES.get(name, name)}", updateable=True) for name in PERMISSIONS),
        reference("UserLicenseId", "UserLicense", nillable=False),
        choice("UserType", USER_TYPES),
        *audit(),
        text("Description", 255, updateable=True),
        reference("DefaultApplicationId", "CustomApplication", relationship=None),
        *viewed(),
    ),
    createable=True,
    updateable=True,
    deletable=True,
    child_relationships=(
        ChildRelationship("User", "ProfileId", "Users"),
        ChildRelationship("PermissionSet", "ProfileId", None),
        ChildRelationship("ActiveProfileMetric", "ProfileId", None),
    ),
)

USER_ROLE = ObjectDef(
    "UserRole",
    "Role",
    "Roles",
    "00E",
    (
        identifier(),
        text("Name", 80, nillable=False, name_field=True, createable=True, updateable=True),
        reference("ParentRoleId", "UserRole", relationship=None, createable=True, updateable=True),
        text("RollupDescription", 80, createable=True, updateable=True),
        choice("OpportunityAccessForAccountOwner", ("None", "Read", "Edit"), nillable=False, default="Edit"),
        choice("CaseAccessForAccountOwner", ("None", "Read", "Edit"), default="Edit"),
        choice("ContactAccessForAccountOwner", ("None", "Read", "Edit"), default="Edit"),
        reference("ForecastUserId", "User", relationship=None),
        flag("MayForecastManagerShare"),
        *modified(),
        stamp(),
        text("DeveloperName", 80, createable=True, updateable=True),
        reference("PortalAccountId", "Account", relationship=None, permission="DigitalExperiences"),
        choice(
            "PortalType",
            ("None", "CustomerPortal", "Partner"),
            permission="DigitalExperiences",
            default="None",
        ),
        choice("PortalRole", ("Executive", "Manager", "Worker"), permission="DigitalExperiences"),
        reference("PortalAccountOwnerId", "User", relationship=None, permission="DigitalExperiences"),
    ),
    replicateable=True,
    createable=True,
    updateable=True,
    deletable=True,
    permission="ViewRoles",
    child_relationships=(ChildRelationship("User", "UserRoleId", "Users"),),
)

PERMISSION_SET = ObjectDef(
    "PermissionSet",
    "Permission Set",
    "Permission Sets",
    "0PS",
    (
        identifier(),
        text("Name", 80, nillable=False, name_field=True, createable=True, updateable=True),
        text("Label", 80, nillable=False, createable=True, updateable=True),
        reference("LicenseId", "PermissionSetLicense", "UserLicense", createable=True),
        reference("ProfileId", "Profile"),
        flag("IsOwnedByProfile"),
        flag("IsCustom"),
        *(plain_flag(f"Permissions{name}", createable=True, updateable=True) for name in PERMISSIONS),
        text("Description", 255, createable=True, updateable=True),
        *audit(),
        text("NamespacePrefix", 15),
        flag("HasActivationRequired", createable=True, updateable=True),
        reference("PermissionSetGroupId", "PermissionSetGroup"),
        choice("Type", ("Regular", "Standard", "Session", "Profile", "Group")),
    ),
    createable=True,
    updateable=True,
    deletable=True,
    permission=SEE_PERMISSION_SETS,
    child_relationships=(
        ChildRelationship("PermissionSetAssignment", "PermissionSetId", "Assignments"),
        ChildRelationship("PermissionSetGroupComponent", "PermissionSetId", "PermissionSetGroupComponents"),
    ),
)

PERMISSION_SET_ASSIGNMENT = ObjectDef(
    "PermissionSetAssignment",
    "Permission Set Assignment",
    "Permission Set Assignments",
    "0Pa",
    (
        identifier(),
        reference("PermissionSetId", "PermissionSet", createable=True),
        reference("PermissionSetGroupId", "PermissionSetGroup", createable=True),
        reference("AssigneeId", "User", nillable=False, createable=True),
        stamp(),
        moment("ExpirationDate", createable=True),
        flag("IsActive", default=True),
        flag("IsRevoked"),
    ),
    createable=True,
    deletable=True,
    own_rows_only_without="ViewSetup|AssignPermissionSets|ManageUsers",
)

PERMISSION_SET_GROUP = ObjectDef(
    "PermissionSetGroup",
    "Permission Set Group",
    "Permission Set Groups",
    "0PG",
    (
        identifier(),
        flag("IsDeleted"),
        text("DeveloperName", 80, nillable=False, createable=True, updateable=True),
        choice("Language", LANGUAGES),
        text("MasterLabel", 80, nillable=False, name_field=True, createable=True, updateable=True),
        text("NamespacePrefix", 15),
        *audit(),
        text("Description", 255, createable=True, updateable=True),
        choice("Status", ("Updated", "Outdated", "Updating", "Failed"), nillable=False),
        flag("HasActivationRequired"),
    ),
    createable=True,
    updateable=True,
    deletable=True,
    permission=SEE_PERMISSION_SETS,
    child_relationships=(
        ChildRelationship(
            "PermissionSetGroupComponent", "PermissionSetGroupId", "PermissionSetGroupComponents"
        ),
        ChildRelationship("PermissionSetAssignment", "PermissionSetGroupId", "Assignments"),
    ),
)

PERMISSION_SET_GROUP_COMPONENT = ObjectDef(
    "PermissionSetGroupComponent",
    "Permission Set Group Component",
    "Permission Set Group Components",
    "0PM",
    (
        identifier(),
        flag("IsDeleted"),
        *audit(),
        reference("PermissionSetGroupId", "PermissionSetGroup", nillable=False, createable=True),
        reference("PermissionSetId", "PermissionSet", nillable=False, createable=True),
    ),
    createable=True,
    deletable=True,
    permission=SEE_PERMISSION_SETS,
)

GROUP = ObjectDef(
    "Group",
    "Group",
    "Groups",
    "00G",
    (
        identifier(),
        text("Name", 40, nillable=False, name_field=True),
        text("DeveloperName", 80),
        reference("RelatedId", "User", "UserRole", relationship="Related"),
        choice("Type", ("Regular", "Role", "RoleAndSubordinates", "Organization", "Queue"), nillable=False),
        text("Email", 255),
        reference("OwnerId", "User", "Organization", nillable=False),
        flag("DoesSendEmailToMembers"),
        flag("DoesIncludeBosses"),
        *audit(),
    ),
    replicateable=True,
    createable=True,
    updateable=True,
    deletable=True,
)

ACCESS_OBJECTS: tuple[ObjectDef, ...] = (
    PROFILE,
    USER_ROLE,
    PERMISSION_SET,
    PERMISSION_SET_ASSIGNMENT,
    PERMISSION_SET_GROUP,
    PERMISSION_SET_GROUP_COMPONENT,
    GROUP,
)
