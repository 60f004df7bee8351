"""Activity bands: how long ago somebody logged in, not when. May import schemas and landed only."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.schemas import ACTIVITY_BANDS, TIMESTAMP
from license_ledger.transform.landed import flags

_FIRST_DAYS = np.array([31, 61, 91, 181])
_DAY = 86_400_000_000
_NEVER = ACTIVITY_BANDS.index("never")
_NOT_MONITORED = ACTIVITY_BANDS.index("not_monitored")


def bands(last_login: pa.Array, captured_at: datetime, *, is_shown: bool) -> npt.NDArray[np.int8]:
    """
    Band the time since the last login.

    Args:
        last_login: UTC timestamps in microseconds; null for somebody who never logged in.
        captured_at: the instant to count from; begun days do not count.
        is_shown: whether the org shows logins at all.

    Returns:
        Positions in :data:`license_ledger.schemas.ACTIVITY_BANDS`. A login after ``captured_at`` is of today;
        ``never`` for null; ``not_monitored`` throughout when logins are not shown.
    """
    if not is_shown:
        return np.full(len(last_login), _NOT_MONITORED, np.int8)
    elapsed = instant(captured_at) - microseconds(last_login)
    codes = np.searchsorted(_FIRST_DAYS, elapsed // _DAY, side="right").astype(np.int8)
    codes[flags(last_login.is_null())] = _NEVER
    return codes


def microseconds(instants: pa.Array) -> npt.NDArray[np.int64]:
    """Timestamps as microseconds since 1970; null becomes 0, long before any org."""
    result: npt.NDArray[np.int64] = (
        instants.cast(TIMESTAMP).cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    )
    return result


def instant(when: datetime) -> int:
    """One point in time as microseconds since 1970."""
    return int(pa.scalar(when, TIMESTAMP).value)
