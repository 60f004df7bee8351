"""Reading the console's pages as a person does: tables by their captions, tiles by their names."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import html


@dataclass(frozen=True)
class Table:
    """A table: its head, and the texts of its rows by column title."""

    head: list[str]
    rows: list[dict[str, str]]

    def column(self, title: str) -> list[str]:
        """The texts of a column."""
        return [row[title] for row in self.rows]


class Page:
    """A page that was answered."""

    def __init__(self, text: str) -> None:
        self.root = html.fromstring(text)

    def table(self, caption: str) -> Table:
        """The table whose caption holds these words. Raises AssertionError when there is none."""
        for table in self.root.iter("table"):
            if caption in _text(table.find("caption")):
                return _read(table)
        raise AssertionError(f"no table is called {caption!r}")

    def tiles(self) -> dict[str, int]:
        """The numbers at the top, by name; those that are no whole numbers are left out."""
        found = {}
        for tile in self.root.find_class("tile"):
            value = _text(tile.find_class("value")[0]).replace(",", "")
            if value.lstrip("-").isdigit():
                found[_text(tile.find_class("name")[0])] = int(value)
        return found

    def texts(self, css_class: str) -> list[str]:
        """The texts of elements of a class."""
        return [_text(found) for found in self.root.find_class(css_class)]

    def links(self) -> list[str]:
        """Where its links lead."""
        return [found.get("href") for found in self.root.iter("a")]


def number(text: str) -> int | None:
    """A number of a cell; None for the dash that says there is none."""
    return None if text in ("\N{EN DASH}", "unlimited", "") else int(text.replace(",", ""))


def _read(table: html.HtmlElement) -> Table:
    head = [_text(cell) for cell in table.find("thead").iter("th")]
    rows = []
    for row in table.xpath("./tbody/tr[not(contains(@class, 'group'))]"):
        rows.append(dict(zip(head, [_text(cell) for cell in row], strict=True)))
    return Table(head, rows)


def _text(element: html.HtmlElement | None) -> str:
    return (
        "" if element is None else " ".join(element.text_content().replace("↓", "").replace("↑", "").split())
    )
