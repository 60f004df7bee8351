"""Several reads in one call: what becomes of each part."""

from __future__ import annotations

from typing import Any

import pytest

from license_ledger.errors import CorruptAnswer
from license_ledger.salesforce.answers import Refusal
from license_ledger.salesforce.composite import ask_many, describe_of, query_of


class Org:
    """Answers composite requests from a list, and single reads with their path."""

    api_version = "66.0"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any]] = []

    def ask(self, method: str, path: str, *, params: Any = None, body: Any = None) -> Any:
        """The next answer, or the path."""
        self.asked.append((method, path, body))
        return self.answers.pop(0) if method == "POST" else {"alone": path}


def part(number: int, status: int, body: Any) -> dict[str, Any]:
    return {"referenceId": f"part{number}", "httpStatusCode": status, "httpHeaders": {}, "body": body}


def ask(org: Org, *names: str) -> dict[str, Any]:
    return ask_many(org, {name: describe_of(name) for name in names})  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [406, 420, 429, 500, 503])
def test_a_part_that_may_pass_is_asked_again_alone(status: int) -> None:
    """What is only busy in the composite is asked with pauses by itself; the others are taken as they are."""
    org = Org({"compositeResponse": [part(0, 200, {"name": "User"}), part(1, status, None)]})

    assert ask(org, "User", "Profile") == {
        "User": {"name": "User"},
        "Profile": {"alone": "sobjects/Profile/describe"},
    }


def test_a_part_that_is_refused_is_a_refusal() -> None:
    """It is not asked again, and says why."""
    body = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
    org = Org({"compositeResponse": [part(0, 404, body)]})

    assert ask(org, "User") == {"User": Refusal(404, ("NOT_FOUND",), "The requested resource does not exist")}
    assert len(org.asked) == 1


def test_parts_may_come_in_any_order() -> None:
    """The reference says which part is which."""
    org = Org({"compositeResponse": [part(1, 200, {"name": "B"}), part(0, 200, {"name": "A"})]})

    assert ask(org, "A", "B") == {"A": {"name": "A"}, "B": {"name": "B"}}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"compositeResponse": None},
        {"compositeResponse": [3]},
        {"compositeResponse": [{}]},
        {"compositeResponse": []},
    ],
)
def test_an_answer_that_lacks_parts_is_corrupt(answer: Any) -> None:
    """No part is taken for refused because it did not come."""
    with pytest.raises(CorruptAnswer):
        ask(Org(answer), "User")


def test_requests_are_cut_by_what_salesforce_allows() -> None:
    """At most 25 parts and five queries in one request; every part is a GET of this version."""
    reads = {f"q{n}": query_of("SELECT COUNT() FROM User") for n in range(7)}
    reads |= {f"d{n}": describe_of("User") for n in range(30)}
    sizes = [5, 25, 7]
    org = Org(*({"compositeResponse": [part(n, 200, {}) for n in range(size)]} for size in sizes))

    ask_many(org, reads)  # type: ignore[arg-type]

    groups = [body["compositeRequest"] for _, _, body in org.asked]
    assert [len(group) for group in groups] == sizes
    assert all(
        part["method"] == "GET" and part["url"].startswith("/services/data/v66.0/")
        for g in groups
        for part in g
    )
    assert groups[0][0]["url"] == "/services/data/v66.0/query?q=SELECT+COUNT%28%29+FROM+User"
