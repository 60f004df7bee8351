"""Users, conformed and judged by the company filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.transform.made_org import (
    AT,
    LICENSE_IDS,
    PROFILE_IDS,
    conformed,
    entity,
    lookups,
    profile_table,
    record_id,
    user_id,
    users,
)

from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.schemas import ACTIVITY_BANDS, TIMESTAMP, USERS
from license_ledger.transform.activity import bands
from license_ledger.transform.conform import PEOPLE_SCHEMA, left_out, people, published_users
from license_ledger.transform.landed import CERTAINTY, LOGIN_KNOWN
from license_ledger.transform.lookups import Lookups, frozen_users
from license_ledger.transform.scope import ScopeRules

UNKNOWN_PROFILE = record_id("00e", 999)
SYSTEM = (
    {"ProfileId": UNKNOWN_PROFILE, "UserType": "AutomatedProcess", "Email": "autoproc@00d3h000003yzckeau"},
    {"ProfileId": None, "UserType": None, "Email": "automatedclean@00d3h000003yzckeau"},
    {"ProfileId": UNKNOWN_PROFILE, "UserType": "Standard"},
    {"ProfileId": PROFILE_IDS["guest"], "UserType": "Guest"},
    {"ProfileId": PROFILE_IDS["analytics"], "UserType": "CloudIntegrationUser"},
)


def test_every_column_has_its_published_type() -> None:
    """The result has the published schema plus scope and cause, with nulls only where they are allowed."""
    rows = people(users({}, {"Email": None}), lookups(), ScopeRules.parse(["acme.com"]), AT)

    assert rows.schema == PEOPLE_SCHEMA
    assert [*USERS.arrow_schema.names, "in_scope", "holder_cause"] == rows.schema.names
    for each in rows.schema:
        assert each.nullable or not rows[each.name].null_count


def test_a_user_is_copied_joined_and_judged() -> None:
    """Every field of a user arrives unchanged, with profile, license and role joined in."""
    login = datetime(2026, 2, 1, 8, tzinfo=UTC)
    given = {
        "Username": "ann@acme.com.prod",
        "Email": " Ann@ACME.com ",
        "Name": "Ann \U0001f680 O'Neil\n",
        "CompanyName": "NA",
        "Department": "00042",
        "Division": "",
        "Title": '"',
        "Country": "DE",
        "EmployeeNumber": "007",
        "FederationIdentifier": "x",
        "UserRoleId": record_id("00E", 1),
        "LastLoginDate": login,
        "CreatedDate": login - timedelta(days=900),
        "LastModifiedDate": login,
    }
    roles = pa.table({"Id": [record_id("00E", 1)], "Name": ["Sales DACH"]})

    (row,) = conformed([given], found=lookups(roles=roles, frozen_user_ids=pa.array([user_id(0)])))

    assert {
        "user_id": user_id(0),
        "username": "ann@acme.com.prod",
        "email": " Ann@ACME.com ",
        "email_domain": "acme.com",
        "name": "Ann \U0001f680 O'Neil\n",
        "company_name": "NA",
        "department": "00042",
        "division": "",
        "title": '"',
        "country": "DE",
        "employee_number": "007",
        "federation_id": "x",
        "user_type": "Standard",
        "account_class": "employee",
        "scope_reason": "domain",
        "is_active": True,
        "is_frozen": True,
        "profile_id": PROFILE_IDS["sales"],
        "profile_name": "Profile sales",
        "role_name": "Sales DACH",
        "license_id": LICENSE_IDS["SFDC"],
        "license_key": "SFDC",
        "license_name": "Salesforce",
        "last_login_at": login,
        "activity_band": "0-30",
        "created_at": login - timedelta(days=900),
        "last_modified_at": login,
        "certainty": "sure",
        "in_scope": True,
        "holder_cause": "in_scope",
    } == row


def test_optional_fields_may_be_absent_or_all_null() -> None:
    """Without any optional field, or with null columns of the wrong type, users conform all the same."""
    required = ["Id", "IsActive", "ProfileId", "Email"]
    rules, bare = ScopeRules.parse(["acme.com"]), users({}).select(required)
    nulls = bare.append_column("UserType", pa.nulls(1)).append_column("LastLoginDate", pa.nulls(1))

    absent = people(bare, lookups(), rules, AT)

    assert absent["activity_band"].to_pylist() == ["not_monitored"]
    assert absent["username"].to_pylist() == [None]
    assert absent["account_class"].to_pylist() == ["unknown"]
    assert people(nulls, lookups(), rules, AT)["activity_band"].to_pylist() == ["never"]


@pytest.mark.parametrize("name", ["Id", "IsActive", "ProfileId", "Email"])
def test_a_missing_required_field_is_named(name: str) -> None:
    """Without a field the ledger cannot do without, the error names it."""
    with pytest.raises(SchemaDrift, match=f"User.{name}"):
        people(users({}).drop_columns([name]), lookups(), ScopeRules.parse(["*"]), AT)


@pytest.mark.parametrize("name", ["Id", "IsActive"])
def test_users_without_id_or_activity_are_refused(name: str) -> None:
    """A user without id, or of whom it is not told whether they are active, is a corrupt answer."""
    with pytest.raises(CorruptAnswer, match=f"User.{name}: 1 of 2 rows"):
        people(users({}, {name: None}), lookups(), ScopeRules.parse(["*"]), AT)


def test_record_batches_and_chunked_tables_conform_alike() -> None:
    """A table in pieces, its combination and a record batch give the same rows."""
    rules, whole = ScopeRules.parse(["acme.com"]), users({}, {"Email": "x@gmail.com"}, {"Email": None})
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    expected = people(whole, lookups(), rules, AT)

    assert expected == people(pieces, lookups(), rules, AT).combine_chunks()
    assert expected == people(whole.to_batches()[0], lookups(), rules, AT)


def test_no_users_are_no_rows() -> None:
    """An empty batch conforms to an empty table of the same schema."""
    rows = people(users(), lookups(), ScopeRules.parse(["acme.com"]), AT)

    assert (rows.schema, rows.num_rows) == (PEOPLE_SCHEMA, 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lookups(), None),
        (lookups(frozen_user_ids=pa.array([], pa.string())), False),
        (lookups(frozen_user_ids=pa.chunked_array([[user_id(0)], [user_id(7)]])), True),
    ],
)
def test_frozen_is_unknown_unless_logins_are_readable(found: Lookups, expected: bool | None) -> None:
    """Frozen is null when UserLogin is not readable, else false for users without a row there."""
    assert expected == conformed([{}], found=found)[0]["is_frozen"]


def test_frozen_users_are_listed_from_logins() -> None:
    """Only blocked logins of users count; rows without a user do not."""
    logins = pa.table({"UserId": ["a", "b", None, "c"], "IsFrozen": [True, False, True, True]})

    assert frozen_users(logins).to_pylist() == ["a", "c"]


def test_lookups_may_miss() -> None:
    """Unknown roles, unreadable roles and unreadable licenses leave nulls, not errors."""
    roles = pa.table({"Id": [record_id("00E", 1)], "Name": ["Sales"]})
    given = [{"UserRoleId": record_id("00E", 2)}, {"UserRoleId": None}]

    assert [row["role_name"] for row in conformed(given, found=lookups(roles=roles))] == [None, None]
    assert [row["role_name"] for row in conformed(given)] == [None, None]
    (row,) = conformed([{}], found=lookups(user_licenses=None))
    assert (LICENSE_IDS["SFDC"], None, None) == (row["license_id"], row["license_key"], row["license_name"])


def test_unreadable_profiles_do_not_make_everybody_a_system_user() -> None:
    """Without the Profile object a user with a profile id stays a person; the license is not known."""
    rows = conformed([{}, {"ProfileId": None}], found=Lookups.build(profiles=None))

    assert [row["holder_cause"] for row in rows] == ["in_scope", "system_user"]
    assert [row["license_id"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("elapsed", "band"),
    [
        (timedelta(0), "0-30"),
        (timedelta(days=-1), "0-30"),
        (timedelta(days=30, hours=23, minutes=59), "0-30"),
        (timedelta(days=31), "31-60"),
        (timedelta(days=60, hours=23), "31-60"),
        (timedelta(days=61), "61-90"),
        (timedelta(days=90, hours=23), "61-90"),
        (timedelta(days=91), "91-180"),
        (timedelta(days=180, hours=23), "91-180"),
        (timedelta(days=181), "181+"),
        (timedelta(days=9000), "181+"),
        (None, "never"),
    ],
)
def test_activity_bands(elapsed: timedelta | None, band: str) -> None:
    """Whole days since the last login fall into one band each; no login is never."""
    (row,) = conformed([{"LastLoginDate": None if elapsed is None else AT - elapsed}])

    assert band == row["activity_band"]
    assert band in ACTIVITY_BANDS


@pytest.mark.parametrize("is_shown", [True, False])
def test_a_band_takes_a_byte(is_shown: bool) -> None:
    """Codes of bands are small numbers, whether logins are shown or not: they are held for every user."""
    assert bands(pa.array([AT], TIMESTAMP), AT, is_shown=is_shown).dtype == np.int8


def test_activity_is_not_monitored_when_the_org_shows_no_logins() -> None:
    """When the org does not offer the field, nobody is called inactive."""
    rows = conformed([{"LastLoginDate": AT}, {}], found=lookups(shows_logins=False))

    assert [row["activity_band"] for row in rows] == ["not_monitored"] * 2


def test_a_last_login_that_is_not_remembered_has_no_band() -> None:
    """Where a reconstructed user's last login is not known, the band is null, neither `never` nor a guess."""
    landed = users({"LastLoginDate": AT}, {"LastLoginDate": None}, {"LastLoginDate": None}, {})
    known = pa.array([True, False, True, None])

    rows = people(landed.append_column(LOGIN_KNOWN, known), lookups(), ScopeRules.parse(["*"]), AT)

    assert rows["activity_band"].to_pylist() == ["0-30", None, "never", "never"]
    assert rows["last_login_at"].to_pylist() == [AT, None, None, None]


