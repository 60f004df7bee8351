"""Accounts and contacts: the real companies of partners and customers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.draws import Ints
from demo_org.world.emails import partner_domains
from demo_org.world.population import Population, moments
from demo_org.world.tables.columns import Maker, Source, constant
from demo_org.world.tables.person_texts import account_names
from demo_org.world.tables.users import Users

TEXT = pa.string()


def accounts(people: Population) -> Source:
    """Return the `Account` table; accounts are as old as the org."""
    when = people.anchor - 2_000 * 86_400

    def stamp(keys: Ints) -> pa.Array:
        return moments(np.full(keys.size, when))

    makers: dict[str, Maker] = {
        "Id": lambda keys: people.ids("001", keys + 1),
        "Name": account_names,
        "Type": constant("Channel Partner", TEXT),
        "Website": lambda keys: pc.binary_join_element_wise("https://", partner_domains(people, keys), ""),
        "BillingCountry": constant("Germany", TEXT),
        "BillingCountryCode": constant("DE", TEXT),
        "NumberOfEmployees": lambda keys: pa.array(5 + people.draws.below("employees", keys, 5_000)),
        "IsPartner": lambda keys: pa.array(people.draws.chance("partner account", keys, 0.4)),
        "IsCustomerPortal": constant(True, pa.bool_()),
        "OwnerId": constant(people.admin_id, TEXT),
        "CreatedDate": stamp,
        "CreatedById": constant(people.admin_id, TEXT),
        "LastModifiedDate": stamp,
        "LastModifiedById": constant(people.admin_id, TEXT),
        "SystemModstamp": stamp,
    }
    return Source(np.arange(people.account_count), makers)


def contacts(people: Population, moment: int) -> Source:
    """Return the `Contact` table: one for each external user."""
    users = Users(people, moment).source().makers
    rows = people.lines.rows_at(moment)
    makers: dict[str, Maker] = {
        "Id": lambda keys: people.ids("003", keys + 1),
        "AccountId": lambda keys: people.ids("001", people.account_of(keys) + 1),
        "OwnerId": constant(people.admin_id, TEXT),
        "CreatedById": constant(people.admin_id, TEXT),
        "LastModifiedDate": users["CreatedDate"],
        "LastModifiedById": constant(people.admin_id, TEXT),
        "SystemModstamp": users["CreatedDate"],
    }
    for name in ("FirstName", "LastName", "Name", "Email", "Phone", "Title", "Department", "CreatedDate"):
        makers[name] = users[name]
    return Source(rows[people.is_external(rows)], makers)
