"""
What the fuzzer throws bytes at, and what must hold whatever they are.

Each target takes bytes and raises AssertionError when a promise is broken; any exception but those that are
promised is a finding as well. ``scripts/fuzz.py`` runs them guided by coverage; the suite runs them on the
inputs that are kept.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pyarrow as pa

from license_ledger.errors import ConfigError
from license_ledger.salesforce.bulk_csv import BrokenPage, PageReader
from license_ledger.transform.emails import Addresses, canonical_domain, normalize
from license_ledger.transform.scope import ScopeRules

TEXTS = pa.schema([("Id", pa.string()), ("Name", pa.string())])
TYPED = pa.schema(
    [
        ("Id", pa.string()),
        ("IsActive", pa.bool_()),
        ("UsedLicenses", pa.int64()),
        ("Amount", pa.float64()),
        ("Day", pa.date32()),
        ("CreatedDate", pa.timestamp("us", tz="UTC")),
    ]
)


class Body:
    """The bytes of an answer, in pieces of one size."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._file, self._piece = io.BytesIO(content), piece

    def read(self, amt: int) -> bytes:
        """The next piece."""
        return self._file.read(min(amt, self._piece))


def _read(schema: pa.Schema, content: bytes, piece: int, announced: int | None = None) -> pa.Table | str:
    """The table, or why the page is refused. A reader learns from what it refused, so it is asked thrice."""
    reader, said = PageReader(schema), ""
    for _ in range(3):
        try:
            return reader.read(Body(content, piece), announced)
        except BrokenPage as broken:
            said = str(broken)
    return said


def bulk_page(data: bytes) -> None:
    """Any bytes as a page: a table of the schema or a refusal without a value, however they are cut."""
    piece, schema = (data[0] % 61 + 1, (TEXTS, TYPED)[data[0] % 2]) if data else (1, TEXTS)
    content = data[1:]
    whole, cut = _read(schema, content, 1 << 20), _read(schema, content, piece)
    assert whole == cut if isinstance(whole, str) else whole.equals(cut), "pieces change what is read"
    headed = ",".join(f'"{name}"' for name in schema.names).encode() + b"\n" + content
    for table in (whole, _read(schema, headed, 1 << 20)):
        if isinstance(table, str):
            assert len(table) < 200
            continue
        assert table.schema == schema
        table.validate(full=True)
        # Announced one row more, the same page is refused.
        assert isinstance(_read(schema, content, piece, table.num_rows + 1), str) or table is not whole


def bulk_rows(data: bytes) -> None:
    """Rows of any text, as Salesforce writes CSV: they come back to the character; cut, they are refused."""
    cells = data.decode("utf-8", "replace").split("\x1e")
    rows = [[f"{at}", cell] for at, cell in enumerate(cells)]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([TEXTS.names, *rows])
    page = text.getvalue().encode()
    table = _read(TEXTS, page, len(data) % 97 + 1, len(rows))
    assert not isinstance(table, str), table
    assert table["Name"].to_pylist() == [cell or None for cell in cells]
    place = len(data) * 7919 % len(page)
    short = _read(TEXTS, page[:place], 1 << 20, len(rows))
    assert isinstance(short, str), "a page that was cut was accepted"


def emails(data: bytes) -> None:
    """Any texts as addresses: normal form is a fixed point, rows are judged alone, domains are ASCII."""
    texts = [text or None for text in data.decode("utf-8", "replace").split("\x1e")]
    column = pa.array(texts, pa.string())
    normal = normalize(column)
    assert len(normal) == len(column)
    assert normalize(normal).equals(normal), "not a fixed point"
    singles = [normalize(pa.array([text], pa.string()))[0].as_py() for text in texts]
    assert normal.to_pylist() == singles, "a batch is not the sum of its rows"
    read = Addresses.of(column)
    domains = read.domain.cast(pa.string()).to_pylist()
    for text, blank, domain in zip(normal.to_pylist(), read.is_blank, domains, strict=True):
        assert blank == (text is None)
        assert domain is None or (text is not None and text.partition("@")[2] == domain)
        name = None if domain is None else canonical_domain(domain)
        assert name is None or (name.isascii() and canonical_domain(name) == name == name.lower())


class _Entity:
    def __init__(self, name: str, domains: list[str]) -> None:
        self.name, self.domains = name, domains


def scope(data: bytes) -> None:
    """Any texts as company names and entities: rules or ConfigError; a name lets its own domain in."""
    names, _, rest = data.decode("utf-8", "replace").partition("\x1d")
    entries = names.split("\x1e")
    name, *domains = rest.split("\x1e") if rest else ["Group", "group.example"]
    entities = [_Entity(name, domains)]
    try:
        rules = ScopeRules.parse(entries, entities)
    except ConfigError as error:
        _require_no_person(entries + domains, str(error))
        return
    again = ScopeRules.parse([*reversed(entries), *entries], entities)
    assert again.scope_hash == rules.scope_hash, "order or repetition changes the scope"
    for domain in rules.names.exact:
        assert rules.verdict(domain).reason == "domain"
        assert rules.verdict(f"x.{domain}").reason != "domain" or f"x.{domain}" in rules.names.exact
    for parent in rules.names.parents:
        below = f"a.{parent}"
        if canonical_domain(below):
            assert rules.verdict(below).reason in {"domain", "subdomain"}
    for text in (names[:300], rest[:300]):
        verdict = rules.verdict(text)
        assert (verdict.domain is None) == (verdict.reason == "unusable_email")


def _require_no_person(entries: list[str], message: str) -> None:
    """An address typed in the place of a domain is not repeated with the person."""
    for entry in entries:
        person, at, _ = entry.rpartition("@")
        if at and len(person.strip()) > 12 and person.isalnum():
            assert person.strip() not in message, "a message repeats a person"


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (bulk_page, bulk_rows, emails, scope)
}