def test_how_sure_a_user_is_comes_from_the_landing() -> None:
    """A reconstructed user keeps the certainty it came with; without one it is sure, in both tables."""
    landed = users({}, {}, {}, {}).append_column(CERTAINTY, pa.array(["unsure", "likely", "sure", None]))

    rows = people(landed, lookups(), ScopeRules.parse(["*"]), AT)

    assert rows["certainty"].to_pylist() == ["unsure", "likely", "sure", "sure"]
    assert published_users(rows)["certainty"].to_pylist() == ["unsure", "likely", "sure", "sure"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "employee"),
        ({"UserType": "CsnOnly", "ProfileId": PROFILE_IDS["chatter"], "Email": "x@gmail.com"}, "employee"),
        ({"ProfileId": PROFILE_IDS["light"]}, "employee"),
        ({"Email": None}, "employee"),
        ({"Email": "ann@nowhere"}, "employee"),
        ({"Email": "x@partner.org"}, "contractor"),
        ({"Email": "x@gmail.com"}, "contractor"),
        ({"Email": "x@notacme.com"}, "contractor"),
        ({"UserType": "PowerPartner", "Email": "x@partner.org"}, "external"),
        ({"UserType": "CSPLitePortal"}, "external"),
        ({"UserType": "CspLitePortal"}, "external"),
        ({"UserType": "CustomerSuccess"}, "external"),
        ({"UserType": "PowerCustomerSuccess"}, "external"),
        ({"UserType": "CsnExternal"}, "external"),
        ({"ProfileId": PROFILE_IDS["integration"]}, "integration"),
        ({"ProfileId": PROFILE_IDS["proxy"]}, "integration"),
        ({"ProfileId": PROFILE_IDS["agent"]}, "integration"),
        ({"ProfileId": PROFILE_IDS["analytics"]}, "integration"),
        (SYSTEM[0], "system"),
        (SYSTEM[1], "system"),
        (SYSTEM[2], "system"),
        (SYSTEM[3], "guest"),
        (SYSTEM[4], "system"),
        ({"UserType": None}, "unknown"),
        ({"UserType": ""}, "unknown"),
        ({"UserType": "HolographicUser"}, "unknown"),
    ],
)
def test_account_classes(given: dict[str, Any], expected: str) -> None:
    """Type, profile, license key and domain decide what kind of account it is; the type is kept as sent."""
    (row,) = conformed([given])

    assert (expected, given.get("UserType", "Standard")) == (row["account_class"], row["user_type"])


