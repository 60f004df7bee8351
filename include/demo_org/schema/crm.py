"""Accounts and contacts, the real company of external users, and the usual objects an org has beside them."""

from __future__ import annotations

from typing import Any

from demo_org.schema.definitions import ChildRelationship, FieldDef
from demo_org.schema.notation import (
    address,
    amount,
    audit,
    choice,
    day,
    email,
    flag,
    identifier,
    long_text,
    make,
    moment,
    phone,
    reference,
    text,
    url,
    viewed,
    whole,
)
from demo_org.schema.objects import ObjectDef

WRITE: dict[str, Any] = {"createable": True, "updateable": True}
EVERYDAY: dict[str, Any] = {
    "replicateable": True,
    "createable": True,
    "updateable": True,
    "deletable": True,
    "undeletable": True,
    "searchable": True,
    "layoutable": True,
    "triggerable": True,
    "mru_enabled": True,
    "feed_enabled": True,
}
"""Flags of an ordinary business object."""

INDUSTRIES = (
    "Agriculture",
    "Banking",
    "Consulting",
    "Education",
    "Energy",
    "Manufacturing",
    "Retail",
    "Technology",
)
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
CLEAN = ("Matched", "Different", "Acknowledged", "NotFound", "Inactive", "Pending", "SelectMatch", "Skipped")


def _owned() -> list[FieldDef]:
    return [reference("OwnerId", "User", nillable=False, **WRITE), *audit()]


