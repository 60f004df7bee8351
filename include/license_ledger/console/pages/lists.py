"""A long list on a page: the part that was asked for, how it is sorted, what its columns are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from license_ledger.console import wording
from license_ledger.console.parameters import LAST_PAGE, Parameters
from license_ledger.console.viewer import Viewer
from license_ledger.questions import NAMING, PAGE_ROWS, Listing, Row, Session

TITLES = {
    "user_id": "User ID",
    "name": "Name",
    "username": "Username",
    "email": "E-mail",
    "email_domain": "Domain",
    "employee_number": "Employee number",
    "company_name": "Company",
    "department": "Department",
    "title": "Title",
    "country": "Country",
    "user_type": "User type",
    "account_class": "Account",
    "profile_name": "Profile",
    "license_layer": "Layer",
    "license_name": "License",
    "license_key": "License key",
    "license_id": "License ID",
    "waste_class": "Waste class",
    "candidate_state": "State",
    "attention_reason": "Why look first",
    "is_active": "Active",
    "is_frozen": "Frozen",
    "activity_band": "Last activity",
    "last_login_at": "Last login",
    "idle_days": "Idle days",
    "assigned_at": "Assigned",
    "created_at": "Created",
    "kind": "Kind",
    "attribute": "What changed",
    "from_value": "From",
    "to_value": "To",
    "certainty": "Certainty",
    "account_count": "Accounts",
    "active_account_count": "Active",
    "frozen_account_count": "Frozen",
    "seen_in_30_days_count": "Seen in 30 days",
    "not_seen_in_90_days_count": "Not seen in 90 days",
    "contractor_count": "As contractors",
    "employee_count": "As employees",
    "license_count": "User licenses",
    "first_created_at": "First account",
}
WORDS: dict[str, dict[str, str]] = {
    "license_layer": wording.LAYER,
    "waste_class": wording.WASTE,
    "account_class": {name: text.removesuffix("s").lower() for name, text in wording.ACCOUNT.items()},
    "activity_band": wording.BAND,
    "kind": {name: text.removesuffix("s").lower() for name, text in wording.KIND.items()},
}
NUMBERS = frozenset(name for name in TITLES if name.endswith("_count")) | {"idle_days"}


@dataclass(frozen=True)
class Shown:
    """
    A page of a list.

    Attributes:
        listing: what is listed.
        rows: of the page.
        has_more: whether there is a next page.
        page: its number, from 1.
        order: the column it is sorted by.
        descending: whether from the highest down.
        names: whether the viewer sees who people are.
        filters: what was asked for.
    """

    listing: Listing
    rows: list[Row]
    has_more: bool
    page: int
    order: str
    descending: bool
    names: bool
    filters: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.listing.columns

    @property
    def first(self) -> int:
        """Place of the first row in the list, from 1."""
        return (self.page - 1) * PAGE_ROWS + 1

    def is_hidden(self, column: str) -> bool:
        """Whether the column is kept from the viewer."""
        return not self.names and column in NAMING

    def stream(self, session: Session) -> Iterator[list[tuple[Any, ...]]]:
        """The whole list in pieces, sorted as the page is."""
        return self.listing.stream(
            session, self.filters, names=self.names, order=self.order, descending=self.descending
        )


def shown(
    listing: Listing,
    session: Session,
    filters: Mapping[str, Any],
    parameters: Parameters,
    viewer: Viewer,
    *,
    asks: bool = True,
) -> Shown:
    """
    The page that the parameters ``sort``, ``dir`` and ``page`` ask for; no rows are fetched unless ``asks``.

    Raises:
        Refused: a parameter means nothing, or sorts by what the viewer may not see.
    """
    order = parameters.one_of("sort", listing.sortable(viewer.sees_names)) or listing.order
    if order not in listing.sortable(viewer.sees_names):
        order = listing.sortable(viewer.sees_names)[0]
    direction = parameters.one_of("dir", ("asc", "desc"))
    falls = listing.descending and order == listing.order if direction is None else direction == "desc"
    page = parameters.number("page", 1, LAST_PAGE)
    rows: list[Row] = []
    has_more = False
    if asks:
        rows, has_more = listing.page(
            session, filters, names=viewer.sees_names, order=order, descending=falls, page=page
        )
    return Shown(listing, rows, has_more, page, order, falls, viewer.sees_names, filters)


def cell(column: str, value: object) -> str:
    """A value as the pages and exports write it."""
    if value is None:
        return ""
    if column in WORDS:
        return WORDS[column].get(str(value), str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if column == "created_at" else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
