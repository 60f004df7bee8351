"""``license-ledger statements``: files of SQL for databases that read the staged Parquet themselves."""

from __future__ import annotations

import argparse
from pathlib import Path

from license_ledger.errors import ConfigError

__all__ = ["add_to", "run"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "statements",
        help="write the SQL with which another database loads the staged Parquet",
        description="Write the SQL with which Snowflake, BigQuery, Redshift, Athena or Databricks load the "
        "staged Parquet. Nothing is connected to. The head of each file says how it was tested.",
    )
    parser.add_argument(
        "--dialect", required=True, help="snowflake, bigquery, redshift, athena or databricks"
    )
    parser.add_argument("--to", type=Path, default=Path(), metavar="FOLDER", help="default: this folder")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> str:
    """
    Write the files.

    Raises:
        ConfigError: the dialect is not known, sqlglot not installed, or the folder cannot be written.
    """
    from license_ledger.warehouse.elsewhere.dialects import dialect
    from license_ledger.warehouse.elsewhere.files import files

    made = files(dialect(options.dialect))
    try:
        options.to.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (options.to / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"option --to {options.to}", f"cannot be written ({error.strerror})", "name another folder"
        ) from None
    return "\n".join(f"wrote {options.to / name}" for name in made)
