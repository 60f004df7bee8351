"""The words on a user record: names, jobs, addresses, and texts that are hard to transport."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.catalogue import words
from demo_org.world.catalogue.companies import COMPANY_DOMAINS, ENTITY_NAMES, PARTNERS
from demo_org.world.catalogue.personas import CONTRACTOR
from demo_org.world.draws import Ints
from demo_org.world.emails import company_of
from demo_org.world.population import Population
from demo_org.world.tables.columns import chosen

LONG = "A long story, told in full. " * 5_300
"""More than 128 KiB."""
LONG_SHARE = 20.0
"""About so many users of any org have a long text, when long texts are asked for."""


def slug(name: str) -> str:
    """Return a name in the letters of a login: ASCII, lower case; names in other scripts become `user`."""
    spelled = name.replace("\u0142", "l").replace("\u0141", "L").replace("\u00f8", "o").replace("\u00d8", "O")
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode().lower()
    return "".join(c for c in plain if c.isalnum()) or "user"


FIRST_SLUGS = [slug(name) for name in words.FIRST_NAMES]
LAST_SLUGS = [slug(name) for name in words.LAST_NAMES]


class PersonTexts:
    """Words of generated rows; each method returns one column."""

    def __init__(self, people: Population, moment: int) -> None:
        self._people, self._draws, self._moment = people, people.draws, moment

    def first(self, rows: Ints, values: Sequence[str] = words.FIRST_NAMES) -> pa.Array:
        """Return first names, or something else for each first name."""
        return chosen(values, self._draws.below("first name", rows, len(values)))

    def last(self, rows: Ints, values: Sequence[str] = words.LAST_NAMES) -> pa.Array:
        """Return last names, or something else for each last name."""
        return chosen(values, self._draws.below("last name", rows, len(values)))

    def surname(self, rows: Ints) -> pa.Array:
        """Return last names as they are at the moment; logins and addresses keep the first one."""
        later = self._draws.below("later name", rows, len(words.LAST_NAMES))
        renamed = pa.array(self._people.lines.renamed[rows] <= self._moment)
        names = pc.if_else(renamed, chosen(words.LAST_NAMES, later), self.last(rows))
        if not self._people.options.unique_names:
            return names
        return pc.binary_join_element_wise(names, self.number(rows), "-")

    def number(self, rows: Ints) -> pa.Array:
        """Return what makes a login unique."""
        return pa.array(rows).cast(pa.string())

    def local(self, rows: Ints) -> pa.Array:
        """Return local parts of e-mail addresses, unique within the org."""
        return pc.binary_join_element_wise(
            self.first(rows, FIRST_SLUGS), self.last(rows, LAST_SLUGS), self.number(rows), "."
        )

    def alias(self, rows: Ints) -> pa.Array:
        """Return aliases: initial and up to five letters of the last name, not unique."""
        initials = [name[:1] for name in FIRST_SLUGS]
        return pc.binary_join_element_wise(
            self.first(rows, initials), self.last(rows, [n[:5] for n in LAST_SLUGS]), ""
        )

    def plain(
        self, column: str, rows: Ints, values: Sequence[str], filled: float, late: bool = True
    ) -> pa.Array:
        """
        Return a column of ordinary words, some nulls, and some nasty texts.

        Args:
            column: Name of the field; also names the random numbers.
            rows: Generated rows.
            values: The words.
            filled: Share of rows which have any value.
            late: The word changes when somebody changes department.
        """
        draws, size = self._draws, len(values)
        index = draws.below(column, rows, size)
        if late:
            moved = self._people.lines.relocated[rows] <= self._moment
            index = np.where(moved, draws.below(f"{column} later", rows, size), index)
        index = np.where(draws.chance(f"{column} filled", rows, filled), index, size)
        nasty = draws.chance(f"{column} nasty", rows, self._people.options.torture_share)
        index = np.where(nasty, size + 1 + draws.below(f"{column} text", rows, len(words.NASTY)), index)
        return self._with_nul(column, rows, chosen([*values, None, *words.NASTY], index))

    def _with_nul(self, column: str, rows: Ints, texts: pa.Array) -> pa.Array:
        if not self._people.options.nul_bytes:
            return texts
        mask = pa.array(self._draws.chance(f"{column} nul", rows, 0.01))
        return pc.if_else(mask, pa.scalar("before\0after"), texts)

    def place(self, part: int, rows: Ints) -> pa.Array:
        """Return one part of the address (a position in the tuples of `PLACES`)."""
        values = [place[part] or None for place in words.PLACES]
        return chosen(values, self.place_index(rows))

    def place_index(self, rows: Ints) -> Ints:
        """Return positions in `PLACES`."""
        return self._draws.below("place", rows, len(words.PLACES))

    def street(self, rows: Ints) -> pa.Array:
        """Return streets, some with a second line, most of customers and partners missing."""
        plain = self.plain("Street", rows, [place[0] for place in words.PLACES], 0.4, late=False)
        number = pa.array(1 + self._draws.below("house", rows, 180)).cast(pa.string())
        ordinary = pc.and_(pc.is_valid(plain), pa.array(self._draws.chance("numbered", rows, 0.7)))
        return pc.if_else(ordinary, pc.binary_join_element_wise(number, plain, " "), plain)

    def company(self, rows: Ints) -> pa.Array:
        """Return company names as people typed them: the employer, the legal entity, or nothing."""
        people = self._people
        entity = np.array([entity for _, entity, _ in COMPANY_DOMAINS])[
            company_of(people, rows, self._moment)
        ]
        own = self.plain("CompanyName", rows, ["Acme", "ACME Corp.", "Acme Corporation"], 0.7, late=False)
        named = pa.array(self._draws.chance("entity name", rows, 0.6))
        own = pc.if_else(pc.and_(named, pc.is_valid(own)), chosen(ENTITY_NAMES, entity), own)
        outside = people.is_external(rows) | (people.lines.persona[rows] == CONTRACTOR)
        return pc.if_else(pa.array(outside), account_names(people.account_of(rows)), own)

    def employee_number(self, rows: Ints) -> pa.Array:
        """Return employee numbers with leading zeros, some odd; null for everybody else."""
        draws = self._draws
        padded = pc.utf8_lpad(self.number(rows), 8, "0")
        odd = draws.chance("odd number", rows, self._people.options.torture_share)
        numbers = pc.if_else(
            pa.array(odd),
            chosen(words.NASTY_NUMBERS, draws.below("odd", rows, len(words.NASTY_NUMBERS))),
            padded,
        )
        staff = self._people.is_employee(rows) & draws.chance("numbered staff", rows, 0.9)
        return pc.if_else(pa.array(staff), numbers, pa.scalar(None, pa.string()))

    def federation_id(self, rows: Ints) -> pa.Array:
        """Return single sign-on names of employees; null for everybody else."""
        staff = self._people.is_employee(rows) & self._draws.chance("federated", rows, 0.75)
        names = pc.binary_join_element_wise(self.local(rows), "@idp.acme.com", "")
        return pc.if_else(pa.array(staff), names, pa.scalar(None, pa.string()))

    def about(self, rows: Ints) -> pa.Array:
        """Return what people say of themselves: little, some of it nasty, a few very long when asked for."""
        texts = self.plain("AboutMe", rows, ["Here to help.", "Ask me about quotes."], 0.05, late=False)
        if not self._people.options.long_cells:
            return texts
        share = LONG_SHARE / max(self._people.users, 40)
        # if_else would set aside the long text's room for every row.
        return pc.replace_with_mask(texts, pa.array(self._draws.chance("long", rows, share)), pa.scalar(LONG))

    def phone(self, column: str, rows: Ints, filled: float) -> pa.Array:
        """Return telephone numbers nobody can have, some missing."""
        digits = pc.utf8_lpad(pa.array(self._draws.below(column, rows, 10_000)).cast(pa.string()), 4, "0")
        numbers = pc.binary_join_element_wise("+1 555 010-", digits, "")
        has = pa.array(self._draws.chance(f"{column} filled", rows, filled))
        return pc.if_else(has, numbers, pa.scalar(None, pa.string()))


def account_names(accounts: Ints) -> pa.Array:
    """Return the names of other companies: the listed ones first, then the same with a number."""
    base = chosen(PARTNERS, accounts % len(PARTNERS))
    round_ = accounts // len(PARTNERS)
    number = pc.binary_join_element_wise(" ", pa.array(round_).cast(pa.string()), "")
    return pc.binary_join_element_wise(base, pc.if_else(pa.array(round_ > 0), number, ""), "")
