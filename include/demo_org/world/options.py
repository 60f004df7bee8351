"""What can be asked of a generated org besides seed, size and day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

FEATURE_LICENSES = (
    "MarketingUser",
    "OfflineUser",
    "SFContentUser",
    "KnowledgeUser",
    "InteractionUser",
    "SupportUser",
    "LiveAgentUser",
    "JigsawProspectingUser",
    "SiteforceContributorUser",
    "SiteforcePublisherUser",
    "WorkDotComUserFeature",
)


@dataclass(frozen=True)
class WorldOptions:
    """
    Variations of an org.

    Attributes:
        anchor: The day on which the org has exactly the asked number of users; None means the world's
            `today`. Two worlds with the same seed, size, options and anchor agree on every day, so a server
            that is restarted on a later day shows an org that has lived on, when its anchor is kept.
        horizon_days: How far past the anchor the clock may be set; None means ten years for small orgs and
            less for large ones.
        sandbox: The org is a sandbox copy: every e-mail but the integration user's is made undeliverable
            (`.invalid`, or the older `ann=acme.com@example.com`), and usernames get the sandbox's name.
        digital_experiences: Communities are switched on: MonthlyLogins fields, portal fields, NetworkId.
        state_country_picklists: StateCode and CountryCode exist.
        multi_currency: The currency fields exist.
        feature_licenses: Feature licenses the org has; each is a `UserPermissions<name>` field of User.
        stale_counter_days: UserLicense.UsedLicenses and its stamp are this many days old, as in large orgs.
        counter_drift: Added to UsedLicenses of the user licenses of these names, without any explanation.
        nul_bytes: Some texts hold a NUL character.
        long_cells: Some texts are longer than 128 KiB.
        torture_share: Share of generated users whose optional texts are hard to transport.
        metric_days: Days kept in the Active*Metric objects; None means as many as the size allows.
        display_language: The language administrators have, in which the audit trail is written: one of
            `demo_org.world.catalogue.sentences.SENTENCES`.
        display_ids: The audit trail names users by id as well, as newer releases do.
        unique_names: No two generated users have the same name.
        renames_per_year: How often, on average, a generated user takes another last name.
        logins_per_user: At most so many of a user's latest logins are in LoginHistory; None as above.
    """

    anchor: date | None = None
    horizon_days: int | None = None
    sandbox: bool = False
    digital_experiences: bool = True
    state_country_picklists: bool = True
    multi_currency: bool = False
    feature_licenses: tuple[str, ...] = FEATURE_LICENSES
    stale_counter_days: int = 0
    counter_drift: Mapping[str, int] = field(default_factory=dict)
    nul_bytes: bool = False
    long_cells: bool = False
    torture_share: float = 0.05
    metric_days: int | None = None
    display_language: str = "en"
    display_ids: bool = False
    unique_names: bool = False
    renames_per_year: float = 0.0
    logins_per_user: int | None = None

    @property
    def features(self) -> frozenset[str]:
        """Names of the org's features, as fields of the schema require them."""
        switches = {
            "DigitalExperiences": self.digital_experiences,
            "StateCountryPicklists": self.state_country_picklists,
            "MultiCurrency": self.multi_currency,
        }
        flags = {f"FeatureLicense.{name}" for name in self.feature_licenses}
        return frozenset(flags | {name for name, on in switches.items() if on})
