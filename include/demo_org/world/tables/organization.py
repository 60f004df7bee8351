"""The `Organization` table and the one group every org has."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa

from demo_org.world.catalogue.companies import ENTITY_NAMES
from demo_org.world.population import Population
from demo_org.world.tables.columns import MOMENT, Source, small
from demo_org.world.tables.licenses import FOUNDED_DAYS, at
from demo_org.world.timelines import DAY

TEXT, FLAG, COUNT = pa.string(), pa.bool_(), pa.int64()
PRODUCTION, SANDBOX = "EU47", "CS126"
"""Instance names."""


def organization(people: Population) -> Source:
    """Return the `Organization` table, one row."""
    sandbox = people.options.sandbox
    founded = at(people.anchor - FOUNDED_DAYS * DAY)
    return small(
        {
            "Id": ([people.org_id], TEXT),
            "Name": ([ENTITY_NAMES[0]], TEXT),
            "Street": (["1 Harbour Lane"], TEXT),
            "City": (["Berlin"], TEXT),
            "PostalCode": (["10115"], TEXT),
            "Country": (["Germany"], TEXT),
            "CountryCode": (["DE"], TEXT),
            "PrimaryContact": (["Paula Adler"], TEXT),
            "DefaultLocaleSidKey": (["en_US"], TEXT),
            "TimeZoneSidKey": (["Europe/Berlin"], TEXT),
            "LanguageLocaleKey": (["en_US"], TEXT),
            "PreferencesLightningLoginEnabled": ([True], FLAG),
            "FiscalYearStartMonth": ([1], COUNT),
            "OrganizationType": (["Enterprise Edition"], TEXT),
            "InstanceName": ([SANDBOX if sandbox else PRODUCTION], TEXT),
            "IsSandbox": ([sandbox], FLAG),
            "TrialExpirationDate": ([at(people.end) + timedelta(days=30) if sandbox else None], MOMENT),
            "SignupCountryIsoCode": (["DE"], TEXT),
            "MonthlyPageViewsUsed": ([4_711], COUNT),
            "MonthlyPageViewsEntitlement": ([1_000_000], COUNT),
            "CreatedDate": ([founded], MOMENT),
            "CreatedById": ([people.admin_id], TEXT),
            "LastModifiedDate": ([founded], MOMENT),
            "LastModifiedById": ([people.admin_id], TEXT),
            "SystemModstamp": ([founded], MOMENT),
        }
    )


def groups(people: Population) -> Source:
    """Return the `Group` table: the group of all internal users."""
    founded = at(people.anchor - FOUNDED_DAYS * DAY)
    return small(
        {
            "Id": ([people.id_of("00G", 1)], TEXT),
            "Name": (["All Internal Users"], TEXT),
            "DeveloperName": (["AllInternalUsers"], TEXT),
            "Type": (["Organization"], TEXT),
            "OwnerId": ([people.org_id], TEXT),
            "CreatedDate": ([founded], MOMENT),
            "CreatedById": ([people.admin_id], TEXT),
            "LastModifiedDate": ([founded], MOMENT),
            "LastModifiedById": ([people.admin_id], TEXT),
            "SystemModstamp": ([founded], MOMENT),
        }
    )
