"""From the settings to the places they name. Handed in to commands, because this package knows no Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from license_ledger.settings import Settings, load_settings
from license_ledger.staging.storage import Storage

__all__ = ["Places"]


@dataclass(frozen=True)
class Places:
    """
    How a command gets at what the settings name.

    Attributes:
        open_storage: the storage of a URL, which may name an Airflow connection. Raises ConfigError. A
            function of a module: processes of a command's own are handed it too.
        resolve: the settings with the warehouse's Airflow connection looked up. Raises ConfigError.
    """

    open_storage: Callable[[str], Storage]
    resolve: Callable[[Settings], Settings]

    def settings(self) -> Settings:
        """The settings in force, the warehouse's connection looked up. Raises ConfigError."""
        return self.resolve(load_settings())

    def landing(self, settings: Settings) -> Storage:
        """The landing root."""
        return self.open_storage(settings.landing_url)

    def staging(self, settings: Settings) -> Storage:
        """The staging root."""
        return self.open_storage(settings.staging)
