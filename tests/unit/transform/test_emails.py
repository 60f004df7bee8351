"""E-mail addresses: normal form and domains."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.transform.emails import Addresses, canonical_domain, normalize


def _normal(*emails: str | None) -> list[str | None]:
    result: list[str | None] = normalize(pa.array(emails, pa.string())).to_pylist()
    return result


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("ann@acme.com", "ann@acme.com"),
        ("  Ann.O'Neil@ACME.com\t", "ann.o'neil@acme.com"),
        ("\u00a0ann@acme.com\u2003", "ann@acme.com"),
        ("ann@acme.com.invalid", "ann@acme.com"),
        ("ann@acme.com.INVALID", "ann@acme.com"),
        ("ann@acme.com.invalid.invalid", "ann@acme.com"),
        ("ann@acme.com .invalid", "ann@acme.com"),
        ("ann=acme.com@example.com", "ann@acme.com"),
        ("ann=acme.com@example.com.invalid", "ann@acme.com"),
        ("ann=acme.com.invalid@example.com", "ann@acme.com"),
        ("ann=home=acme.com@example.com", "ann=home@acme.com"),
        ("ann=acme.com=example.com@example.com", "ann@acme.com"),
        ("ann=work@example.com", "ann@work"),
        ("ann@example.com", "ann@example.com"),
        ("ann@invalid", "ann@invalid"),
        ("ann@notinvalid", "ann@notinvalid"),
        ("jörg@BÜCHER.de", "jörg@xn--bcher-kva.de"),
        ("jörg@xn--bcher-kva.de", "jörg@xn--bcher-kva.de"),
        ("ann=bücher.de@example.com", "ann@xn--bcher-kva.de"),
        ("ann=acme.com@\uff45xample.com", "ann@acme.com"),
        ("ann@acme\u3002com", "ann@acme.com"),
        ("ann@acme.com.\u0130nvalid", "ann@acme.com"),
        ("ann@-ü-.de", "ann@-ü-.de"),
        ("autoproc@00d3h000003yzckeau", "autoproc@00d3h000003yzckeau"),
        ("jörg", "jörg"),
        ("a@b@acme.com", "a@b@acme.com"),
        ("", None),
        (" \t\n", None),
        (".invalid", None),
        (None, None),
    ],
)
def test_normal_form(email: str | None, expected: str | None) -> None:
    """Case, blanks, both sandbox forms and domains outside ASCII come to one normal form; blank is null."""
    assert [expected] == _normal(email)


def test_rows_do_not_influence_each_other() -> None:
    """In a batch of mixed forms every row gets its own normal form, nulls stay in place."""
    emails = ["a@acme.com.invalid", None, "ö@bücher.de", "b=acme.de@example.com", "", "c@acme.com", "ü"]

    assert _normal(*emails) == [
        "a@acme.com",
        None,
        "ö@xn--bcher-kva.de",
        "b@acme.de",
        None,
        "c@acme.com",
        "ü",
    ]


_PIECES = st.sampled_from(
    [
        "a",
        "B",
        " ",
        "=",
        "@",
        ".",
        "example.com",
        "@example.com",
        ".invalid",
        "acme.com",
        "ü",
        "\uff0e",
        "\u0130",
        "xn--",
    ]
)


@given(st.lists(_PIECES, max_size=12).map("".join) | st.text(max_size=40))
def test_normalizing_twice_changes_nothing(email: str) -> None:
    """The normal form of a normal form is itself, for any text."""
    once = _normal(email)

    assert once == _normal(*once)


@given(
    st.lists(st.one_of(st.none(), st.lists(_PIECES, max_size=8).map("".join)), max_size=8), st.integers(0, 8)
)
def test_a_batch_is_the_sum_of_its_rows(emails: list[str | None], offset: int) -> None:
    """A slice of a batch normalizes to the same as its rows alone."""
    part = pa.array(emails, pa.string())[offset:]

    assert [_normal(email)[0] for email in emails[offset:]] == normalize(part).to_pylist()


@pytest.mark.parametrize(
    ("email", "domain", "is_blank"),
    [
        ("ann@acme.com", "acme.com", False),
        ("ann@mail.acme.com.invalid", "mail.acme.com", False),
        ("autoproc@00d3h000003yzckeau", "00d3h000003yzckeau", False),
        ("ann", None, False),
        ("@acme.com", None, False),
        ("a@b@acme.com", None, False),
        ("ann@", "", False),
        ("", None, True),
        (None, None, True),
    ],
)
def test_domain_is_what_follows_the_only_at(email: str | None, domain: str | None, is_blank: bool) -> None:
    """Addresses give a domain only with exactly one @ that has something before it."""
    addresses = Addresses.of(pa.array([email], pa.string()))

    assert ([domain], [is_blank]) == (addresses.domain.to_pylist(), addresses.is_blank.tolist())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acme.com", "acme.com"),
        ("a.b-c.acme.com", "a.b-c.acme.com"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("1und1.de", "1und1.de"),
        ("acme", None),
        ("", None),
        (".com", None),
        ("acme.", None),
        ("acme.com.", None),
        ("acme..com", None),
        ("-acme.com", None),
        ("acme-.com", None),
        ("ac me.com", None),
        ("acme_x.com", None),
        ("10.1.2.3", None),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
        ("a" * 64 + ".com", None),
        ("a." * 130 + "com", None),
        ("ü" * 300 + ".com", None),
        ("acme.com\n", None),
    ],
)
def test_canonical_domain(text: str, expected: str | None) -> None:
    """A domain has a dot, labels of letters, digits and inner hyphens, and no number at the end."""
    assert expected == canonical_domain(text)
