"""What reconstructed objects say beside Salesforce's own fields, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from tests.unit.transform.made_org import AT, FLAGS, lookups, user_id, users

from license_ledger.transform.conform import people, published_users
from license_ledger.transform.counts import counts
from license_ledger.transform.holdings import user_holdings
from license_ledger.transform.landed import CERTAINTY, EMAIL_KNOWN, FROZEN_KNOWN, USED_AS_OF
from license_ledger.transform.licenses import licenses
from license_ledger.transform.scope import ScopeRules

EARLIER = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)


def conformed(rows: list[dict[str, Any]], **columns: list[Any]) -> pa.Table:
    """Users under a filter, with further columns."""
    landed = users(*rows)
    for name, values in columns.items():
        landed = landed.append_column(name, pa.array(values))
    found = lookups(frozen_user_ids=pa.array([user_id(0), user_id(1)]))
    return people(landed, found, ScopeRules.parse(["acme.com"]), AT)


def test_an_address_that_is_not_known_decides_scope_and_is_not_published() -> None:
    """Both users are judged by the address they have today; only the known one is shown."""
    table = published_users(conformed([{}, {}], **{EMAIL_KNOWN: [False, True]}))

    assert table["scope_reason"].to_pylist() == ["domain", "domain"]
    assert table["email"].to_pylist() == [None, "ann@acme.com"]
    assert table["email_domain"].to_pylist() == [None, "acme.com"]


def test_whether_a_login_was_frozen_may_not_be_known() -> None:
    """Then it is null, whatever it is today."""
    table = conformed([{}, {}, {}], **{FROZEN_KNOWN: [False, True, True]})

    assert table["is_frozen"].to_pylist() == [None, True, False]


def test_holders_are_counted_by_how_sure_they_are() -> None:
    """Without the column all are sure."""
    rows = [{}, {}, {}, {}]
    words = ["sure", "likely", "unsure", "unsure"]
    uncounted = licenses(AT)
    doubtful = counts(user_holdings(conformed(rows, **{CERTAINTY: words})), uncounted)
    plain = counts(user_holdings(conformed(rows)), uncounted)

    assert [(row["n"], row["likely"], row["unsure"]) for row in doubtful.to_pylist()] == [(4, 1, 2)]
    assert [(row["n"], row["likely"], row["unsure"]) for row in plain.to_pylist()] == [(4, 0, 0)]


def test_a_license_is_as_sure_as_it_was_said_to_be() -> None:
    """What is not named is sure; without doubts everything is."""
    features = [name.removeprefix("UserPermissions") for name in FLAGS]
    doubts = pa.table({"license_layer": ["feature"], "license_id": [features[0]], "certainty": ["unsure"]})
    said = {
        row["license_id"]: row["certainty"]
        for row in licenses(AT, feature_flags=FLAGS, doubts=doubts).to_pylist()
    }

    assert said == {features[0]: "unsure", features[1]: "sure"}
    assert set(licenses(AT, feature_flags=FLAGS)["certainty"].to_pylist()) == {"sure"}


def test_a_metric_says_as_of_when_a_counter_is() -> None:
    """The time it was written, where a reconstruction tells it; else the beginning of its day."""
    (feature, other) = (name.removeprefix("UserPermissions") for name in FLAGS)
    metrics = pa.table(
        {
            "FeatureType": [feature, other],
            "MetricsDate": pa.array([EARLIER.date()] * 2, pa.date32()),
            "AssignedUserCount": [7, 8],
            USED_AS_OF: pa.array([EARLIER, None], pa.timestamp("us", "UTC")),
        }
    )
    rows = {
        row["license_id"]: row
        for row in licenses(AT, feature_flags=FLAGS, feature_metrics=metrics).to_pylist()
    }

    assert rows[feature]["used_as_of"] == EARLIER
    assert rows[other]["used_as_of"] == datetime(2026, 2, 28, tzinfo=UTC)
