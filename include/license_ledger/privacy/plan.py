"""
The plan of an erasure under way: a file in staging that says nothing about whom it concerns. May import
errors and staging.

It holds the tombstone, so that an erasure that was interrupted goes on with the same one, and the files that
mention the person with a token of their present writing. Whoever is erased next must be mentioned in those
of them that nobody has written since, and in none beside the tombstone: so two people never get the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from license_ledger.errors import ConfigError, CorruptSnapshot
from license_ledger.privacy.identifiers import TOMBSTONE_HEAD, new_tombstone
from license_ledger.staging.storage import Storage

FOLDER = "_erasures"


@dataclass(frozen=True)
class Plan:
    """
    One erasure.

    Attributes:
        staging: the staging root.
        org_id: of the org.
        tombstone: the id that takes the person's place on every day.
    """

    staging: Storage
    org_id: str
    tombstone: str

    @classmethod
    def begin(
        cls,
        staging: Storage,
        org_id: str,
        mentioned: Mapping[str, str],
        present: Mapping[str, str],
        *,
        meets: bool,
    ) -> Plan:
        """
        Go on with the plan that there is, or make one. To be called under the org's erasure lease.

        Args:
            staging: the staging root.
            org_id: of the org.
            mentioned: every file that mentions the person, by path, with its token.
            present: every file that there is, likewise.
            meets: whether the tombstone of the plan that there is was seen beside the person.

        Raises:
            ConfigError: an erasure of somebody else was interrupted.
            CorruptSnapshot: the plan cannot be read.
        """
        known = _read(staging, org_id)
        if known is None:
            plan = cls(staging, org_id, new_tombstone())
            content = {"tombstone": plan.tombstone, "files": dict(mentioned)}
            staging.write_json(plan.path, content)
            return plan
        tombstone, files = known
        if meets or any(
            present.get(path) == token and path not in mentioned for path, token in files.items()
        ):
            raise ConfigError(
                "erasure",
                "an erasure of somebody else was interrupted",
                "run that one again first; its report says when it is done",
            )
        return cls(staging, org_id, tombstone)

    @classmethod
    def tombstone_of(cls, staging: Storage, org_id: str) -> str:
        """The tombstone of the plan that there is; blank when there is none. Raises CorruptSnapshot."""
        known = _read(staging, org_id)
        return "" if known is None else known[0]

    @property
    def path(self) -> str:
        """Of the file, below the staging root."""
        return _path(self.org_id)

    def end(self) -> None:
        """Remove the plan: from now on nothing tells which tombstone was made when."""
        self.staging.remove(self.path)


def _path(org_id: str) -> str:
    return f"{FOLDER}/org_id={org_id}/plan.json"


def _read(staging: Storage, org_id: str) -> tuple[str, dict[str, str]] | None:
    path = _path(org_id)
    try:
        found = staging.read_json(path)
        tombstone = str(found["tombstone"])
        files = {str(name): str(token) for name, token in found["files"].items()}
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptSnapshot(
            f"file {staging.path(path)}", "is no plan of an erasure", "remove it, and erase again"
        ) from error
    if not tombstone.startswith(TOMBSTONE_HEAD):
        raise CorruptSnapshot(
            f"file {staging.path(path)}", "holds no tombstone", "remove it, and erase again"
        )
    return tombstone, files
