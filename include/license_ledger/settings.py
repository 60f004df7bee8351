"""
The pipeline's settings: one typed model from environment and TOML. May import errors only.

Everything about *one org* (credentials, login URL, company names) lives in its Airflow connection, see
``salesforce/credentials.py``. Everything about the pipeline is here: environment variables with the prefix
``LICENSE_LEDGER_``, over an optional TOML file named by ``LICENSE_LEDGER_CONFIG``. Unknown keys are errors.
Parsed once per process by the caller; nothing here is read when Airflow parses the DAG file, apart from the
list of orgs.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from license_ledger.errors import ConfigError

PREFIX = "LICENSE_LEDGER_"
Policy = Literal["include", "exclude"]
PrivacyMode = Literal["named", "pseudonymous", "aggregate"]
SHORTEST_KEY = 32
"""Characters that a secret for pseudonyms has at least."""


def _words(value: object) -> object:
    """Texts may list several items, separated by commas or white space."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


def _url(value: str) -> str:
    if "://" not in value:
        return Path(value).absolute().as_uri()
    return value.rstrip("/") if not value.endswith("://") else value


def _warehouse(value: str) -> str:
    scheme = value.partition("://")[0]
    if "://" in value and scheme not in {"duckdb", "postgresql", "postgres"}:
        raise ValueError("must be duckdb:///path, postgresql://… or an Airflow connection id")
    return value


def without_password(url: str) -> str:
    """A URL to show: a password in it, before the host or among the parameters, is `***`."""
    plain = re.sub(r"://([^:@/?]*):.*@", r"://\1:***@", url)
    return re.sub(r"(?i)([?&]\w*(?:password|secret|key|token)=)[^&]*", r"\1***", plain)


def _smtp(value: str | None) -> str | None:
    if not value:
        return None
    connection, _, recipients = value.partition(":")
    if not connection.strip() or not all("@" in address for address in recipients.split(",")):
        raise ValueError(
            "must be an Airflow connection id, a colon, and addresses: smtp_default:ann@acme.com"
        )
    return value


def _time_of_day(value: str | None) -> str | None:
    if value and not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be a time of day, in UTC: 06:30")
    return value or None


