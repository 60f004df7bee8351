"""Every holding of every license, and every license as Salesforce counts it."""

from __future__ import annotations

import pandas as pd

from demo_org.schema.user import FEATURES
from demo_org.truth.people import frame
from demo_org.world import World
from demo_org.world.catalogue.user_licenses import LICENSES as USER_LICENSES

HOLDING = ["user_id", "license_layer", "license_id", "assigned_at"]
UNLIMITED = -1


def holdings(world: World, people: pd.DataFrame) -> pd.DataFrame:
    """
    Return one row per user and license held, of every layer that people hold seats of.

    Deactivated users are among the holders of every layer, the user license of their profile included.
    """
    users = people.loc[people["license_id"].notna(), ["user_id", "license_id"]]
    parts = [users.assign(license_layer="user")]
    for layer, name, user, license_ in (
        ("permission_set", "PermissionSetLicenseAssign", "AssigneeId", "PermissionSetLicenseId"),
        ("package", "UserPackageLicense", "UserId", "PackageLicenseId"),
    ):
        rows = frame(world, name, [user, license_, "CreatedDate"])
        rows.columns = pd.Index(["user_id", "license_id", "assigned_at"])
        parts.append(rows.assign(license_layer=layer))
    flags = [f"UserPermissions{name}" for name in world.options.feature_licenses]
    boxes = frame(world, "User", ["Id", *flags])
    for flag in flags:
        ticked = pd.DataFrame({"user_id": boxes.loc[boxes[flag].astype(bool), "Id"]})
        name = flag.removeprefix("UserPermissions")
        parts.append(ticked.assign(license_layer="feature", license_id=name))
    return pd.concat([part for part in parts if len(part)], ignore_index=True)[HOLDING]


def licenses(world: World) -> pd.DataFrame:
    """
    Return every license of every layer, with Salesforce's numbers.

    Returns:
        Columns of the published table, `counts` (`active`, `all` or `none`: whom the counter counts, by the
        rule the world keeps) in place of the measured basis. Unlimited totals and what is not told are
        null.
    """
    parts = [_user(world), _permission_set(world), _package(world), _feature(world), _usage(world)]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    drift = world.options.counter_drift
    named = rows["license_name"].map(lambda name: drift.get(name, 0))
    rows["drift"] = named.where(rows["license_layer"] == "user", 0)
    rows["is_unlimited"] = rows["total_count"] == UNLIMITED
    rows["total_count"] = rows["total_count"].astype("Int64").mask(rows["is_unlimited"])
    rows["used_count"] = rows["used_count"].astype("Int64")
    rows["available_count"] = rows["total_count"] - rows["used_count"]
    # A counter that is not told was not taken at any time either.
    rows["used_as_of"] = rows["used_as_of"].where(rows["used_count"].notna())
    return rows


def _user(world: World) -> pd.DataFrame:
    rows = frame(
        world,
        "UserLicense",
        [
            "Id",
            "LicenseDefinitionKey",
            "MasterLabel",
            "Status",
            "TotalLicenses",
            "UsedLicenses",
            "UsedLicensesLastUpdated",
        ],
    )
    rows.columns = pd.Index(
        ["license_id", "license_key", "license_name", "status", "total_count", "used_count", "used_as_of"]
    )
    counting = {kind.key: kind.counting for kind in USER_LICENSES}
    return rows.assign(license_layer="user", expires_on=None, counts=rows["license_key"].map(counting))


def _permission_set(world: World) -> pd.DataFrame:
    rows = frame(
        world,
        "PermissionSetLicense",
        [
            "Id",
            "PermissionSetLicenseKey",
            "MasterLabel",
            "Status",
            "TotalLicenses",
            "UsedLicenses",
            "ExpirationDate",
        ],
    )
    rows.columns = pd.Index(
        ["license_id", "license_key", "license_name", "status", "total_count", "used_count", "expires_on"]
    )
    basis = {grant.key: grant.basis for grant in world.people.psls.grants}
    return rows.assign(
        license_layer="permission_set",
        used_as_of=pd.Timestamp(world.now),
        counts=rows["license_key"].map(basis),
    )


def _package(world: World) -> pd.DataFrame:
    rows = frame(
        world,
        "PackageLicense",
        ["Id", "NamespacePrefix", "Status", "AllowedLicenses", "UsedLicenses", "ExpirationDate"],
    )
    rows.columns = pd.Index(
        ["license_id", "license_key", "status", "total_count", "used_count", "expires_on"]
    )
    basis = {grant.key: grant.basis for grant in world.people.packages.grants}
    return rows.assign(
        license_layer="package",
        license_name=rows["license_key"],
        expires_on=rows["expires_on"].map(lambda moment: moment.date(), "ignore"),
        used_as_of=pd.Timestamp(world.now),
        counts=rows["license_key"].map(basis),
    )


def _feature(world: World) -> pd.DataFrame:
    metrics = frame(
        world,
        "ActiveFeatureLicenseMetric",
        ["FeatureType", "MetricsDate", "AssignedUserCount", "TotalLicenseCount"],
    )
    newest = metrics.sort_values("MetricsDate").drop_duplicates("FeatureType", keep="last")
    newest = newest.set_index("FeatureType").reindex(list(world.options.feature_licenses))
    names = newest.index.to_series()
    return pd.DataFrame(
        {
            "license_layer": "feature",
            "license_id": names,
            "license_key": names,
            "license_name": names.map(FEATURES),
            "status": None,
            "total_count": newest["TotalLicenseCount"],
            "used_count": newest["AssignedUserCount"],
            "used_as_of": pd.to_datetime(newest["MetricsDate"], utc=True),
            "expires_on": None,
            "counts": "all",
        }
    )


def _usage(world: World) -> pd.DataFrame:
    rows = frame(
        world,
        "TenantUsageEntitlement",
        ["Id", "Setting", "MasterLabel", "CurrentAmountAllowed", "AmountUsed", "UsageDate", "EndDate"],
    )
    rows.columns = pd.Index(
        ["license_id", "license_key", "license_name", "total_count", "used_count", "used_as_of", "expires_on"]
    )
    return rows.assign(
        license_layer="usage",
        status=None,
        total_count=rows["total_count"].round(),
        used_count=rows["used_count"].round(),
        counts="none",
    )
