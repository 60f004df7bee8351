"""``license-ledger reveal``: who is behind pseudonyms, asked of Salesforce; nothing of it is kept."""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.commands.check import OpenOrg
from license_ledger.console.export import harmless
from license_ledger.errors import ConfigError
from license_ledger.privacy.concealment import pseudonym_key
from license_ledger.privacy.identifiers import PSEUDONYM_HEAD, pseudonym_column
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.verdict import client_of
from license_ledger.settings import load_settings

__all__ = ["add_to", "run"]

_PSEUDONYM = re.compile(rf"\b{PSEUDONYM_HEAD}[0-9A-Za-z]{{10}}[A-Z0-5]{{3}}\b")
_TOLD = {"salesforce_id": "Id", "username": "Username", "name": "Name", "email": "Email"}
_QUERY = f"SELECT {', '.join(_TOLD.values())} FROM User"  # noqa: S608


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], open_org: OpenOrg) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "reveal",
        help="who is behind pseudonyms, asked of Salesforce",
        description="Ask Salesforce for its users, find those whose pseudonyms are asked for, and print them "
        "as CSV. Needs the key that the pseudonyms were made with, and the Airflow connection of the org.",
    )
    parser.add_argument(
        "pseudonyms",
        nargs="*",
        metavar="pseudonym",
        help="user ids as they are published; without any, a text that holds them is read from standard "
        "input, such as an export of reclaim_candidates",
    )
    parser.add_argument("--connection", default="salesforce_default", help="default: salesforce_default")
    parser.set_defaults(command=lambda options: run(options, open_org))


def run(options: argparse.Namespace, open_org: OpenOrg) -> str:
    """
    Print the people to standard output, a row each, in the order of the pseudonyms asked for.

    Returns:
        Nothing; how many were not found is said on standard error.

    Raises:
        ConfigError: there is no key, or nothing that was given is a pseudonym.
        LedgerError: what asking Salesforce raises.
    """
    key = pseudonym_key(load_settings())
    wanted = _wanted(options.pseudonyms)
    credentials, sessions = open_org(options.connection)
    with client_of(credentials, sessions) as client:
        client.negotiate()
        people = dict(_people(client, key, wanted))
    writer = csv.writer(options.stdout)
    writer.writerow(["user_id", *_TOLD])
    writer.writerows([one, *map(harmless, people[one])] for one in wanted if one in people)
    if len(people) < len(wanted):
        sys.stderr.write(
            f"{len(wanted) - len(people)} of {len(wanted)} pseudonyms are of nobody in the org: they were "
            "made with another key, or are another org's\n"
        )
    return ""


def _wanted(given: Sequence[str]) -> list[str]:
    """The pseudonyms that are asked for, each once."""
    for text in given:
        if not _PSEUDONYM.fullmatch(text):
            raise ConfigError(
                f"pseudonym {text!r}" if len(text) < 40 else "pseudonym",
                "is none",
                f"give user ids that begin with {PSEUDONYM_HEAD}, as tables users and seats have them",
            )
    found = list(dict.fromkeys(given or _PSEUDONYM.findall(sys.stdin.read())))
    if not found:
        raise ConfigError("standard input", "holds no pseudonym", "pass on rows with their user_id")
    return found


def _people(client: RestClient, key: bytes, wanted: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    values = pa.array(wanted)
    schema = pa.schema([(name, pa.string()) for name in _TOLD.values()])
    for page in client.query_batches(_QUERY, schema):
        concealed = pseudonym_column(key, page["Id"].combine_chunks())
        chosen = pc.is_in(concealed, value_set=values)
        rows: list[Mapping[str, str | None]] = page.filter(chosen).to_pylist()
        for one, row in zip(concealed.filter(chosen).to_pylist(), rows, strict=True):
            yield one, [row[name] or "" for name in _TOLD.values()]
