"""
The `SetupAuditTrail` table: what administrators did, as they would read it in the set-up pages.

It follows from the same timelines as everything else. As in life there is no id of the user concerned, only
his name in a sentence, and nothing older than 180 days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from string import Formatter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.catalogue.personas import PARTNER
from demo_org.world.catalogue.sentences import SENTENCES, WITH_ID
from demo_org.world.catalogue.user_licenses import PROFILES
from demo_org.world.draws import Ints
from demo_org.world.holdings import Holdings
from demo_org.world.population import Population, moments
from demo_org.world.tables import roles
from demo_org.world.tables.columns import Source, constant
from demo_org.world.tables.users import Users
from demo_org.world.timelines import DAY, Mask, Times

TEXT = pa.string()
RETENTION = 180 * DAY
KINDS = 512
"""Ids leave room for so many kinds of event per user."""
CUSTOM_PROFILES = frozenset({"Acme Back Office", "Field Technician", "Acme Support Site Profile"})
CODES = {
    "MarketingUser": "marketing",
    "InteractionUser": "interaction",
    "SFContentUser": "sfcontent",
    "KnowledgeUser": "knowledge",
    "SupportUser": "support",
    "OfflineUser": "offline",
}
"""Feature license to its word in the action codes."""

Sentence = Callable[[pa.Array, Ints], pa.Array]
Words = Callable[[Ints], pa.Array]


@dataclass(frozen=True)
class Event:
    """
    All events of one kind.

    Attributes:
        kind: Number of the kind, below `KINDS`.
        rows: Users concerned, ascending.
        times: When.
        action: Action code.
        section: Where in the set-up pages.
        sentence: Makes `Display` from the users' names and rows.
    """

    kind: int
    rows: Ints
    times: Times
    action: str
    section: str
    sentence: Sentence


class AuditTrail:
    """Events of the 180 days before a moment."""

    def __init__(self, people: Population, moment: int) -> None:
        self._people, self._moment = people, moment
        self._users, self._unrenamed = Users(people, moment), Users(people, 0)
        self._texts = SENTENCES[people.options.display_language]

    def source(self) -> Source:
        """Return the table, by user and kind of event."""
        events = [event for event in self._events() if event.rows.size]
        key = np.concatenate([np.empty(0, np.int64), *(event.rows * KINDS + event.kind for event in events)])
        order = np.argsort(key, kind="stable")
        key = key[order]
        times = np.concatenate([np.empty(0, np.uint32), *(event.times for event in events)])[order]
        sizes = np.array([event.rows.size for event in events], dtype=np.int64)
        which = np.repeat(np.arange(len(events)), sizes)[order]
        where = pa.array(order)

        def label(values: list[str]) -> Callable[[Ints], pa.Array]:
            return lambda at: pa.array(values, TEXT).take(pa.array(which[at]))

        @cache
        def sentences() -> pa.Array:
            parts = [event.sentence(self._names(event), event.rows) for event in events]
            return pa.concat_arrays([pa.array([], TEXT), *parts])

        def display(at: Ints) -> pa.Array:
            return sentences().take(where.take(pa.array(at)))

        return Source(
            np.arange(key.size),
            {
                "Id": lambda at: self._people.ids("0Ym", key[at] + 1),
                "Action": label([event.action for event in events]),
                "Section": label([event.section for event in events]),
                "CreatedDate": lambda at: moments(times[at]),
                "CreatedById": constant(self._people.admin_id, TEXT),
                "Display": display,
            },
        )

    def _names(self, event: Event) -> pa.Array:
        """Return what the users were called when it happened."""
        renamed = pa.array(self._people.lines.renamed[event.rows] <= event.times)
        return pc.if_else(renamed, self._users.name(event.rows), self._unrenamed.name(event.rows))

    def _sentence(self, kind: str, **words: str | Words) -> Sentence:
        """Return the sentence of a kind of event, with these words in it."""
        pieces = list(Formatter().parse(self._texts[kind]))

        def write(names: pa.Array, rows: Ints) -> pa.Array:
            columns: list[pa.Array | str] = []
            for text, place, _, _ in pieces:
                columns.append(text)
                if place == "who":
                    columns += [names, *self._mark(kind, rows)]
                elif place:
                    word = words[place]
                    columns.append(word if isinstance(word, str) else word(rows))
            return pc.binary_join_element_wise(*columns, "")

        return write

    def _mark(self, what: str, rows: Ints) -> list[pa.Array | str]:
        if not self._people.options.display_ids or what not in WITH_ID:
            return []
        return [" (UserID: [", pc.utf8_slice_codeunits(self._people.user_ids(rows), 0, 15), "])"]

    def _recent(self, times: Times) -> Mask:
        return (times > self._moment - RETENTION) & (times <= self._moment)

    def _of(self, times: Times, among: Mask | None = None) -> tuple[Ints, Times]:
        mask = self._recent(times)
        rows = np.flatnonzero(mask if among is None else mask & among)
        return rows, times[rows]

    def _events(self) -> Iterator[Event]:
        yield from self._accounts()
        yield from self._profile_moves()
        yield from self._grants(
            self._people.psls,
            16,
            ("PermSetLicenseAssign", "PermSetLicenseUnassign"),
            "Manage Users",
            ("license granted", "license removed"),
        )
        yield from self._grants(
            self._people.packages,
            128,
            ("granteduserpackagelicense", "revokeduserpackagelicense"),
            "Custom App Licenses",
            ("package granted", "package revoked"),
        )
        yield from self._features()

    def _accounts(self) -> Iterator[Event]:
        lines, people = self._people.lines, self._people
        everybody = np.arange(lines.size, dtype=np.int64)
        portal = people.is_external(everybody)
        partner = portal & (lines.persona == PARTNER)
        created = (
            (0, ~portal, "createduser", "Manage Users"),
            (1, portal & ~partner, "createdcustomersuccessuser", "Customer Portal"),
            (2, partner, "createdpartneruser", "Partner Portal"),
        )
        for kind, who, action, section in created:
            yield Event(kind, *self._of(lines.created, who), action, section, self._sentence("created"))
        gone = self._sentence("deactivated")
        for kind, times in ((3, lines.left), (5, lines.left_again)):
            yield Event(kind, *self._of(times, ~portal), "deactivateduser", "Manage Users", gone)
            yield Event(kind + 1, *self._of(times, portal), "CSPUserDisabled", "Customer Portal", gone)
        yield Event(7, *self._of(lines.back), "activateduser", "Manage Users", self._sentence("activated"))
        yield Event(8, *self._of(lines.frozen), "frozeuser", "Manage Users", self._sentence("froze"))
        yield Event(9, *self._of(lines.thawed), "unfrozeuser", "Manage Users", self._sentence("unfroze"))
        changed = self._sentence("email")
        yield Event(10, *self._of(lines.readdressed), "changedemail", "Manage Users", changed)

    def _profile_moves(self) -> Iterator[Event]:
        lines = self._people.lines
        custom = np.array([profile.name in CUSTOM_PROFILES for profile in PROFILES])
        names = pa.array([profile.name for profile in PROFILES])

        sentence = self._sentence(
            "profile",
            was=lambda rows: names.take(pa.array(lines.profile[rows])),
            will=lambda rows: names.take(pa.array(lines.later[rows])),
        )
        rows, times = self._of(lines.moved)
        was, will = custom[lines.profile[rows]], custom[lines.later[rows]]
        kinds = (
            (11, ~was & ~will, "changedprofileforuserstdtostd"),
            (12, ~was & will, "changedprofileforuserstdtocust"),
            (13, was & ~will, "changedprofileforusercusttostd"),
            (14, was & will, "changedprofileforuser"),
        )
        for kind, mine, action in kinds:
            yield Event(kind, rows[mine], times[mine], action, "Manage Users", sentence)
        yield from self._role_moves(rows, times)

    def _role_moves(self, rows: Ints, times: Times) -> Iterator[Event]:
        """A new profile may bring a new role."""
        names = pa.array([*(name for name, _ in roles.ROLES), "None"])

        def at(offset: int) -> Words:
            return lambda rows: names.take(pa.array(self._role(rows, offset)))

        sentence = self._sentence("role", was=at(-1), will=at(0))
        was, will = self._role(rows, -1), self._role(rows, 0)
        none = len(roles.ROLES)
        kinds = (
            (500, (was < none) & (will < none) & (was != will), "changedroleforuser"),
            (501, (was == none) & (will < none), "changedroleforuserfromnone"),
            (502, (was < none) & (will == none), "changedroleforusertonone"),
        )
        for kind, mine, action in kinds:
            yield Event(kind, rows[mine], times[mine], action, "Manage Users", sentence)

    def _role(self, rows: Ints, offset: int) -> Ints:
        """Return positions of roles around each user's change of profile; one past the last for none."""
        role = roles.role_of(self._people, rows, self._people.lines.moved[rows].astype(np.int64) + offset)
        return np.where((role < 0) | (role >= len(roles.ROLES)), len(roles.ROLES), role)

    def _grants(
        self,
        holdings: Holdings,
        first: int,
        actions: tuple[str, str],
        section: str,
        sentences: tuple[str, str],
    ) -> Iterator[Event]:
        for index, (grant, holding) in enumerate(zip(holdings.grants, holdings.of, strict=True)):
            pairs = zip((holding.assigned, holding.removed), actions, sentences, strict=True)
            for end, (times, action, sentence) in enumerate(pairs):
                mask = self._recent(times)
                text = self._sentence(sentence, what=grant.label)
                kind = first + 2 * index + end
                yield Event(kind, holding.rows[mask], times[mask], action, section, text)

    def _features(self) -> Iterator[Event]:
        holdings = self._people.features
        for index, (grant, holding) in enumerate(zip(holdings.grants, holdings.of, strict=True)):
            code = CODES.get(grant.key, grant.key.lower().removesuffix("user"))
            ends = ((holding.assigned, "offon", "feature on"), (holding.removed, "onoff", "feature off"))
            for end, (times, suffix, what) in enumerate(ends):
                mask = self._recent(times)
                action = f"changed{code}user{suffix}"
                text = self._sentence(what, what=grant.label)
                kind = 256 + 2 * index + end
                yield Event(kind, holding.rows[mask], times[mask], action, "Manage Users", text)