class LegalEntity(BaseModel):
    """A company of the group and the e-mail domains its people use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="Name to use among the company names.")
    domains: tuple[str, ...] = Field(
        min_length=1, description="E-mail domains; `*.acme.com` for sub-domains."
    )


class Settings(BaseSettings):
    """
    Settings of the pipeline.

    Raises:
        ConfigError: from :func:`load_settings`, naming the setting.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    orgs: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        ("salesforce_default",), min_length=1, description="Airflow connection ids, one per org."
    )
    staging: Annotated[str, AfterValidator(_url)] = Field(
        "var/staging",
        description="Where snapshots are published: file:///…, s3://conn_id@bucket/prefix, gs://…, abfs://…",
    )
    landing: Annotated[str | None, AfterValidator(lambda v: v and _url(v))] = Field(
        None, description="Where extracts are kept; default: `_landing` below the staging root."
    )
    warehouse: Annotated[str, AfterValidator(_warehouse)] = Field(
        "duckdb:///var/warehouse.duckdb",
        repr=False,  # a URL may hold a password
        description="duckdb:///path of the warehouse file, postgresql://… of a database, or the id of an "
        "Airflow connection of type Postgres; empty: no warehouse. See docs/warehouses.md.",
    )
    shared_disk: bool = Field(
        False,
        description="Whether every worker machine sees the same files at the same paths, on a network file "
        "system that knows locks. Without it, an Airflow whose tasks run on several machines needs an object "
        "store and a server database. See docs/scale.md.",
    )
    org_pools: bool = Field(
        False,
        description="Whether the tasks that ask Salesforce run in an Airflow pool of their org, "
        "`salesforce__<connection id>`, which bounds what one org takes of the workers. "
        "`license-ledger pools` makes them. Also read when Airflow parses the DAG file.",
    )
    prices: Annotated[str | None, AfterValidator(lambda v: v and _url(v))] = Field(
        None, description="Path or URL of the price list, CSV or Parquet; see docs/costs.md."
    )
    license_products: Annotated[str | None, AfterValidator(lambda v: v and _url(v))] = Field(
        None, description="Path or URL of the crosswalk from licenses to products; see docs/costs.md."
    )
    directory: Annotated[str | None, AfterValidator(lambda v: v and _url(v))] = Field(
        None,
        description="Path or URL of an export of the directory, in SCIM's names; see docs/directory.md.",
    )
    legal_entities: tuple[LegalEntity, ...] = Field(
        (), description="Companies of the group with their domains."
    )
    external_users: Policy = Field(
        "include", description="Whether partner and customer community users can be in scope."
    )
    service_accounts: Policy = Field("include", description="Whether integration accounts can be in scope.")
    privacy_mode: PrivacyMode = Field(
        "named",
        description="Whether people are published by name, as pseudonyms that only the key leads back from, "
        "or not at all. The latter two write no name, address or user id into any file. See docs/privacy.md.",
    )
    retain_out_of_scope: Literal["counts", "pseudonymous"] = Field(
        "counts",
        description="What is kept of people outside the scope once a day's landing has expired: their number "
        "by cause and nothing else, or pseudonyms, from which the past can be scoped anew.",
    )
    pseudonym_key: Annotated[SecretStr | None, BeforeValidator(lambda value: value or None)] = Field(
        None,
        description="Secret that the pseudonyms are made with: 32 characters at least, kept apart from the "
        "data. Needed with `retain_out_of_scope=pseudonymous` and every `privacy_mode` but `named`.",
    )
    mismatch_tolerance: int = Field(0, ge=0, description="Unexplained seats per license that are tolerated.")
    mismatch_action: Literal["fail", "warn"] = Field(
        "fail", description="What happens above the tolerance: the run fails, or publishes with a warning."
    )
    shrink_tolerance: float = Field(
        0.3, ge=0, le=1, description="Share of an object's rows that may disappear between two snapshots."
    )
    bulk_threshold: int = Field(
        2000, ge=0, description="Objects with more rows than this are extracted with Bulk API 2.0."
    )
    bulk_page_records: int = Field(
        50_000, ge=1000, le=250_000, description="Records per result page of a bulk job."
    )
    bulk_shares: int = Field(
        1,
        ge=1,
        le=16,
        description="Tasks that the result pages of one huge object are divided among, for several worker "
        "machines; an object with fewer than four pages for each gets fewer. See docs/scale.md.",
    )
    bulk_timeout_minutes: int = Field(120, ge=1, description="How long a bulk job may take.")
    bulk_defer_after_seconds: int = Field(
        60, ge=0, description="A bulk job that takes longer than this is waited for in the triggerer."
    )
    api_reserve_percent: float = Field(
        10, ge=0, le=100, description="Share of the org's daily API allocation that is left to others."
    )
    landing_days: int = Field(
        30, ge=0, description="Days an extract is kept in landing; 0 keeps it for ever."
    )
    history_daily_days: int = Field(
        0, ge=0, description="Days for which every snapshot is kept; 0 keeps every one for ever."
    )
    history_weekly_days: int = Field(
        0, ge=0, description="Age in days up to which one snapshot per week is kept after that; 0: for ever."
    )
    history_monthly_days: int = Field(
        0,
        ge=0,
        description="Age in days up to which one snapshot per month is kept after that, and none beyond; "
        "0: for ever.",
    )

    notify_smtp: Annotated[str | None, AfterValidator(_smtp)] = Field(
        None,
        description="Whom messages about runs are mailed to: Airflow connection of type SMTP, colon, "
        "addresses with commas between them. See docs/notifications.md.",
    )
    notify_slack: Annotated[str | None, BeforeValidator(lambda value: value or None)] = Field(
        None,
        description="Airflow connection of type Slack Incoming Webhook that messages about runs go to.",
    )
    notify_expiry_days: int = Field(
        30, ge=0, description="Messages name licenses that expire within so many days."
    )
    notify_deadline_hours: float | None = Field(
        None,
        gt=0,
        description="A run that has not ended so many hours after it was queued is told as late. Also read "
        "when Airflow parses the DAG file.",
    )

    notify_published_by: Annotated[str | None, AfterValidator(_time_of_day)] = Field(
        None,
        description="A scheduled run that has not ended by this time of its day (UTC, such as 06:30) is told "
        "as late. Also read when Airflow parses the DAG file.",
    )

    @model_validator(mode="after")
    def _entities_are_unique(self) -> Settings:
        names = [entity.name.casefold() for entity in self.legal_entities]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"legal_entities: {name!r} is declared twice")
        return self

    @model_validator(mode="after")
    def _pseudonyms_have_a_key(self) -> Settings:
        key = self.pseudonym_key
        if key is None and self.retain_out_of_scope == "pseudonymous":
            raise ValueError("pseudonym_key: is needed with retain_out_of_scope=pseudonymous")
        if key is None and self.privacy_mode != "named":
            raise ValueError(f"pseudonym_key: is needed with privacy_mode={self.privacy_mode}")
        if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"pseudonym_key: has fewer than {SHORTEST_KEY} characters")
        return self

    @model_validator(mode="after")
    def _nobody_is_named_elsewhere(self) -> Settings:
        if self.directory and self.privacy_mode != "named":
            raise ValueError(f"directory: names people; leave it out with privacy_mode={self.privacy_mode}")
        return self

    @model_validator(mode="after")
    def _history_thins_out(self) -> Settings:
        daily, weekly, monthly = (
            self.history_daily_days,
            self.history_weekly_days,
            self.history_monthly_days,
        )
        if not daily and (weekly or monthly):
            raise ValueError("history_daily_days: 0 keeps every day for ever; the other two say nothing then")
        if daily and not weekly and monthly:
            raise ValueError("history_weekly_days: 0 keeps every week for ever; months are never reached")
        if (weekly and weekly < daily) or (monthly and monthly < weekly):
            raise ValueError("history_weekly_days: ages must not go down from days to weeks to months")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the TOML file, which arrives as init arguments."""
        return env_settings, init_settings

    @field_serializer("warehouse", when_used="json")
    def _shown(self, value: str) -> str:
        return without_password(value)

    @property
    def landing_url(self) -> str:
        """The landing root, with its default applied."""
        return self.landing or f"{self.staging}/_landing"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """
    Read the settings of this process.

    Args:
        environ: looked at instead of the process environment for unknown names and the file.

    Returns:
        The validated settings.

    Raises:
        ConfigError: naming every setting that is wrong, unknown or unreadable.
    """
    env = os.environ if environ is None else environ
    path = env.get(f"{PREFIX}CONFIG")
    values = _toml(Path(path)) if path else {}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {
        f"{PREFIX}CONFIG",
        f"{PREFIX}HOME",  # where `make run` and `make ui` keep their state; no setting of the pipeline
    }
    for name in env:
        if name.startswith(PREFIX) and name.partition("__")[0] not in known:
            raise ConfigError(
                f"setting {name}", "is not known", "see docs/settings.md for the settings there are"
            )
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "settings"
        raise ConfigError(
            f"setting {name}", first["msg"], f"correct {PREFIX}{name.split('.')[0].upper()} or the TOML file"
        ) from None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"settings file {path}", str(error.strerror), f"correct {PREFIX}CONFIG") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings file {path}", f"is not TOML: {error}", "correct the file") from None
