"""The demo company, its legal entities and the outside world: who has an address where."""

from __future__ import annotations

LEGAL_ENTITIES: dict[str, tuple[str, ...]] = {
    "Acme Corporation": ("acme.com", "acme.de"),
    "Acme Industries": ("acme-industries.com",),
    "Acme B\u00fccher GmbH": ("b\u00fccher-acme.de",),
}
"""Legal entity to its e-mail domains, as the company would declare them."""

ENTITY_NAMES: tuple[str, ...] = tuple(LEGAL_ENTITIES)

COMPANY_DOMAINS: tuple[tuple[str, int, float], ...] = (
    ("acme.com", 0, 0.60),
    ("acme.de", 0, 0.15),
    ("eu.acme.com", 0, 0.05),
    ("acme-industries.com", 1, 0.13),
    ("lab.acme-industries.com", 1, 0.03),
    ("b\u00fccher-acme.de", 2, 0.04),
)
"""
E-mail domain, position of its entity in `ENTITY_NAMES`, share of the employees. Sub-domains are not
declared.
"""

PUBLIC_DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "web.de", "hotmail.com")
LOOK_ALIKE = "notacme.com"

PARTNERS = (
    "Brightpath Consulting",
    "Lumen Systems",
    "Helios IT Services",
    "Northfield Logistics",
    "Quarry Lane Retail",
    "Osprey Analytics",
    "Tidewater Energy",
    "Copperhill Mining",
    "Silverbirch Media",
    "Marlow & Finch",
    "Kestrel Aerospace",
    "Juniper Hollow Foods",
    "Redwood Staffing",
    "Blue Anchor Marine",
    "Stonebridge Legal",
    "Violet Harbor Health",
)
"""Names of other companies; a larger org numbers them on."""


def partner_domain(name: str) -> str:
    """Return the e-mail domain of another company: a name below the reserved top level domain `example`."""
    return (
        "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-").replace("---", "-") + ".example"
    )
