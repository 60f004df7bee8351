"""The `LoginHistory` table: six months of logins, successful and not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo_org.world.catalogue.personas import INTEGRATION
from demo_org.world.draws import Ints
from demo_org.world.population import Population, moments
from demo_org.world.tables.columns import Maker, Source, chosen, constant
from demo_org.world.timelines import Times

TEXT = pa.string()
MONTHS = 182 * 86_400
"""Six months, in seconds: what Salesforce keeps."""
FAILED = 1 << 15
"""Set in the window of an attempt which failed, a minute before the one that did not."""

BROWSERS = ("Chrome 138", "Firefox 140", "Edge 138", "Safari 18")
PLATFORMS = ("Windows 11", "Mac OSX", "Linux", "Windows 10")
INTERACTIVE = ("Application", "SAML Sfdc Initiated SSO", "Lightning Login")


class LoginHistory:
    """Logins up to a moment."""

    def __init__(self, people: Population, moment: int) -> None:
        self._people, self._moment = people, moment

    def source(self) -> Source:
        """Return the table: the latest logins of everybody, at most as many per user as the org remembers."""
        people = self._people
        rows = people.lines.rows_at(self._moment)
        walk = people.logins.recent(self._moment, self._moment - MONTHS, rows, people.limit_logins())
        keys, times = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.uint32)]
        for who, window, when in walk:
            keys.append((who << 16) + window)
            times.append(when)
            failed = np.flatnonzero(people.draws.chance("failed login", (who << 16) + window, 0.04))
            keys.append((who[failed] << 16) + window[failed] + FAILED)
            times.append(when[failed] - np.uint32(60))
        key, when = np.concatenate(keys), np.concatenate(times)
        order = np.argsort(key, kind="stable")
        return Source(np.arange(key.size), self._makers(key[order], when[order]))

    def _makers(self, key: Ints, when: Times) -> dict[str, Maker]:
        people = self._people

        def api(at: Ints) -> pa.Array:
            rows = key[at] >> 16
            return pa.array(
                (people.lines.persona[rows] == INTEGRATION) | people.draws.chance("by api", key[at], 0.1)
            )

        def drawn(column: str, values: tuple[str, ...]) -> Maker:
            return lambda at: chosen(values, people.draws.below(column, key[at], len(values)))

        def either(for_api: str | None, otherwise: Maker) -> Maker:
            return lambda at: pc.if_else(api(at), pa.scalar(for_api, TEXT), otherwise(at))

        def kind(at: Ints) -> pa.Array:
            outside = pa.array(people.is_external(key[at] >> 16))
            portal = pc.if_else(outside, "Customer Service Portal", drawn("login type", INTERACTIVE)(at))
            return pc.if_else(api(at), "Remote Access 2.0", portal)

        def status(at: Ints) -> pa.Array:
            return pc.if_else(pa.array((key[at] & FAILED) != 0), "Invalid Password", "Success")

        def address(at: Ints) -> pa.Array:
            last = pa.array(people.draws.below("ip", key[at] >> 16, 254) + 1).cast(TEXT)
            return pc.binary_join_element_wise("203.0.113.", last, "")

        return {
            "Id": lambda at: people.ids("0Ya", key[at] + 1),
            "UserId": lambda at: people.user_ids(key[at] >> 16),
            "LoginTime": lambda at: moments(when[at]),
            "LoginType": kind,
            "LoginSubType": either("OauthRefreshToken", constant(None, TEXT)),
            "Status": status,
            "SourceIp": address,
            "LoginUrl": constant("login.salesforce.com", TEXT),
            "Application": either("License Ledger", constant("Browser", TEXT)),
            "Browser": either("Unknown", drawn("browser", BROWSERS)),
            "Platform": either("Unknown", drawn("platform", PLATFORMS)),
            "ClientVersion": constant("N/A", TEXT),
            "ApiType": constant("N/A", TEXT),
            "ApiVersion": constant("N/A", TEXT),
            "TlsProtocol": constant("TLS 1.3", TEXT),
            "CipherSuite": constant("TLS_AES_256_GCM_SHA384", TEXT),
            "OptionsIsPost": constant(True, pa.bool_()),
            "CountryIso": drawn("login country", ("DE", "US", "GB", "FR", "IN")),
        }
