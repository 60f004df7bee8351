"""Kinds of people an org is made of, and how many of each: what generated accounts are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EmailKind = Literal[
    "company", "third_party", "public", "look_alike", "none", "no_at", "no_dot", "two_at", "blank_padded"
]
EMAIL_KINDS: tuple[EmailKind, ...] = (
    "company",
    "third_party",
    "public",
    "look_alike",
    "none",
    "no_at",
    "no_dot",
    "two_at",
    "blank_padded",
)
"""
Kinds of e-mail address: three clean ones, a domain that only looks like the company's, none at all, three
kinds of unusable remains of anonymization, and one of the company with blanks around it.
"""

Cadence = Literal["busy", "steady", "seldom"]


@dataclass(frozen=True)
class Persona:
    """
    A kind of account.

    Attributes:
        name: For the reader.
        weight: Relative frequency among generated accounts.
        profiles: Profiles at the start, with weights.
        later: Profiles somebody may move to, evenly likely; empty: nobody moves.
        emails: Kinds of e-mail address, with weights.
        is_external: Has a contact and an account.
        has_null_type: `UserType` is empty although there is a profile.
        cadence: How often such people log in.
        years: Average years until the account is deactivated.
    """

    name: str
    weight: float
    profiles: tuple[tuple[str, float], ...]
    later: tuple[str, ...] = ()
    emails: tuple[tuple[EmailKind, float], ...] = (
        ("company", 0.965),
        ("third_party", 0.004),
        ("public", 0.006),
        ("look_alike", 0.004),
        ("none", 0.006),
        ("no_at", 0.004),
        ("no_dot", 0.003),
        ("two_at", 0.003),
        ("blank_padded", 0.005),
    )
    is_external: bool = False
    has_null_type: bool = False
    cadence: Cadence = "busy"
    years: float = 10.0


OUTSIDE: tuple[tuple[EmailKind, float], ...] = (
    ("third_party", 0.9),
    ("public", 0.06),
    ("look_alike", 0.02),
    ("none", 0.01),
    ("no_at", 0.01),
)
CONSUMERS: tuple[tuple[EmailKind, float], ...] = (
    ("public", 0.62),
    ("third_party", 0.34),
    ("none", 0.01),
    ("no_dot", 0.02),
    ("company", 0.01),
)

PERSONAS: tuple[Persona, ...] = (
    Persona(
        "sales and service employee",
        38.0,
        (
            ("Sales User", 0.45),
            ("Service User", 0.25),
            ("Standard User", 0.15),
            ("Marketing User", 0.06),
            ("Read Only", 0.05),
            ("Minimum Access - Salesforce", 0.03),
            ("System Administrator", 0.01),
        ),
        ("Sales User", "Service User", "Standard User", "Standard Platform User", "Chatter Free User"),
    ),
    Persona(
        "back office employee",
        12.0,
        (("Standard Platform User", 0.6), ("Acme Back Office", 0.4)),
        ("Acme Back Office", "Sales User", "Platform Light User"),
    ),
    Persona(
        "occasional employee",
        8.0,
        (
            ("Platform Light User", 0.3),
            ("App Subscription User", 0.25),
            ("Identity User", 0.35),
            ("Work.com Only User", 0.1),
        ),
        ("Standard Platform User", "Identity User"),
        cadence="steady",
    ),
    Persona(
        "reader",
        8.0,
        (("Chatter Free User", 0.98), ("Chatter Moderator User", 0.02)),
        ("Standard User", "Standard Platform User"),
        cadence="steady",
    ),
    Persona(
        "contractor",
        5.0,
        (("Sales User", 0.4), ("Service User", 0.3), ("Standard Platform User", 0.3)),
        ("Sales User", "Service User"),
        OUTSIDE,
        years=3.0,
    ),
    Persona(
        "partner",
        6.0,
        (
            ("Partner Community User", 0.55),
            ("Partner Community Login User", 0.35),
            ("Gold Partner User", 0.1),
        ),
        ("Partner Community User", "Partner Community Login User"),
        OUTSIDE,
        is_external=True,
        cadence="steady",
    ),
    Persona(
        "customer",
        14.0,
        (
            ("Customer Community User", 0.4),
            ("Customer Community Login User", 0.35),
            ("High Volume Customer Portal User", 0.13),
            ("External Identity User", 0.1),
            ("Authenticated Website", 0.02),
        ),
        ("Customer Community User", "Customer Community Login User", "Customer Community Plus User"),
        CONSUMERS,
        is_external=True,
        cadence="seldom",
    ),
    Persona(
        "customer with reports",
        5.0,
        (
            ("Customer Community Plus User", 0.6),
            ("Customer Community Plus Login User", 0.35),
            ("Customer Portal Manager Standard", 0.05),
        ),
        ("Customer Community Plus User",),
        CONSUMERS,
        is_external=True,
        cadence="steady",
    ),
    Persona("chatter guest", 2.5, (("Chatter External User", 1.0),), (), OUTSIDE, cadence="seldom"),
    Persona(
        "integration",
        0.8,
        (
            ("Minimum Access - API Only Integrations", 0.5),
            ("Salesforce API Only System Integrations", 0.3),
            ("XOrg Proxy User", 0.1),
            ("Einstein Agent User", 0.1),
        ),
    ),
    Persona("field technician", 0.6, (("Field Technician", 1.0),), (), cadence="steady"),
    Persona("untyped", 0.1, (("Standard User", 1.0),), (), has_null_type=True),
)

_CODES = {kind.name: code for code, kind in enumerate(PERSONAS)}
CONTRACTOR, PARTNER, INTEGRATION = _CODES["contractor"], _CODES["partner"], _CODES["integration"]
"""Positions in `PERSONAS` of the kinds that are treated apart."""
