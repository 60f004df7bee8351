"""
Account classes, and the causes that a user has whatever the address says. May import landed and schemas only.

UserType is an open vocabulary of Salesforce: what is not listed here is kept, named, and classed ``unknown``.
Sources: Object Reference, User.UserType; license keys of service accounts as in the Object Reference,
UserLicense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.schemas import ACCOUNT_CLASSES
from license_ledger.transform.landed import Flags, flags

EXTERNAL_TYPES = frozenset(
    {"powerpartner", "cspliteportal", "customersuccess", "powercustomersuccess", "csnexternal"}
)
"""Partner and customer users; Salesforce spells them in more than one way, so in lower case."""
GUEST_TYPE = "guest"
AUTOMATED_TYPES = frozenset({"automatedprocess", "cloudintegrationuser"})
STANDARD_TYPE = "standard"
INTERNAL_TYPES = frozenset({STANDARD_TYPE, "csnonly"})


def is_service_license(key: str | None) -> bool:
    """Whether a user license is made for integrations and agents rather than people."""
    return key is not None and (
        key.endswith("_INTEGRATION_USER")
        or key == "PID_XOrg_Proxy_User"
        or key.startswith("PID_DigitalAgent")
    )


@dataclass(frozen=True)
class Kinds:
    """
    What kind of account each user of a batch is, before looking at the address.

    Attributes:
        is_system: users of the platform itself: no profile, guests, automated processes.
        is_guest: site guests.
        is_external: partner and customer users.
        is_service: on a license for integrations and agents.
        is_standard: UserType Standard.
        is_internal: any known type of internal user.
    """

    is_system: Flags
    is_guest: Flags
    is_external: Flags
    is_service: Flags
    is_standard: Flags
    is_internal: Flags

    @classmethod
    def of(cls, user_types: pa.Array, has_profile: Flags, is_service: Flags) -> Kinds:
        """
        Tell the kinds apart.

        Args:
            user_types: User.UserType as sent, null where Salesforce leaves it empty.
            has_profile: whether the user's profile is known.
            is_service: whether the user license is one of :func:`is_service_license`.

        Returns:
            One flag per user and kind.
        """
        coded = user_types.dictionary_encode()
        words = [word.strip().casefold() for word in coded.dictionary.to_pylist()]
        indices = coded.indices

        def among(types: frozenset[str]) -> Flags:
            if not words:
                return np.zeros(len(user_types), np.bool_)
            return flags(pc.take(pa.array([word in types for word in words]), indices))

        is_guest = among(frozenset({GUEST_TYPE}))
        return cls(
            is_system=~has_profile | is_guest | among(AUTOMATED_TYPES),
            is_guest=is_guest,
            is_external=among(EXTERNAL_TYPES),
            is_service=is_service,
            is_standard=among(frozenset({STANDARD_TYPE})),
            is_internal=among(INTERNAL_TYPES),
        )

    def classes(self, is_outsider: Flags) -> npt.NDArray[np.int8]:
        """
        Class every account.

        Args:
            is_outsider: usable address at a domain that is not the company's, when its domains are declared.

        Returns:
            Positions in :data:`license_ledger.schemas.ACCOUNT_CLASSES`.
        """
        return first_match(
            ACCOUNT_CLASSES,
            [
                ("guest", self.is_guest),
                ("system", self.is_system),
                ("integration", self.is_service),
                ("external", self.is_external),
                ("contractor", self.is_standard & is_outsider),
                ("employee", self.is_internal),
            ],
            "unknown",
        )


def first_match(
    words: Sequence[str], tests: Sequence[tuple[str, Flags]], default: str | npt.NDArray[np.int8]
) -> npt.NDArray[np.int8]:
    """
    Give every row the word of the first test that holds.

    Args:
        words: the vocabulary.
        tests: word and rows it holds for, most important first; all of one length.
        default: the word, or the positions row by row, where no test holds.

    Returns:
        Positions in ``words``.
    """
    rows = len(tests[0][1])
    if isinstance(default, str):
        default = np.full(rows, words.index(default), np.int8)
    codes = default.copy()
    for word, holds in reversed(tests):
        codes[holds] = words.index(word)
    return codes