def test_nobody_is_a_contractor_while_no_company_domain_is_declared() -> None:
    """With a bare star there is nothing to tell outsiders by; a declared entity or name provides it."""
    given = [{"Email": "x@partner.org"}]

    assert conformed(given, ["*"])[0]["account_class"] == "employee"
    assert conformed(given, ["*"], [entity("Acme", "acme.com")])[0]["account_class"] == "contractor"
    assert conformed(given, ["*", "acme.com"])[0]["account_class"] == "contractor"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "domain"),
        ({"Email": "ann@acme.com.invalid"}, "domain"),
        ({"Email": "ann=acme.com@example.com"}, "domain"),
        ({"Email": "x@sub.acme.org"}, "subdomain"),
        ({"Email": "x@bücher.de"}, "legal_entity"),
        ({"Email": "x@xn--bcher-kva.de"}, "legal_entity"),
        ({"Email": None}, "no_email"),
        ({"Email": "  "}, "no_email"),
        ({"Email": "ann"}, "unusable_email"),
        ({"Email": "a@b@acme.com"}, "unusable_email"),
        ({"Email": "@acme.com"}, "unusable_email"),
        ({"Email": "ann@acme"}, "unusable_email"),
        ({"Email": "x@zeta.org"}, "other_company"),
        ({"Email": "x@mail.zeta.org"}, "other_company"),
        ({"Email": "x@gmail.com"}, "public_mailbox"),
        ({"Email": "x@notacme.com"}, "third_party_domain"),
        ({"Email": "x@mail.acme.com"}, "third_party_domain"),
        ({"UserType": "PowerPartner", "Email": "x@partner.org"}, "third_party_domain"),
        ({"UserType": "PowerPartner"}, "domain"),
        ({"ProfileId": PROFILE_IDS["integration"]}, "domain"),
        *((given, "system_user") for given in SYSTEM),
    ],
)
def test_scope_reasons_under_a_filter_of_names(given: dict[str, Any], reason: str) -> None:
    """Every user gets exactly one reason, and the cause of the seats is the same unless in scope."""
    names = ["acme.com", "*.acme.org", "Bücher"]
    entities = [entity("Bücher", "bücher.de"), entity("Zeta", "zeta.org")]
    in_scope = reason in {"domain", "subdomain", "legal_entity"}

    (row,) = conformed([given], names, entities)

    assert reason == row["scope_reason"]
    assert (in_scope, "in_scope" if in_scope else reason) == (row["in_scope"], row["holder_cause"])


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"Email": None}, "in_scope"),
        ({"Email": "ann"}, "in_scope"),
        ({"Email": "x@gmail.com"}, "in_scope"),
        ({"UserType": "PowerPartner"}, "in_scope"),
        ({"ProfileId": PROFILE_IDS["integration"]}, "in_scope"),
        ({"UserType": None}, "in_scope"),
        *((given, "system_user") for given in SYSTEM),
    ],
)
def test_a_star_lets_everyone_in(given: dict[str, Any], cause: str) -> None:
    """With a star everybody is published, without e-mail too; platform users are still booked as such."""
    (row,) = conformed([given], ["*"])

    assert ("everyone", True, cause) == (row["scope_reason"], row["in_scope"], row["holder_cause"])


