"""The `User` table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world import emails
from demo_org.world.catalogue import words
from demo_org.world.catalogue.companies import ENTITY_NAMES, PARTNERS
from demo_org.world.catalogue.personas import PERSONAS
from demo_org.world.catalogue.user_licenses import LICENSES, PROFILES
from demo_org.world.draws import Ints
from demo_org.world.named import ADMIN_ROW, HEADCOUNT, NAMED, Named
from demo_org.world.named.system import SYSTEM
from demo_org.world.population import Population, moments
from demo_org.world.tables.columns import Maker, Source, chosen, constant
from demo_org.world.tables.person_texts import LONG, PersonTexts, slug
from demo_org.world.tables.roles import role_of

HOME = ("Hauptstr.", "Berlin", "Berlin", "10115", "Germany", "BE", "DE", "Europe/Berlin", "de_DE", "en_US")
TEXT = pa.string()


class Users:
    """Columns of the accounts which exist at a moment."""

    def __init__(self, people: Population, moment: int) -> None:
        self._people, self._moment = people, moment
        self._lines, self._draws = people.lines, people.draws
        self._texts = PersonTexts(people, moment)

    def source(self) -> Source:
        """Return the table: one key per user, which is his row."""
        makers = (
            self._identity() | self._job() | self._place() | self._status() | self._times() | self._flags()
        )
        return Source(self._lines.rows_at(self._moment), makers)

    def _mixed(self, written: Callable[[int, Named], object], drawn: Maker) -> Maker:
        return lambda rows: self._people.with_named(rows, written, drawn)

    def _text(self, field: str, drawn: Maker, otherwise: str | None = None) -> Maker:
        return self._mixed(lambda _, who: who.texts.get(field, otherwise), drawn)

    def _identity(self) -> dict[str, Maker]:
        texts = self._texts
        return {
            "Id": self._people.user_ids,
            "Username": self.username,
            "LastName": self._mixed(lambda _, who: who.last, texts.surname),
            "FirstName": self._mixed(lambda _, who: who.first, texts.first),
            "Name": self.name,
            "Email": self.email,
            "Alias": self._mixed(lambda _, who: slug((who.first or "")[:1] + who.last)[:8], texts.alias),
            "CommunityNickname": self._mixed(lambda row, who: f"{slug(who.last)[:30]}{row}", self._nickname),
            "FederationIdentifier": self._mixed(lambda _, who: None, texts.federation_id),
            "EmployeeNumber": self._text("EmployeeNumber", texts.employee_number),
        }

    def _job(self) -> dict[str, Maker]:
        texts = self._texts
        return {
            "CompanyName": self._mixed(self._named_company, texts.company),
            "Division": self._text(
                "Division", lambda rows: texts.plain("Division", rows, words.DIVISIONS, 0.6), "EMEA"
            ),
            "Department": self._text(
                "Department", lambda rows: texts.plain("Department", rows, words.DEPARTMENTS, 0.85), "Service"
            ),
            "Title": self._text(
                "Title", lambda rows: texts.plain("Title", rows, words.TITLES, 0.7), "Specialist"
            ),
            "AboutMe": self._mixed(self._named_about, texts.about),
            "Phone": self._mixed(lambda _, who: None, lambda rows: texts.phone("Phone", rows, 0.5)),
            "MobilePhone": self._mixed(
                lambda _, who: None, lambda rows: texts.phone("MobilePhone", rows, 0.3)
            ),
            "ManagerId": self._manager,
            "UserRoleId": lambda rows: self._role(rows),
        }

    def _place(self) -> dict[str, Maker]:
        texts = self._texts

        def part(field: str, index: int) -> Maker:
            return self._text(field, lambda rows: texts.place(index, rows), HOME[index])

        return {
            "Street": self._mixed(self._named_street, texts.street),
            "City": part("City", 1),
            "State": part("State", 2),
            "PostalCode": part("PostalCode", 3),
            "Country": part("Country", 4),
            "StateCode": part("StateCode", 5),
            "CountryCode": part("CountryCode", 6),
            "TimeZoneSidKey": part("TimeZoneSidKey", 7),
            "LocaleSidKey": part("LocaleSidKey", 8),
            "LanguageLocaleKey": part("LanguageLocaleKey", 9),
            "EmailEncodingKey": constant("UTF-8", TEXT),
            "Latitude": lambda rows: self._degrees("Latitude", rows),
            "Longitude": lambda rows: self._degrees("Longitude", rows),
        }

    def _status(self) -> dict[str, Maker]:
        people = self._people
        makers: dict[str, Maker] = {
            "IsActive": lambda rows: pa.array(self._lines.is_active(self._moment, rows)),
            "ProfileId": lambda rows: people.ids(
                "00e", self._lines.profile_at(self._moment, rows).astype(np.int64) + 1
            ),
            "UserType": self.user_type,
            "ContactId": self._contact,
            "AccountId": self._account,
            "IsPortalEnabled": lambda rows: pa.array(people.is_external(rows)),
            "NumberOfFailedLogins": lambda rows: pa.array(self._draws.below("failed", rows, 40) // 38),
        }
        if people.options.multi_currency:
            makers["CurrencyIsoCode"] = constant("EUR", TEXT)
            makers["DefaultCurrencyIsoCode"] = constant("EUR", TEXT)
        return makers

    def _times(self) -> dict[str, Maker]:
        return {
            "LastLoginDate": self._last_login,
            "LastPasswordChangeDate": self._password,
            "CreatedDate": lambda rows: moments(self._lines.created[rows]),
            "CreatedById": constant(self._people.admin_id, TEXT),
            "LastModifiedDate": lambda rows: moments(self.modified(rows)),
            "LastModifiedById": constant(self._people.admin_id, TEXT),
            "SystemModstamp": lambda rows: moments(self.modified(rows)),
        }

    def _flags(self) -> dict[str, Maker]:
        flags: dict[str, Maker] = {
            f"UserPermissions{grant.key}": self._feature(index)
            for index, grant in enumerate(self._people.features.grants)
        }
        flags["ForecastEnabled"] = lambda rows: pa.array(self._draws.chance("forecast", rows, 0.1))
        flags["UserPreferencesLightningExperiencePreferred"] = lambda rows: pa.array(
            self._draws.chance("lightning", rows, 0.8)
        )
        return flags

    def _feature(self, index: int) -> Maker:
        holders = self._people.features.of[index].holders(self._moment)

        def make(rows: Ints) -> pa.Array:
            flags = np.zeros(rows.size, dtype=np.bool_)
            first, last = np.searchsorted(holders, [rows[0], rows[-1] + 1]) if rows.size else (0, 0)
            flags[np.searchsorted(rows, holders[first:last])] = True
            return pa.array(flags)

        return make

    def username(self, rows: Ints) -> pa.Array:
        """Return logins: unique, e-mail-shaped, of no mailbox's domain in particular."""

        def written(_: int, who: Named) -> str:
            name = who.username or f"{slug(who.first or '')}.{slug(who.last)}@acme.com"
            return name.replace("{org}", self._people.org_id.lower())

        def drawn(rest: Ints) -> pa.Array:
            outside = pa.array(self._people.is_external(rest))
            domain = pc.if_else(outside, "portal.acme.com", "acme.com")
            return pc.binary_join_element_wise(self._texts.local(rest), domain, "@")

        names = self._people.with_named(rows, written, drawn)
        if not self._people.options.sandbox:
            return names
        return pc.binary_join_element_wise(names, f".{emails.SANDBOX_NAME}", "")

    def name(self, rows: Ints) -> pa.Array:
        """Return full names: first and last with a blank between, the last alone where there is no first."""

        def drawn(rest: Ints) -> pa.Array:
            return pc.binary_join_element_wise(self._texts.first(rest), self._texts.surname(rest), " ")

        return self._people.with_named(
            rows, lambda _, who: f"{who.first} {who.last}" if who.first else who.last, drawn
        )

    def email(self, rows: Ints) -> pa.Array:
        """Return e-mail addresses as the org holds them."""

        def written(_: int, who: Named) -> str | None:
            return who.email and who.email.replace("{org}", self._people.org_id.lower())

        def drawn(rest: Ints) -> pa.Array:
            return emails.generated(self._people, rest, self._texts.local(rest), self._moment)

        addresses = self._people.with_named(rows, written, drawn)
        if not self._people.options.sandbox:
            return addresses
        return emails.in_sandbox(self._people, rows, addresses)

    def user_type(self, rows: Ints) -> pa.Array:
        """Return `UserType`, which follows from the license of the profile, with the known exceptions."""
        kinds = [LICENSES[p.license_index].user_type if p.license_index >= 0 else None for p in PROFILES]
        profile = self._lines.profile_at(self._moment, rows).astype(np.int64)
        of_profile = chosen(kinds, profile)
        untyped = np.array([kind.has_null_type for kind in PERSONAS])[self._lines.persona[rows]]
        untyped &= rows >= HEADCOUNT
        types = pc.if_else(pa.array(untyped), pa.scalar(None, TEXT), of_profile)
        split = int(np.searchsorted(rows, HEADCOUNT))
        known = types[:split].to_pylist()
        head = [
            (NAMED[row].user_type or known[at]) if NAMED[row].typed else None
            for at, row in enumerate(rows[:split])
        ]
        return pa.concat_arrays([pa.array(head, TEXT), types[split:]])

    def modified(self, rows: Ints) -> Ints:
        """Return when the user record was last changed, in seconds: any event which shows on it."""
        latest = self._lines.created[rows].astype(np.int64)
        lines = self._lines
        for events in (
            lines.left,
            lines.back,
            lines.left_again,
            lines.moved,
            lines.relocated,
            lines.readdressed,
            lines.renamed,
        ):
            times = events[rows].astype(np.int64)
            latest = np.where(times <= self._moment, np.maximum(latest, times), latest)
        for holding in self._people.features.of:
            for events in (holding.assigned, holding.removed):
                past = np.flatnonzero(events <= self._moment)
                where = np.searchsorted(rows, holding.rows[past])
                inside = where < rows.size
                inside[inside] = rows[where[inside]] == holding.rows[past][inside]
                np.maximum.at(latest, where[inside], events[past][inside].astype(np.int64))
        return latest

    def _nickname(self, rows: Ints) -> pa.Array:
        return pc.binary_join_element_wise(self._texts.alias(rows), self._texts.number(rows), "")

    def _named_company(self, _: int, who: Named) -> str | None:
        employer = ENTITY_NAMES[0] if who.account is None else PARTNERS[who.account]
        return who.texts.get("CompanyName", employer)

    def _named_about(self, row: int, who: Named) -> str | None:
        if self._people.options.long_cells and row == ADMIN_ROW + 1:
            return LONG
        return who.texts.get("AboutMe")

    def _named_street(self, row: int, who: Named) -> str | None:
        if self._people.options.nul_bytes and row == ADMIN_ROW + 2:
            return "before\0after"
        return who.texts.get("Street", f"{HOME[0]} {row}")

    def _degrees(self, field: str, rows: Ints) -> pa.Array:
        has = self._draws.chance("located", rows, 0.1)
        value = np.round(-60 + 120 * self._draws.unit(field, rows), 6)
        return pa.array(value, mask=~has)

    def _manager(self, rows: Ints) -> pa.Array:
        """Return managers: everybody's is the one with an eighth of his number, if that is an employee."""
        boss = np.where(rows < HEADCOUNT, ADMIN_ROW, rows // 8)
        good = self._people.is_employee(rows) & self._people.is_employee(boss) & (rows != ADMIN_ROW)
        good &= self._lines.created[boss] <= self._moment
        return pc.if_else(pa.array(good), self._people.user_ids(boss), pa.scalar(None, TEXT))

    def _role(self, rows: Ints) -> pa.Array:
        role = role_of(self._people, rows, self._moment)
        ids = self._people.ids("00E", np.maximum(role, 0) + 1)
        return pc.if_else(pa.array(role >= 0), ids, pa.scalar(None, TEXT))

    def _contact(self, rows: Ints) -> pa.Array:
        ids = self._people.ids("003", rows + 1)
        return pc.if_else(pa.array(self._people.is_external(rows)), ids, pa.scalar(None, TEXT))

    def _account(self, rows: Ints) -> pa.Array:
        ids = self._people.ids("001", self._people.account_of(rows) + 1)
        return pc.if_else(pa.array(self._people.is_external(rows)), ids, pa.scalar(None, TEXT))

    def _last_login(self, rows: Ints) -> pa.Array:
        seconds = self._people.logins.latest(self._moment, rows)
        return moments(seconds, seconds == 0)

    def _password(self, rows: Ints) -> pa.Array:
        seconds = np.minimum(self._lines.created[rows].astype(np.int64) + 3600, self._moment)
        return moments(seconds, (self._lines.every[rows] == 0) | (rows < len(SYSTEM)))
