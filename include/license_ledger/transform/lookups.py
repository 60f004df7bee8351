"""The small tables that users are joined with. May import schemas, landed, accounts and record_keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.transform.accounts import is_service_license
from license_ledger.transform.landed import Flags, field, filled, flags
from license_ledger.transform.record_keys import RecordSet

_TEXT = pa.string()


@dataclass(frozen=True)
class Lookups:
    """
    Profiles with their user licenses, roles, frozen logins: one org's, for all its batches of users.

    Attributes:
        profiles: columns ``profile_id, profile_name, license_id, license_key, license_name``, one row per
            profile; None when profiles are not readable.
        is_service: per profile, whether its license is made for integrations.
        roles: columns ``role_id, role_name``; None when roles are not readable.
        frozen: the users whose login is blocked; None when UserLogin is not readable.
        shows_logins: whether the org offers User.LastLoginDate.
    """

    profiles: pa.Table | None
    is_service: Flags
    roles: pa.Table | None
    frozen: RecordSet | None
    shows_logins: bool

    @classmethod
    def build(
        cls,
        *,
        profiles: pa.Table | None,
        roles: pa.Table | None = None,
        user_licenses: pa.Table | None = None,
        frozen_user_ids: pa.Array | None = None,
        shows_logins: bool = True,
    ) -> Lookups:
        """
        Join the small landing tables.

        Args:
            profiles: landed Profile (Id, Name, UserLicenseId).
            roles: landed UserRole (Id, Name).
            user_licenses: landed UserLicense (Id, LicenseDefinitionKey, MasterLabel, Name).
            frozen_user_ids: what :func:`frozen_users` found.
            shows_logins: whether the org offers User.LastLoginDate.

        Returns:
            The lookups; None for a table stands for an object that could not be read.

        Raises:
            SchemaDrift: a table lacks the field it is looked up by.
            CorruptAnswer: a frozen user's id is not one of 18 characters.
        """
        if isinstance(frozen_user_ids, pa.ChunkedArray):
            frozen_user_ids = frozen_user_ids.combine_chunks()
        joined = None if profiles is None else _join(profiles, user_licenses)
        keys = [] if joined is None else joined["license_key"].to_pylist()
        named = None
        if roles is not None:
            named = pa.table(
                {"role_id": filled(roles, "UserRole", "Id", _TEXT), "role_name": field(roles, "Name", _TEXT)}
            )
        return cls(
            joined,
            np.array([is_service_license(key) for key in keys], np.bool_),
            named,
            None if frozen_user_ids is None else RecordSet(frozen_user_ids),
            shows_logins,
        )

    def profile_of(self, profile_ids: pa.Array) -> pa.Array:
        """Positions in ``profiles``; null for a profile that is not there."""
        if self.profiles is None:
            return pa.nulls(len(profile_ids), pa.int32())
        return pc.index_in(profile_ids, value_set=self.profiles["profile_id"].combine_chunks())

    def is_frozen(self, user_ids: pa.Array) -> pa.Array:
        """Whether each user's login is blocked; without a UserLogin row it is not. Null: not readable."""
        if self.frozen is None:
            return pa.nulls(len(user_ids), pa.bool_())
        return pa.array(self.frozen.has(user_ids))

    def role_names(self, role_ids: pa.Array) -> pa.Array:
        """Names of roles; null where there is none or it cannot be read."""
        if self.roles is None:
            return pa.nulls(len(role_ids), _TEXT)
        positions = pc.index_in(role_ids, value_set=self.roles["role_id"].combine_chunks())
        return self.roles["role_name"].combine_chunks().take(positions)


def frozen_users(user_logins: pa.Table | pa.RecordBatch) -> pa.Array:
    """
    List the frozen users of a batch of UserLogin.

    Args:
        user_logins: landed UserLogin (UserId, IsFrozen), any part of it.

    Returns:
        User ids, for :meth:`Lookups.build`; of several batches, concatenated.

    Raises:
        SchemaDrift: a field is missing.
    """
    blocked = flags(filled(user_logins, "UserLogin", "IsFrozen", pa.bool_()))
    return field(user_logins, "UserId", _TEXT).filter(pa.array(blocked)).drop_null()


def license_names(user_licenses: pa.Table) -> pa.Array:
    """Display names of user licenses: the label, else the internal name."""
    return pc.coalesce(field(user_licenses, "MasterLabel", _TEXT), field(user_licenses, "Name", _TEXT))


def _join(profiles: pa.Table, user_licenses: pa.Table | None) -> pa.Table:
    license_ids = field(profiles, "UserLicenseId", _TEXT)
    keys = names = pa.nulls(len(license_ids), _TEXT)
    if user_licenses is not None:
        positions = pc.index_in(license_ids, value_set=filled(user_licenses, "UserLicense", "Id", _TEXT))
        keys = field(user_licenses, "LicenseDefinitionKey", _TEXT).take(positions)
        names = license_names(user_licenses).take(positions)
    return pa.table(
        {
            "profile_id": filled(profiles, "Profile", "Id", _TEXT),
            "profile_name": field(profiles, "Name", _TEXT),
            "license_id": license_ids,
            "license_key": keys,
            "license_name": names,
        }
    )