def _person_name() -> list[FieldDef]:
    return [
        text("LastName", 80, nillable=False, compound="Name", **WRITE),
        text("FirstName", 40, compound="Name", **WRITE),
        choice("Salutation", ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof."), compound="Name", **WRITE),
        text("Name", 121, label="Full Name", nillable=False, name_field=True),
    ]


ACCOUNT = ObjectDef(
    "Account",
    "Account",
    "Accounts",
    "001",
    (
        identifier(),
        flag("IsDeleted"),
        reference("MasterRecordId", "Account"),
        text("Name", 255, label="Account Name", nillable=False, name_field=True, **WRITE),
        choice(
            "Type",
            ("Prospect", "Customer - Direct", "Customer - Channel", "Channel Partner", "Other"),
            **WRITE,
        ),
        reference("ParentId", "Account", **WRITE),
        *address("Billing"),
        *address("Shipping"),
        phone("Phone", **WRITE),
        phone("Fax", **WRITE),
        text("AccountNumber", 40, **WRITE),
        url("Website", 255, **WRITE),
        url("PhotoUrl", 255),
        text("Sic", 20, **WRITE),
        choice("Industry", INDUSTRIES, length=255, **WRITE),
        make("AnnualRevenue", "currency", precision=18, scale=0, groupable=False, **WRITE),
        whole("NumberOfEmployees", 8, label="Employees", **WRITE),
        choice("Ownership", ("Public", "Private", "Subsidiary", "Other"), length=255, **WRITE),
        text("TickerSymbol", 20, **WRITE),
        long_text("Description", 32000, **WRITE),
        choice("Rating", ("Hot", "Warm", "Cold"), length=255, **WRITE),
        text("Site", 80, **WRITE),
        *_owned(),
        day("LastActivityDate"),
        *viewed(),
        text("Jigsaw", 20, label="Data.com Key", **WRITE),
        text("JigsawCompanyId", 20),
        choice("CleanStatus", CLEAN),
        choice("AccountSource", SOURCES, length=255, **WRITE),
        text("DunsNumber", 9, **WRITE),
        text("Tradestyle", 255, **WRITE),
        text("NaicsCode", 8, **WRITE),
        text("NaicsDesc", 120, **WRITE),
        text("YearStarted", 4, **WRITE),
        text("SicDesc", 80, **WRITE),
        reference("DandbCompanyId", "DandBCompany"),
        reference("OperatingHoursId", "OperatingHours"),
        flag("IsPartner", permission="DigitalExperiences"),
        flag("IsCustomerPortal", permission="DigitalExperiences"),
        choice("CustomerPriority__c", ("High", "Medium", "Low"), length=255, **WRITE),
        choice("SLA__c", ("Platinum", "Gold", "Silver", "Bronze"), length=255, **WRITE),
        choice("Active__c", ("Yes", "No"), length=255, **WRITE),
        amount("NumberofLocations__c", 3, 0, **WRITE),
        choice("UpsellOpportunity__c", ("Yes", "Maybe", "No"), length=255, **WRITE),
        text("SLASerialNumber__c", 10, **WRITE),
        day("SLAExpirationDate__c", **WRITE),
    ),
    child_relationships=(
        ChildRelationship("Contact", "AccountId", "Contacts"),
        ChildRelationship("Account", "ParentId", "ChildAccounts"),
        ChildRelationship("Case", "AccountId", "Cases"),
        ChildRelationship("Opportunity", "AccountId", "Opportunities"),
        ChildRelationship("User", "AccountId", "Users"),
    ),
    **EVERYDAY,
)

CONTACT = ObjectDef(
    "Contact",
    "Contact",
    "Contacts",
    "003",
    (
        identifier(),
        flag("IsDeleted"),
        reference("MasterRecordId", "Contact"),
        reference("AccountId", "Account", **WRITE),
        *_person_name(),
        *address("Other"),
        *address("Mailing"),
        phone("Phone", **WRITE),
        phone("Fax", **WRITE),
        phone("MobilePhone", **WRITE),
        phone("HomePhone", **WRITE),
        phone("OtherPhone", **WRITE),
        phone("AssistantPhone", **WRITE),
        reference("ReportsToId", "Contact", **WRITE),
        email("Email", **WRITE),
        text("Title", 128, **WRITE),
        text("Department", 80, **WRITE),
        text("AssistantName", 40, **WRITE),
        choice("LeadSource", SOURCES, length=255, **WRITE),
        day("Birthdate", **WRITE),
        long_text("Description", 32000, **WRITE),
        *_owned(),
        day("LastActivityDate"),
        moment("LastCURequestDate"),
        moment("LastCUUpdateDate"),
        *viewed(),
        text("EmailBouncedReason", 255, **WRITE),
        moment("EmailBouncedDate", **WRITE),
        flag("IsEmailBounced"),
        url("PhotoUrl", 255),
        text("Jigsaw", 20, label="Data.com Key", **WRITE),
        text("JigsawContactId", 20),
        choice("CleanStatus", CLEAN),
        reference("IndividualId", "Individual", **WRITE),
    ),
    child_relationships=(
        ChildRelationship("Case", "ContactId", "Cases"),
        ChildRelationship("User", "ContactId", "Users"),
    ),
    **EVERYDAY,
)

OPPORTUNITY = ObjectDef(
    "Opportunity",
    "Opportunity",
    "Opportunities",
    "006",
    (
        identifier(),
        flag("IsDeleted"),
        reference("AccountId", "Account", **WRITE),
        flag("IsPrivate", **WRITE),
        text("Name", 120, nillable=False, name_field=True, **WRITE),
        long_text("Description", 32000, **WRITE),
        choice(
            "StageName",
            ("Prospecting", "Qualification", "Closed Won", "Closed Lost"),
            nillable=False,
            **WRITE,
        ),
        make("Amount", "currency", precision=18, scale=2, groupable=False, **WRITE),
        make("Probability", "percent", precision=3, groupable=False, **WRITE),
        day("CloseDate", nillable=False, **WRITE),
        choice("Type", ("New Business", "Existing Business"), **WRITE),
        choice("LeadSource", SOURCES, **WRITE),
        flag("IsClosed"),
        flag("IsWon"),
        *_owned(),
    ),
    **EVERYDAY,
)

LEAD = ObjectDef(
    "Lead",
    "Lead",
    "Leads",
    "00Q",
    (
        identifier(),
        flag("IsDeleted"),
        *_person_name(),
        text("Title", 128, **WRITE),
        text("Company", 255, nillable=False, **WRITE),
        *address(),
        phone("Phone", **WRITE),
        email("Email", **WRITE),
        choice("LeadSource", SOURCES, **WRITE),
        choice("Status", ("Open", "Working", "Converted"), nillable=False, **WRITE),
        flag("IsConverted"),
        *_owned(),
    ),
    **EVERYDAY,
)

CASE = ObjectDef(
    "Case",
    "Case",
    "Cases",
    "500",
    (
        identifier(),
        flag("IsDeleted"),
        text("CaseNumber", 30, nillable=False, name_field=True, id_lookup=True),
        reference("ContactId", "Contact", **WRITE),
        reference("AccountId", "Account", **WRITE),
        choice("Status", ("New", "Working", "Escalated", "Closed"), **WRITE),
        choice("Origin", ("Phone", "Email", "Web"), **WRITE),
        choice("Priority", ("High", "Medium", "Low"), **WRITE),
        text("Subject", 255, **WRITE),
        long_text("Description", 32000, **WRITE),
        flag("IsClosed"),
        moment("ClosedDate"),
        *_owned(),
    ),
    **EVERYDAY,
)

CRM_OBJECTS: tuple[ObjectDef, ...] = (ACCOUNT, CONTACT, OPPORTUNITY, LEAD, CASE)
