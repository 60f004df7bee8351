"""
The questions that the console asks of what was published.

They are SQL files, run read-only in whatever holds the data.
"""

from license_ledger.questions.listing import EXPORT_ROWS, NAMING, PAGE_ROWS, Listing
from license_ledger.questions.session import Row, Session
from license_ledger.questions.source import Source, open_source
from license_ledger.questions.states import NothingYet

__all__ = [
    "EXPORT_ROWS",
    "NAMING",
    "PAGE_ROWS",
    "Listing",
    "NothingYet",
    "Row",
    "Session",
    "Source",
    "open_source",
]