@pytest.mark.parametrize("names", [["*"], ["acme.com"]])
def test_policies_exclude(names: list[str]) -> None:
    """Excluded external users and integration accounts are out of scope, with a star and with names."""
    given = [
        {"UserType": "PowerPartner"},
        {"UserType": "csnexternal", "Email": None},
        {"ProfileId": PROFILE_IDS["integration"]},
        {"ProfileId": PROFILE_IDS["agent"], "UserType": "PowerPartner"},
        {"ProfileId": PROFILE_IDS["analytics"], "UserType": "CloudIntegrationUser"},
        {},
    ]
    last = ["in_scope"]

    rows = conformed(given, names, external_users="exclude", service_accounts="exclude")
    causes = [row["holder_cause"] for row in rows]

    assert ["external_user"] * 2 + ["service_account", "external_user", "system_user"] + last == causes
    assert [row["in_scope"] for row in rows[:4]] == [False] * 4


def test_policies_are_independent() -> None:
    """Excluding external users leaves integration accounts in, and the other way round."""
    given = [{"UserType": "PowerPartner"}, {"ProfileId": PROFILE_IDS["proxy"]}]

    external = conformed(given, external_users="exclude")
    service = conformed(given, service_accounts="exclude")

    assert [row["holder_cause"] for row in external] == ["external_user", "in_scope"]
    assert [row["holder_cause"] for row in service] == ["in_scope", "service_account"]


def test_published_users_are_those_in_scope() -> None:
    """Table ``users`` has the published columns of the users in scope; the others are only counted."""
    rows = people(
        users({}, {"Email": None}, {"Email": "b@acme.com"}, {"Email": "x@gmail.com"}, {"Email": ""}),
        lookups(),
        ScopeRules.parse(["acme.com"]),
        AT,
    )

    published = published_users(rows)

    assert published.schema.equals(USERS.arrow_schema, check_metadata=True)
    assert [user_id(0), user_id(2)] == published["user_id"].to_pylist()
    assert left_out(rows) == {"no_email": 2, "public_mailbox": 1}


def test_profiles_without_id_are_refused() -> None:
    """A lookup table without its key is an error, not a table nobody is found in."""
    with pytest.raises(SchemaDrift, match=r"Profile\.Id"):
        Lookups.build(profiles=profile_table().drop_columns(["Id"]))
