"""Fixtures of the warehouse's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from book import Book


@pytest.fixture(scope="module")
def book_of_examples() -> Iterator[Book]:
    """One warehouse for all examples of a property, each of which clears it."""
    made = Book()
    yield made
    made.connection.close()


@pytest.fixture
def book() -> Iterator[Book]:
    """An empty warehouse."""
    made = Book()
    yield made
    made.connection.close()
