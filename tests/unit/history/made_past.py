"""
A small org with a past: what happens to its users is played, and what Salesforce would remember of it is
landed.

Times are whole hours since the org began to be watched. The player keeps the truth of every hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from license_ledger.run import INSPECTION, Landed
from license_ledger.salesforce.declarations import ARROW_TYPES
from license_ledger.salesforce.objects import object_named
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.storage import Storage

START = datetime(2026, 6, 1, tzinfo=UTC)
ORG = "00D5g0000000001AAA"
FLAG = "UserPermissionsSupportUser"
PROFILES = {"Sales User": "SFDC", "Service User": "SFDC", "Read Only": "AUL"}
LABELS = {"permission_set": ("Sales Set", "Field Set"), "package": ("SBQQ", "blng")}
LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "english": {
        "activateduser": "Activated user {who}",
        "deactivateduser": "Deactivated user {who}",
        "frozeuser": "Froze user account for {who}",
        "unfrozeuser": "Unfroze user account for {who}",
        "changedprofileforuserstdtostd": "Changed profile for user {who} from {was} to {will}",
        "changedsupportuseroffon": "For user {who}, changed Service Cloud user from off to on",
        "changedsupportuseronoff": "For user {who}, changed Service Cloud user from on to off",
        "changedemail": "Changed email address for user {who}",
        "PermSetLicenseAssign": "Permission set license {what}: assigned to user {who}",
        "PermSetLicenseUnassign": "Permission set license {what}: unassigned from user {who}",
        "granteduserpackagelicense": "Granted {what} package license to user {who}",
        "revokeduserpackagelicense": "Revoked {what} package license from user {who}",
    },
    "german": {
        "activateduser": "Benutzer {who} aktiviert",
        "deactivateduser": "Benutzer {who} deaktiviert",
        "frozeuser": "Account von {who} eingefroren",
        "unfrozeuser": "Account von {who} freigegeben",
        "changedprofileforuserstdtostd": "Profil von {who} von {was} in {will} geändert",
        "changedsupportuseroffon": "Service Cloud für {who} eingeschaltet",
        "changedsupportuseronoff": "Service Cloud für {who} ausgeschaltet",
        "changedemail": "E-Mail-Adresse von {who} geändert",
        "PermSetLicenseAssign": "Lizenz {what} an {who} vergeben",
        "PermSetLicenseUnassign": "Lizenz {what} von {who} entfernt",
        "granteduserpackagelicense": "Paketlizenz {what} an {who} vergeben",
        "revokeduserpackagelicense": "Paketlizenz {what} von {who} entfernt",
    },
    "silent": dict.fromkeys(
        (
            *("activateduser", "deactivateduser", "frozeuser", "unfrozeuser", "changedemail"),
            *("changedprofileforuserstdtostd", "changedsupportuseroffon", "changedsupportuseronoff"),
            *("PermSetLicenseAssign", "PermSetLicenseUnassign"),
            *("granteduserpackagelicense", "revokeduserpackagelicense"),
        ),
        "※",
    ),
}


def record_id(prefix: str, number: int) -> str:
    """An 18-character id."""
    return f"{prefix}5g0{number:09d}AAA"


def at(hour: float) -> datetime:
    """The moment of an hour."""
    return START + timedelta(hours=hour)


@dataclass
class Person:
    """A user as Salesforce has him; ``held`` are layer and license with the hour of the assignment."""

    number: int
    name: str
    created: float
    active: bool = True
    frozen: bool = False
    profile: str = "Sales User"
    flag: bool = False
    email: str = "someone@acme.com"
    department: str = "Sales"
    modified: float = 0.0
    login_modified: float = 0.0
    held: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its id."""
        return record_id("005", self.number)


