"""
When everything happens to everyone: created, left, frozen, moved, and so on.

One row per account there ever is, the forty hand-named ones first, then those present at the anchor in
order of creation, then future joiners. Times are whole UTC seconds since 1970 as uint32; `NEVER` is later
than all of them. Whether a user is active at a moment is then a comparison, and any moment is as cheap as
any other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from demo_org.world.catalogue.personas import PERSONAS
from demo_org.world.catalogue.user_licenses import PROFILE_INDEX
from demo_org.world.draws import Draws, Floats, Ints
from demo_org.world.named import HEADCOUNT, NAMED, Named

Times = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

NEVER = np.uint32(0xFFFFFFFF)
DAY = 86_400
BLOCK = 1 << 20
AGE_DAYS = 2_555
"""Days from the founding of the org to the anchor."""
JOINERS_PER_YEAR = 0.15
CADENCES: dict[str, tuple[tuple[int, float], ...]] = {
    "busy": ((1, 0.38), (2, 0.2), (3, 0.14), (7, 0.12), (21, 0.07), (75, 0.05), (0, 0.04)),
    "steady": ((2, 0.2), (5, 0.25), (10, 0.25), (30, 0.15), (90, 0.1), (0, 0.05)),
    "seldom": ((7, 0.15), (21, 0.25), (45, 0.25), (120, 0.2), (0, 0.15)),
}
"""Days between logins, with weights; 0 is never."""


@dataclass(frozen=True)
class Timelines:
    """
    The arrays; index is the row.

    Attributes:
        left, back, left_again: Deactivated, reactivated, deactivated for good.
        frozen, thawed: Login blocked from, until.
        moved: Profile changed from `profile` to `later`.
        relocated: Department and division changed.
        readdressed: E-mail address changed.
        renamed: Last name changed.
        stopped: No login from here on, though the account stays.
        persona: Position in `PERSONAS`; for hand-named accounts the nearest one.
        every: Days between logins, 0 for never.
    """

    created: Times
    left: Times
    back: Times
    left_again: Times
    frozen: Times
    thawed: Times
    moved: Times
    relocated: Times
    readdressed: Times
    renamed: Times
    stopped: Times
    persona: Codes
    profile: Codes
    later: Codes
    every: Codes

    @property
    def size(self) -> int:
        """Number of rows, future joiners included."""
        return int(self.created.size)

    def is_active(self, moment: int, rows: Ints | slice = slice(None)) -> Mask:
        """Say who exists and may log in at a moment, as `User.IsActive`."""
        first = (self.created[rows] <= moment) & (moment < self.left[rows])
        return first | ((self.back[rows] <= moment) & (moment < self.left_again[rows]))

    def is_frozen(self, moment: int, rows: Ints | slice = slice(None)) -> Mask:
        """Say whose login is blocked at a moment."""
        return (self.frozen[rows] <= moment) & (moment < self.thawed[rows])

    def profile_at(self, moment: int, rows: Ints | slice = slice(None)) -> Codes:
        """Return positions in `PROFILES` at a moment."""
        return np.where(self.moved[rows] <= moment, self.later[rows], self.profile[rows])

    def rows_at(self, moment: int) -> Ints:
        """Return the rows of the accounts which exist at a moment, active or not, in id order."""
        return np.flatnonzero(self.created <= moment)


class Generator:
    """Draws the timelines of a world of a given size around its anchor."""

    def __init__(
        self, draws: Draws, users: int, anchor: int, horizon_days: int, renames_per_year: float = 0.0
    ) -> None:
        self._renames = renames_per_year
        self._draws, self._users, self._anchor = draws, users, anchor
        self._end = anchor + horizon_days * DAY
        self._rate = max(users * JOINERS_PER_YEAR / 365, 0.2)
        self.size = users + int(self._rate * horizon_days)

    def run(self) -> Timelines:
        """Return the arrays of everybody."""
        names = [item.name for item in fields(Timelines)]
        kinds = {
            name: np.uint8 if name in ("persona", "profile", "later", "every") else np.uint32
            for name in names
        }
        whole: dict[str, Any] = {name: np.empty(self.size, dtype=kinds[name]) for name in names}
        for start in range(0, self.size, BLOCK):
            part = self._block(np.arange(start, min(start + BLOCK, self.size), dtype=np.int64))
            for name, values in part.items():
                whole[name][start : start + BLOCK] = values
        for row, who in enumerate(NAMED):
            for name, value in self._named(who).items():
                whole[name][row] = value
        return Timelines(**whole)

    def _second(self, stream: str, rows: Ints, days: Floats) -> Times:
        """Turn days since the anchor into seconds in working hours of that day; too far ahead is never."""
        hours = 6.0 + 10.0 * self._draws.unit(f"{stream} hour", rows)
        seconds = self._anchor + np.floor(np.nan_to_num(days, nan=1e9)) * DAY + np.floor(hours * 3600)
        return np.where(seconds < self._end + DAY, seconds, float(NEVER)).astype(np.uint32)

    def _block(self, rows: Ints) -> dict[str, Times | Codes]:
        draws = self._draws
        persona = draws.pick("persona", rows, np.array([p.weight for p in PERSONAS])).astype(np.uint8)
        born = self._birthdays(rows)
        ends = born + np.maximum(2.0, self._tenure(rows, persona))
        back = np.where(draws.chance("back", rows, 0.08), ends + 5 + 55 * draws.unit("gap", rows), np.nan)
        again = back + np.maximum(1.0, -1000 * np.log1p(-draws.unit("again", rows)))
        moved = self._after("moved", rows, born + 30, ends, 9.0)
        profile, later = self._profiles(rows, persona)
        frozen, thawed = self._freezes(rows, born, ends)
        return {
            "created": self._second("created", rows, born),
            "left": self._second("left", rows, ends),
            "back": self._second("back", rows, back),
            "left_again": self._second("again", rows, again),
            "frozen": self._second("frozen", rows, frozen),
            "thawed": self._second("thawed", rows, thawed),
            "moved": self._second("moved", rows, np.where(later == profile, np.nan, moved)),
            "relocated": self._second("dept", rows, self._after("dept", rows, born + 1, ends, 6.0)),
            "readdressed": self._second("mail", rows, self._after("mail", rows, born + 1, ends, 30.0)),
            "renamed": self._renamings(rows, born, ends),
            "stopped": self._second("stop", rows, self._after("stop", rows, born + 1, np.inf, 14.0)),
            "persona": persona,
            "profile": profile,
            "later": later,
            "every": self._cadence(rows, persona),
        }

    def _renamings(self, rows: Ints, born: Floats, ends: Floats) -> Times:
        if not self._renames:
            return np.full(rows.size, NEVER)
        return self._second("name", rows, self._after("name", rows, born + 1, ends, 1 / self._renames))

    def _birthdays(self, rows: Ints) -> Floats:
        """Return days of creation: evenly over the org's life up to the anchor, then at the joiners' rate."""
        jitter = self._draws.unit("born", rows)
        veterans = max(self._users - HEADCOUNT, 1)
        past = -AGE_DAYS + (AGE_DAYS - 1) * (rows - HEADCOUNT + jitter) / veterans
        future = (rows - self._users + jitter) / self._rate
        return np.where(rows < self._users, np.clip(past, -AGE_DAYS, -1.0), future)

    def _tenure(self, rows: Ints, persona: Codes) -> Floats:
        days = np.array([p.years * 365 for p in PERSONAS])[persona]
        return -days * np.log1p(-self._draws.unit("tenure", rows))

    def _after(self, stream: str, rows: Ints, first: Floats, last: Floats | float, years: float) -> Floats:
        """Return a day some years after another, on average, NaN where it would not be before the last."""
        day = first - years * 365 * np.log1p(-self._draws.unit(f"{stream} day", rows))
        return np.where(day < last, day, np.nan)

    def _freezes(self, rows: Ints, born: Floats, ends: Floats) -> tuple[Floats, Floats]:
        """Freeze some for some days, some for good, and some in the days before they are deactivated."""
        frozen = self._after("freeze", rows, born + 1, ends, 60.0)
        leaver = self._draws.chance("frozen leaver", rows, 0.1) & (ends - born > 8)
        frozen = np.where(leaver, ends - 4, frozen)
        short = self._draws.chance("thaws", rows, 0.6) & ~leaver
        return frozen, np.where(short, frozen + 2 + 12 * self._draws.unit("thaw", rows), np.nan)

    def _profiles(self, rows: Ints, persona: Codes) -> tuple[Codes, Codes]:
        profile = np.zeros(rows.size, dtype=np.uint8)
        later = np.zeros(rows.size, dtype=np.uint8)
        for code, kind in enumerate(PERSONAS):
            mine = np.flatnonzero(persona == code)
            now = np.array([PROFILE_INDEX[name] for name, _ in kind.profiles], dtype=np.uint8)
            weights = np.array([weight for _, weight in kind.profiles])
            profile[mine] = now[self._draws.pick("profile", rows[mine], weights)]
            then = np.array([PROFILE_INDEX[name] for name in kind.later], dtype=np.uint8)
            later[mine] = (
                then[self._draws.below("later", rows[mine], then.size)] if then.size else profile[mine]
            )
        return profile, later

    def _cadence(self, rows: Ints, persona: Codes) -> Codes:
        every = np.zeros(rows.size, dtype=np.uint8)
        for name, table in CADENCES.items():
            mine = np.flatnonzero(np.array([p.cadence == name for p in PERSONAS])[persona])
            days = np.array([n for n, _ in table], dtype=np.uint8)
            every[mine] = days[self._draws.pick("cadence", rows[mine], np.array([w for _, w in table]))]
        return every

    def _named(self, who: Named) -> dict[str, int]:
        def second(day: float | None) -> int:
            if day is None:
                return int(NEVER)
            return self._anchor + int(day * DAY) + (9 * 3600 if day == int(day) else 0)

        profile = PROFILE_INDEX[who.profile]
        moved = who.moved or (None, who.profile)
        return {
            "created": second(who.created),
            "left": second(who.left),
            "back": second(who.back),
            "left_again": second(who.left_again),
            "frozen": second(who.frozen),
            "thawed": second(who.thawed),
            "moved": second(moved[0]),
            "relocated": int(NEVER),
            "readdressed": int(NEVER),
            "renamed": int(NEVER),
            "stopped": second(who.stopped),
            "persona": _persona_of(who),
            "profile": profile,
            "later": PROFILE_INDEX[moved[1]],
            "every": who.login_every,
        }


def _persona_of(who: Named) -> int:
    """Return the kind of generated account a hand-named one is most like, the first kind if none."""
    for code, kind in enumerate(PERSONAS):
        if who.profile in dict(kind.profiles) and kind.is_external == (who.account is not None):
            return code
    return 0