@dataclass
class Past:
    """
    Plays what happens.

    Attributes:
        people: everybody, as of now.
        trail: entries so far: hour, action, sentence.
        states: everybody as of each hour at which something happened.
    """

    people: list[Person]
    trail: list[tuple[float, str, str]] = field(default_factory=list)
    states: list[tuple[float, list[Person]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.states.append((-1.0, deepcopy(self.people)))

    def happen(self, hour: float, number: int, what: str, language: str = "english", choice: int = 0) -> None:
        """
        Let something happen to a user, if it can.

        Args:
            hour: later than everything before.
            number: the user's place.
            what: ``active``, ``frozen``, ``profile``, ``flag``, ``email``, ``department``, ``rename``,
                ``permission_set``, ``package`` or ``join``, which is a new user.
            language: of the entry.
            choice: which profile, name or license.
        """
        if what == "join":
            name = NAMES[choice % len(NAMES)]
            self.people.append(Person(len(self.people), name, created=hour, modified=hour))
        else:
            person = self.people[number % len(self.people)]
            getattr(self, f"_{what}")(person, hour, language, choice)
        self.states.append((hour, deepcopy(self.people)))

    def at(self, hour: float) -> list[Person]:
        """Everybody as of an hour: after all that happened up to it."""
        return [state for when, state in self.states if when <= hour][-1]

    def _say(self, hour: float, action: str, language: str, **words: str) -> None:
        self.trail.append((hour, action, LANGUAGES[language][action].format(**words)))

    def _active(self, person: Person, hour: float, language: str, _: int) -> None:
        person.active, person.modified = not person.active, hour
        self._say(hour, "activateduser" if person.active else "deactivateduser", language, who=person.name)

    def _frozen(self, person: Person, hour: float, language: str, _: int) -> None:
        person.frozen, person.login_modified = not person.frozen, hour
        self._say(hour, "frozeuser" if person.frozen else "unfrozeuser", language, who=person.name)

    def _profile(self, person: Person, hour: float, language: str, choice: int) -> None:
        will = list(PROFILES)[choice % len(PROFILES)]
        if will != person.profile:
            was, person.profile, person.modified = person.profile, will, hour
            action = "changedprofileforuserstdtostd"
            self._say(hour, action, language, who=person.name, was=was, will=will)

    def _flag(self, person: Person, hour: float, language: str, _: int) -> None:
        person.flag, person.modified = not person.flag, hour
        action = "changedsupportuseroffon" if person.flag else "changedsupportuseronoff"
        self._say(hour, action, language, who=person.name)

    def _email(self, person: Person, hour: float, language: str, choice: int) -> None:
        person.email, person.modified = f"new{choice}.{hour}@globex.example", hour
        self._say(hour, "changedemail", language, who=person.name)

    def _department(self, person: Person, hour: float, _: str, choice: int) -> None:
        person.department, person.modified = f"Department {choice}", hour

    def _rename(self, person: Person, hour: float, _: str, choice: int) -> None:
        person.name, person.modified = NAMES[choice % len(NAMES)], hour

    def _permission_set(self, person: Person, hour: float, language: str, choice: int) -> None:
        actions = ("PermSetLicenseAssign", "PermSetLicenseUnassign")
        self._assign("permission_set", actions, person, hour, language, choice)

    def _package(self, person: Person, hour: float, language: str, choice: int) -> None:
        actions = ("granteduserpackagelicense", "revokeduserpackagelicense")
        self._assign("package", actions, person, hour, language, choice)

    def _assign(
        self, layer: str, actions: Sequence[str], person: Person, hour: float, language: str, choice: int
    ) -> None:
        label = LABELS[layer][choice % 2]
        key = (layer, label)
        removes = key in person.held
        if removes:
            del person.held[key]
        else:
            person.held[key] = hour
        self._say(hour, actions[removes], language, who=person.name, what=label)


NAMES = ("Ann Bell", "Bo Li", "Ann Bell Moss", "Sales User")
"""Few, so that users share them; one is part of another, one is a profile's."""


def landed(past: Past, now: float, root: Storage | None = None, **without: Any) -> Landed:
    """
    Land an org as of now, with history.

    Args:
        past: what happened.
        now: the hour.
        root: the landing area; in memory when None.
        without: objects that are not visible, as ``Name=True``.
    """
    storage = root or Storage.from_url("memory://landing")
    folder = RunFolder(storage, ORG, at(now).date(), "anchor")
    objects: dict[str, Any] = {}
    for name, rows in _rows(past).items():
        declared = object_named(name)
        fields = [[each.name, each.kind] for each in declared.fields]
        fields += [[FLAG, "boolean"]] if name == "User" else []
        available = not without.get(name)
        objects[name] = {
            "fields": fields if available else [],
            "missing_fields": [],
            "api": "rest",
            "rows": len(rows),
            "available": available,
            "reason": "" if available else "it is not visible to the integration user",
            "where": "",
        }
        schema = pa.schema([(field_name, ARROW_TYPES[kind]) for field_name, kind in fields])
        if available:
            folder.land(name, schema, [pa.Table.from_pylist(rows, schema=schema)])
    inspection = {
        "org_id": ORG,
        "org_name": "Acme",
        "is_sandbox": False,
        "api_version": "66.0",
        "captured_at": at(now).isoformat(),
        "limits": {},
        "objects": objects,
        "capabilities": [],
        "units": [],
        "warnings": [],
    }
    folder.write_json(INSPECTION, {"snapshot_id": "anchor", "inspection": inspection})
    return Landed(folder, folder)


def profile_id(name: str) -> str:
    """Id of a profile."""
    return record_id("00e", list(PROFILES).index(name))


def license_id(layer: str, label: str) -> str:
    """Id of a license that is assigned."""
    return record_id("0PL" if layer == "permission_set" else "050", LABELS[layer].index(label))


def _rows(past: Past) -> dict[str, list[dict[str, Any]]]:
    keys = sorted(set(PROFILES.values()))
    return {
        "User": [_user(person) for person in past.people],
        "Profile": [
            {
                "Id": profile_id(name),
                "Name": name,
                "UserLicenseId": record_id("100", keys.index(key)),
                "UserType": "Standard",
            }
            for name, key in PROFILES.items()
        ],
        "UserRole": [],
        "UserLicense": [
            {"Id": record_id("100", n), "Name": key, "LicenseDefinitionKey": key, "UsedLicenses": 1}
            for n, key in enumerate(keys)
        ],
        "PermissionSetLicense": [
            {"Id": license_id("permission_set", label), "MasterLabel": label, "UsedLicenses": 1}
            for label in LABELS["permission_set"]
        ],
        "PackageLicense": [
            {"Id": license_id("package", label), "NamespacePrefix": label, "AllowedLicenses": 5}
            for label in LABELS["package"]
        ],
        "PermissionSetLicenseAssign": _assigned(
            past, "permission_set", "AssigneeId", "PermissionSetLicenseId"
        ),
        "UserPackageLicense": _assigned(past, "package", "UserId", "PackageLicenseId"),
        "UserLogin": [
            {
                "Id": record_id("0Yw", p.number),
                "UserId": p.id,
                "IsFrozen": True,
                "LastModifiedDate": at(p.login_modified),
            }
            for p in past.people
            if p.frozen
        ],
        "Organization": [{"Id": ORG, "Name": "Acme", "IsSandbox": False}],
        "LoginHistory": [],
        "SetupAuditTrail": [
            {"Id": record_id("0Ym", n), "Action": action, "Display": text, "CreatedDate": at(hour)}
            for n, (hour, action, text) in enumerate(past.trail)
        ],
    }


def _user(person: Person) -> dict[str, Any]:
    return {
        "Id": person.id,
        "Username": f"user{person.number}@acme.com",
        "Name": person.name,
        "Email": person.email,
        "Department": person.department,
        "UserType": "Standard",
        "IsActive": person.active,
        "ProfileId": profile_id(person.profile),
        "CreatedDate": at(person.created),
        "LastModifiedDate": at(max(person.modified, person.created)),
        FLAG: person.flag,
    }


def _assigned(past: Past, layer: str, user: str, license_: str) -> list[dict[str, Any]]:
    return [
        {
            "Id": record_id("2LA", n),
            user: person.id,
            license_: license_id(layer, label),
            "CreatedDate": at(hour),
        }
        for n, person in enumerate(past.people)
        for (held_layer, label), hour in person.held.items()
        if held_layer == layer
    ]
